"""How a DuckDB file is reached: nothing is held open, and what needs the library is asked of a child process."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast
from weakref import finalize

import tocsin
from tocsin.allowance import Allowance
from tocsin.errors import CollectError, ConnectError, DeadlineError, InternalError, LockedError, PrivilegeError, SetupError
from tocsin.schema.model import Object, Schema
from tocsin.source import Run
from tocsin.sources.duckdb.config import DuckdbOptions
from tocsin.sources.duckdb.log import Log
from tocsin.sources.duckdb.parcel import unpacked
from tocsin.sources.duckdb.picture import read_picture
from tocsin.sql import Ask, Result, version_number

_MOST_ROWS = 100_000
_MOST_BYTES = 256 * 2**20
_LEAVING = 0.2

_COMMAND = (sys.executable, "-P", "-s", "-B", "-m", "tocsin.sources.duckdb.child")
_ERRORS: Mapping[str, type[CollectError]] = {
    e.reason: e for e in (ConnectError, PrivilegeError, LockedError, SetupError, DeadlineError, InternalError)
}


@dataclass(frozen=True, slots=True)
class Look:
    """What a child saw of a whole database. `cpu` is the processor time in seconds that it took."""

    gate: str
    schema_gate: str
    """What `DuckdbSession.schema_gate` was before: what was seen is no older."""
    library: str
    copied: bool
    facts: dict[str, Any]
    server: str
    parcel: bytes
    cpu: float
    at: float

    def roots(self) -> Iterator[tuple[str, list[Object]]]:
        return unpacked(self.parcel)

    def schema(self) -> Schema:
        return Schema(self.server, tuple(o for _, objects in self.roots() for o in objects))


class Known:
    """What is known of one target, shared by its sessions: collectors that are due at once cost one child, a file that rests none."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.log_lock = threading.Lock()
        self.look: Look | None = None
        self.has_looked = False
        self.log = Log()
        self.failure: CollectError | None = None
        """Why there is no look, if the last one failed."""
        self.allowance = Allowance()
        self.refusal: tuple[int, str] | None = None
        """Storage version and state of a file that the library does not read."""


_known: dict[int, Known] = {}
_known_lock = threading.Lock()


def _known_of(options: DuckdbOptions) -> Known:
    """Return what is known of a target. Sessions come and go, its options live as long as it is watched."""
    with _known_lock:
        if id(options) not in _known:
            _known[id(options)] = Known()
            finalize(options, _known.pop, id(options), None)
        return _known[id(options)]


class DuckdbSession:
    def __init__(self, options: DuckdbOptions) -> None:
        self.options = options
        self._known = _known_of(options)
        self._runs: list[Run] = []
        self._answers: dict[Run, Result | CollectError] = {}

    def begin(self, runs: list[Run]) -> None:
        """Look at the file once; raises CollectError when it is no database."""
        if runs and all(run.collector.name == "files" for run in runs):
            return  # that it is gone is what this one tells
        self._runs, self._answers = [run for run in runs if isinstance(run.collector.collect, Ask)], {}
        read_picture(self.options.path, lambda _picture: None, max(run.deadline for run in runs))

    def close(self) -> None:
        """Nothing is open."""

    def refusal(self, storage_version: int) -> str | None:
        """Return the state of a file whose content the library does not read, None where it does or nobody has tried."""
        version, state = self._known.refusal or (None, None)
        return state if version == storage_version else None

    def schema_gate(self, deadline: float) -> str:
        """Return what moves with every change of the schema, and with little else. Raises CollectError."""
        if not self._known.log_lock.acquire(timeout=max(0.0, deadline - time.monotonic())):
            raise DeadlineError(f"{self.options.name}: another look at the log of {self.options.path} took too long")
        try:
            return read_picture(self.options.path, self._known.log.gate, deadline)
        finally:
            self._known.log_lock.release()

    def has_looked(self) -> bool:
        """Tell whether the database was read since this process began: a gate of before may be that of a file put in its place."""
        return self._known.has_looked

    def fresh_look(self) -> Look | None:
        """Return the last look if so many were taken that another one has to wait."""
        return self._known.look if time.monotonic() < self._known.allowance.ready_at() else None

    def look(self, gate: str, deadline: float) -> Look:
        """Return what the database is like: what the last child saw, where that is fresh or a gate, of either kind, has not moved since.

        Raises CollectError.
        """
        known = self._known
        if not known.lock.acquire(timeout=max(0.0, deadline - time.monotonic())):
            raise DeadlineError(f"{self.options.name}: another reading of {self.options.path} took too long")
        try:
            if known.look is not None and (known.look is self.fresh_look() or self._stands(known.look, gate)):
                return known.look
            if known.failure is not None and time.monotonic() < known.allowance.ready_at():
                raise type(known.failure)(*known.failure.args)
            known.look, known.failure = None, None
            known.look = self._take_look(deadline)
            return known.look
        finally:
            known.lock.release()

    def _take_look(self, deadline: float) -> Look:
        """Look, at the cost of an allowance; one that fails is not cheaper."""
        schema_gate = self.schema_gate(deadline)
        began = time.monotonic()
        cpu = None
        try:
            answer, parcel = self._ask({"look": True, "queries": []}, deadline)
            cpu = answer["cpu"]
        except CollectError as error:
            self._known.failure = type(error)(*error.args)  # without what it has on its stack
            raise
        finally:
            now = time.monotonic()
            self._known.allowance.spend(now - began if cpu is None else cpu, now)
        self._known.has_looked = True
        return Look(answer["gate"], schema_gate, answer["library"], answer["copied"], answer["facts"], answer["server"], parcel, cpu, now)

    def _stands(self, look: Look, gate: str) -> bool:
        is_old = time.monotonic() - look.at >= self.options.full_inspection_every
        return gate in (look.gate, look.schema_gate) and not is_old

    def answer(self, run: Run) -> Result:
        """Run the query of an own collector, together with those of the batch's others; raises CollectError."""
        if run not in self._answers:
            self._answer_all(run)
        found = self._answers.pop(run)
        if isinstance(found, CollectError):
            raise found
        return found

    def _answer_all(self, first: Run) -> None:
        runs = [first, *(run for run in self._runs if run is not first)]
        queries = [{"sql": _query_of(run).for_version(_library_version()), "rows": _MOST_ROWS} for run in runs]
        answer, _ = self._ask({"look": False, "queries": queries}, max(run.deadline for run in runs))
        for run, found in zip(runs, answer["results"], strict=True):
            if "error" in found:
                self._answers[run] = _error(found["error"], f"{self.options.name}: ")
            else:
                rows = [tuple(None if cell is None else cell.encode() for cell in row) for row in found["rows"]]
                self._answers[run] = Result(found["columns"], rows)

    def _ask(self, question: dict[str, Any], deadline: float) -> tuple[dict[str, Any], bytes]:
        """Put a question to a child of its own, and return its answer and the schema's objects."""
        options = self.options
        request = question | {
            "path": str(options.path),
            "database": database_name(options.path),
            "memory": int(options.memory_limit),
            "copy_limit": int(options.copy_limit),
            "tables": options.largest_tables,
            "seconds": max(0.5, deadline - time.monotonic() - _LEAVING),
        }
        head, _, parcel = _converse(options, json.dumps(request).encode() + b"\n", deadline).partition(b"\n")
        answer: dict[str, Any] = json.loads(head)
        if "error" in answer:
            error = answer["error"]
            if error["state"] is not None:
                self._known.refusal = (error["storage_version"], error["state"])
            raise _error(error)
        self._known.refusal = None
        return answer, parcel


