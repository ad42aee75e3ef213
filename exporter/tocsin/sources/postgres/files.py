"""The server's own files, where they lie on this machine and may be looked at: its data directory and what configures it."""

from __future__ import annotations

import json
import os
from pathlib import Path

from tocsin.errors import Unsupported
from tocsin.filewatch import Watched, collect_paths
from tocsin.filewatch.places import Hung, ask, read_places
from tocsin.source import Run
from tocsin.sources.postgres.session import PostgresSession

_WHERE = """
    SELECT name, setting FROM pg_settings WHERE name IN ('data_directory', 'config_file', 'hba_file', 'ident_file', 'port')
    UNION ALL
    SELECT 'started', floor(extract(epoch FROM pg_postmaster_start_time()))::text
"""
_PATIENCE = 2.0
_STARTED_WITHIN = 60.0
"""Seconds between the start of the process and what the server calls its start: recovery lies between them."""


def collect_files(session: PostgresSession, run: Run) -> None:
    """Look at the data directory, never into the files in it, and at the configuration, which is compared line by line.

    Raises Unsupported where they are another machine's, or not for us to see.
    """
    assert session.default is not None
    rows = session.default.query(_WHERE, run.deadline).rows
    said = {(name or b"").decode(): (value or b"").decode("utf-8", "surrogateescape") for name, value in rows}
    if "data_directory" not in said:
        raise Unsupported(f"{session.options.name}: where the server's files are is told to members of pg_monitor alone")
    data = said["data_directory"]
    _prove(run, data, said)
    watched = [
        Watched(data),
        Watched(f"{data}/postmaster.pid", comes_and_goes=True),
        Watched(f"{data}/global/pg_control", database=True),
        *(Watched(f"{data}/{name}") for name in ("PG_VERSION", "base", "pg_wal", "pg_tblspc")),
    ]
    configuration = [said.get(name) for name in ("config_file", "hba_file", "ident_file")]
    configuration.append(f"{data}/postgresql.auto.conf")
    watched += [Watched(path, content=True, diff=True) for path in configuration if path]
    collect_paths(run, watched, patience=_PATIENCE)


def _prove(run: Run, data: str, said: dict[str, str]) -> None:
    """Make sure that the directory of that name is this very server's: its postmaster.pid says so. Raises Unsupported."""
    proof = json.dumps([data, said.get("port"), said["started"]]).encode()
    text = _read_pid_file(f"{data}/postmaster.pid")
    if text is None and run.recall("proof") == proof:
        return  # it was this server's, which has not been started anew since: that the file is gone is what is told
    lines = (text or "").split("\n")
    is_this = (
        len(lines) > 3
        and lines[3] == said.get("port")
        and lines[2].isdecimal()
        and abs(int(lines[2]) - int(said["started"])) < _STARTED_WITHIN
        and lines[0].isdecimal()
        and os.path.lexists(f"/proc/{lines[0]}")
    )
    if not is_this:
        raise Unsupported(f"the data directory {data} is another machine's, or may not be read by this user")
    run.remember("proof", proof)


def _read_pid_file(path: str) -> str | None:
    """Return its text, None where there is none. Raises Unsupported where that cannot be told."""
    try:
        return ask(read_places().of(path), lambda: Path(path).read_text("utf-8", "replace"), _PATIENCE)
    except FileNotFoundError:
        return None
    except (Hung, OSError) as error:
        raise Unsupported(f"{path} cannot be read, so its server cannot be told from another machine's: {error}") from error
