"""The exporter put together: from a configuration to a running server, and down again."""

from __future__ import annotations

import gc
import logging
import signal
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self

from tocsin import config as configuration
from tocsin import heap
from tocsin.app import App
from tocsin.config import Config
from tocsin.discovery.core import Discoveries
from tocsin.discovery.lookout import Lookouts
from tocsin.discovery.memory import Names
from tocsin.errors import ConfigError
from tocsin.journal import Journal
from tocsin.runner import Runner
from tocsin.scheduler import Scheduler
from tocsin.server import Server
from tocsin.store import Store
from tocsin.visits import Visits
from tocsin.webconfig import WebConfig

_log = logging.getLogger("tocsin")


class Service:
    """One exporter in this process. A context manager: entering starts it, leaving stops it."""

    def __init__(self, config: Config, path: Path | None = None, listen: str | None = None, state_dir: Path | None = None) -> None:
        """Prepare, without starting anything. `path` is the file to load again on reload, `listen` and `state_dir` are stronger than it.

        Raises ConfigError.
        """
        listen = listen or config.server.listen
        self.path = path
        self._fixed = (config.server, config.state_dir, config.retention)
        self._config = config
        self._applying = threading.Lock()
        self._closed = False
        self._counts = (0, 0)
        self.journal = Journal(state_dir or config.state_dir, keep_seconds=config.retention.age, keep_bytes=config.retention.size)
        try:
            _refuse_journal(config, self.journal.path)
            self.scheduler = Scheduler(Runner(self.journal, Store()))
            self.visits = Visits()
            self.scheduler.tidiers += (self.visits.tidy, heap.trim)
            self.discoveries = Discoveries([self.journal.path], Names(self.journal))
            self.lookouts = Lookouts(self.discoveries, self._found)
            self.scheduler.runner.suspicion = self.lookouts.suspicion
            self.scheduler.hearers.append(lambda target: self.lookouts.stir(target.options))
            self.app = App(self.scheduler, self.visits, self.discoveries, self.journal, self.reload)
            self._apply(config)
            web = WebConfig(config.server.web_config_file) if config.server.web_config_file else None
            self.server = Server(_address(listen), self.app, web)
        except OSError as error:
            self.journal.close()
            raise ConfigError([f"cannot listen on {listen}: {error.strerror}; choose another server.listen"]) from error
        except BaseException:
            self.journal.close()
            raise

    @property
    def url(self) -> str:
        """Where the server listens, as this machine reaches it."""
        host, port = self.server.server_address[:2]
        host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(str(host), str(host))  # noqa: S104 -- compared, not bound
        host = f"[{host}]" if ":" in host and not host.startswith("[") else host
        scheme = "https" if self.server.web is not None and self.server.web.context is not None else "http"
        return f"{scheme}://{host}:{port}"

    def __enter__(self) -> Self:
        heap.share()
        self.scheduler.start()
        self.lookouts.start()
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.2}, name="tocsin-http", daemon=True).start()
        self.app.ready = True
        # What start-up left behind is garbage now, and what it built stays: the collector need not look at it again.
        gc.collect()
        gc.freeze()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.app.ready = False
        self.server.shutdown()
        self.server.server_close()
        self.lookouts.stop()
        with self._applying:
            self._closed = True
        self.scheduler.stop()
        self.visits.close()
        self.journal.close()

    def _apply(self, config: Config) -> None:
        """Watch what a configuration says, and what was found so far as far as that one wants it."""
        self._config = config
        self.lookouts.apply(config)
        self._watch()
        self.visits.apply(config)

    def _watch(self) -> None:
        outcome = self.discoveries.outcome
        self.scheduler.apply(replace(self._config, targets=(*self._config.targets, *outcome.targets)), outcome.suspensions)

    def _found(self) -> None:
        """Watch what was found beside what is configured."""
        with self._applying:
            if not self._closed:
                self._watch()
                self._tell_what_was_found()

    def _tell_what_was_found(self) -> None:
        """Write to the log how many databases there are, whenever that is another number."""
        found = self.discoveries.outcome.discovered
        counts = len(found), sum(not one.monitored_by for one in found)
        if counts != self._counts:
            self._counts = counts
            _log.info("databases found: %d, not monitored of them: %d; tocsin discover shows what is missing", *counts)

    def reload(self) -> None:
        """Load the configuration file again; with a mistake in it the last good one stays. The address does not change."""
        if self.path is None:
            return
        try:
            with self._applying:
                config = configuration.load(self.path)
                _refuse_journal(config, self.journal.path)
                self._apply(config)
                if (config.server, config.state_dir, config.retention) != self._fixed:
                    _log.warning("server, state_dir and retention changed in the file: they take effect at the next start")
        except ConfigError as error:
            self.app.reload_ok = False
            _log.error("the configuration stays as it was:\n%s", error)
        else:
            self.app.reload_ok, self.app.reloaded_at = True, time.time()
            _log.info("configuration loaded: %d targets", len(self.scheduler.targets()))


def wait_for_signal(service: Service, tick: Callable[[], None] | None = None) -> str:
    """Wait for SIGINT or SIGTERM and return its name; SIGHUP loads the configuration again.

    `tick` is called every second meanwhile.
    """
    # A signal that comes just before a wait on a lock begins does not end that wait; a byte in a socket does.
    reader, writer = socket.socketpair()
    with reader, writer:
        reader.settimeout(1 if tick else None)
        writer.setblocking(False)
        signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda *_: None)
        try:
            while True:
                with suppress(TimeoutError):
                    number = signal.Signals(reader.recv(1)[0])
                    if number in (signal.SIGINT, signal.SIGTERM):
                        return number.name
                    if number == signal.SIGHUP:
                        service.reload()
                if tick:
                    tick()
        finally:
            signal.set_wakeup_fd(-1)


def _refuse_journal(config: Config, journal: Path) -> None:
    """Raise ConfigError for a target that is our own journal: reading it here would drop the locks that SQLite holds on it."""
    for target in config.targets:
        path = getattr(target, "path", None)
        if isinstance(path, Path) and path.exists() and path.samefile(journal):
            raise ConfigError([f"target {target.name}: {path} is this exporter's own journal; tocsin_journal_* tells about it"])


def _address(listen: str) -> tuple[str, int]:
    host, _, port = listen.rpartition(":")
    return host.strip("[]"), int(port)