def database_name(path: Path) -> str:
    """Return the name that DuckDB gives the database when an application opens the file: the file's, up to the first dot."""
    name = path.name.split(".")[0] or path.name
    return f"{name}_db" if name in ("main", "memory", "system", "temp") else name


def _converse(options: DuckdbOptions, request: bytes, deadline: float) -> bytes:
    """Give a child the request and return what it said. It is gone afterwards, whatever it did."""
    with _child() as process:
        assert process.stdin is not None
        assert process.stdout is not None
        with contextlib.suppress(BrokenPipeError):
            process.stdin.write(request)
            process.stdin.flush()  # and left open: when it ends, the child ends
        said = _read_all(process.stdout.fileno(), deadline)
        if said is None:
            raise DeadlineError(f"{options.name}: reading {options.path} took longer than the run may")
        code = process.wait(1 + max(0.0, deadline - time.monotonic()))
    if b"\n" not in said:
        raise _death(options, code)
    return said


def _death(options: DuckdbOptions, code: int) -> CollectError:
    if code in (-signal.SIGALRM, -signal.SIGXCPU, -signal.SIGKILL):
        return DeadlineError(f"{options.name}: reading {options.path} took longer than the run may, or the kernel ran out of memory")
    how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with status {code}"
    return SetupError(
        f"{options.name}: the process that reads {options.path} {how}; is the file damaged, "
        f"or memory_limit ({options.memory_limit // 2**20} MiB) too small, or the package duckdb broken?"
    )


@contextlib.contextmanager
def _child() -> Iterator[subprocess.Popen[bytes]]:
    """Start a reading process in a group and with an environment of its own; leaving kills the group."""
    try:
        process = subprocess.Popen(
            _COMMAND,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd="/",
            env={"PYTHONPATH": str(Path(tocsin.__file__).parents[1]), "LC_ALL": "C.UTF-8"},
            start_new_session=True,
        )
    except OSError as error:
        raise InternalError(
            f"no process could be started to read with ({error.strerror}); raise the limits on processes and memory"
        ) from error
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        for pipe in (process.stdin, process.stdout):
            with contextlib.suppress(BrokenPipeError):
                cast(Any, pipe).close()


def _read_all(fd: int, deadline: float) -> bytes | None:
    """Return all that comes until the end, None when that does not come in time. Raises InternalError beyond a bound."""
    parts: list[bytes] = []
    size = 0
    while True:
        ready, _, _ = select.select([fd], [], [], max(0.0, deadline - time.monotonic()))
        if not ready:
            return None
        part = os.read(fd, 2**16)
        if not part:
            return b"".join(parts)
        parts.append(part)
        size += len(part)
        if size > _MOST_BYTES:
            raise InternalError(f"the reading process said more than {_MOST_BYTES // 2**20} MiB")


def _error(told: dict[str, Any], place: str = "") -> CollectError:
    return _ERRORS.get(told["reason"], InternalError)(f"{place}{told['message']}")


def _query_of(run: Run) -> Any:
    return cast(Ask, run.collector.collect).query


def _library_version() -> int:
    """Return the version of DuckDB, which is the library's: the package says it without being imported."""
    from importlib.metadata import version

    return version_number(".".join(version("duckdb").split(".")[:3]), DuckdbOptions.version_parts)
