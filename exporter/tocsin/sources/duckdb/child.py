"""The process that holds the DuckDB library: it reads one file once, answers, and is gone.

A request comes as one line of JSON on standard input, the answer goes as one line of JSON to standard output,
followed by the schema's objects. The library costs 40 MB and seconds for a large catalog,
so the exporter never imports it. What keeps this process in its place:

- it may neither write nor grow a file (RLIMIT_FSIZE 0), spill, load extensions or reach outside of the database;
- memory and processor time are limited by the kernel; a timer ends it whatever it does;
- when standard input ends, because the exporter is gone, it ends too.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

from tocsin.errors import CollectError, DeadlineError, LockedError, SetupError
from tocsin.schema.model import dotted
from tocsin.sources.duckdb.damage import Doubt, Torn, first_line, is_damage
from tocsin.sources.duckdb.inspect import inspect
from tocsin.sources.duckdb.parcel import packed
from tocsin.sources.duckdb.picture import MAIN, Moved, Picture

_TRIES = 60
"""Beside a writer that checkpoints ten times a second four of five readings of a small file are spoilt."""
_SCHEME = "nolock"
_DATABASE = f"{_SCHEME}://database"
_SHARE_OF_BUFFERS = 0.5
_UNSUPPORTED = ("can only read", "storage version greater than", "Unsupported Storage Version", "vector size")

Json = dict[str, Any]


class Unreadable(SetupError):
    """This library cannot read a file of that storage version, and never will: `state` says why."""

    def __init__(self, message: str, state: str, storage_version: int) -> None:
        super().__init__(message)
        self.state = state
        self.storage_version = storage_version


def main() -> None:
    """Answer the one request on standard input."""
    request = json.loads(sys.stdin.buffer.readline())
    _limit(request["seconds"], request["memory"])
    threading.Thread(target=_end_with_the_exporter, daemon=True).start()
    schema = b""
    try:
        answer, schema = answered(request)
    except CollectError as error:
        answer = {"error": _described(error)}
    except MemoryError:
        answer = {"error": _described(SetupError(_too_little_memory(request)))}
    answer |= {"cpu": time.process_time(), "schema": len(schema)}
    sys.stdout.buffer.write(json.dumps(answer).encode() + b"\n" + schema)
    sys.stdout.buffer.flush()
    os._exit(0)  # nothing here is worth tidying up for


def _limit(seconds: float, memory: int) -> None:
    signal.setitimer(signal.ITIMER_REAL, seconds)  # whose signal nobody handles
    processor = int(seconds) + 1
    for what, limit in (
        (resource.RLIMIT_DATA, memory),
        (resource.RLIMIT_CPU, processor),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(what, (limit, limit))


def _end_with_the_exporter() -> NoReturn:
    os.read(0, 1)
    os._exit(1)


def answered(request: Json) -> tuple[Json, bytes]:
    """Return the answer, and the schema's objects where they were asked for. Raises CollectError.

    The file is read in place first. When a checkpoint comes between, it is read from a copy in memory if it is small
    enough for that, else in place again; when that never succeeds it is locked, as far as we can tell.
    """
    path, deadline = Path(request["path"]), time.monotonic() + request["seconds"]
    doubt = Doubt(request["seconds"])
    for attempt in range(_TRIES):
        try:
            with contextlib.closing(Picture(path)) as picture:
                if picture.header.encrypted:
                    said = f"{path} is encrypted: only its size, log and lock can be watched; switch off the other collectors"
                    raise Unreadable(said, "encrypted", picture.header.storage_version)
                doubt.look(picture)
                if attempt > 0 and sum(picture.sizes.values()) <= request["copy_limit"]:
                    picture.copy()
                return _read(picture, request, deadline, doubt)
        except Moved as error:
            if time.monotonic() > deadline:
                break
            time.sleep(doubt.pause() if isinstance(error, Torn) else 0.002 * attempt)
    raise LockedError(
        f"{path} was checkpointed each time while it was read, {_TRIES} times; it will be read when its application "
        f"checkpoints less often, or from a copy where copy_limit allows one of its size"
    )


def _read(picture: Picture, request: Json, deadline: float, doubt: Doubt) -> tuple[Json, bytes]:
    """Read all that was asked for. Raises Moved when the picture did not hold.

    To attach a database is to read its catalog and its logs. What is read later are blocks alone, and the picture
    looks after each of these.
    """
    import duckdb

    try:
        with _opened(picture, request) as connection:
            picture.verify()
            answer: Json = {"gate": picture.gate(), "library": duckdb.__version__, "copied": picture.is_copy}
            schema = b""
            if request["look"]:
                answer["facts"] = _facts(connection, picture, request)
                found = inspect(connection, request["database"])
                answer["facts"]["objects"] = found.counts()
                answer["server"], schema = found.server, packed(found.objects)
            if request["queries"]:
                connection.execute("SET enable_external_access = false")
                connection.execute("SET lock_configuration = true")
                answer["results"] = [_result(connection, picture, query, deadline, doubt) for query in request["queries"]]
            return answer, schema
    except duckdb.Error as error:
        picture.verify()  # if a checkpoint came between, the error is no news
        doubt.settle(error)
        raise _told(error, picture, request) from error


@contextlib.contextmanager
def _opened(picture: Picture | Headers, request: Json) -> Iterator[Any]:
    """Give a connection that sees the picture, read-only, under its database's name."""
    import duckdb

    buffers = int(request["memory"] * _SHARE_OF_BUFFERS)
    settings: dict[str, str | bool | int | float | list[str]] = {
        "threads": "1",
        # The library takes our files for remote ones. When attaching fails while other threads still fetch blocks, 2.0.0
        # frees what they use, and crashes.
        "async_threads": "0",
        "storage_block_prefetch": "NEVER",
        "read_ahead_depth": "0",
        "memory_limit": f"{buffers // 2**20}MiB",
        "temp_directory": "",
        "autoinstall_known_extensions": "false",
        "autoload_known_extensions": "false",
        "allow_community_extensions": "false",
        "allow_persistent_secrets": "false",
        "enable_external_file_cache": "false",
        "python_enable_replacements": "false",
    }
    with contextlib.closing(duckdb.connect(":memory:", config=settings)) as connection:
        connection.register_filesystem(_file_system(picture))
        name = '"' + request["database"].replace('"', '""') + '"'
        connection.execute(f"ATTACH '{_DATABASE}' AS {name} (READ_ONLY)")
        connection.execute(f"USE {name}")
        connection.execute("SET TimeZone = 'UTC'")
        yield connection


def _file_system(picture: Picture | Headers) -> Any:
    """Return what DuckDB reads files through: it knows the picture's files and nothing else."""
    from fsspec import AbstractFileSystem

    class StillFiles(AbstractFileSystem):  # type: ignore[misc]
        protocol = _SCHEME
        cachable = False

        def isfile(self, path: str) -> bool:
            return path.removeprefix(_DATABASE) in picture.sizes

        def info(self, path: str, **_: object) -> Json:
            name = path.removeprefix(_DATABASE)
            if name not in picture.sizes:
                raise FileNotFoundError(path)
            return {"name": path, "size": picture.sizes[name], "type": "file", "mtime": 0}

        def open(self, path: str, mode: str = "rb", **_: object) -> StillFile:
            if mode != "rb":
                raise PermissionError(f"{path} is for reading alone")
            return StillFile(picture, path.removeprefix(_DATABASE))

    return StillFiles()


class StillFile:
    """One file of a picture, as Python's files are read."""

    def __init__(self, picture: Picture | Headers, name: str) -> None:
        self._picture, self._name, self._at = picture, name, 0

    def read(self, amount: int = -1) -> bytes:
        amount = amount if amount >= 0 else self._picture.sizes[self._name]
        try:
            data = self._picture.read(self._name, amount, self._at)
        except Moved:
            # No exception of Python's through the library, which may crash of it. It refuses zeros, by their checksum,
            # and the picture tells afterwards that it moved.
            data = bytes(amount)
        self._at += len(data)
        return data

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self._at = offset + {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._picture.sizes[self._name]}[whence]
        return self._at

    def tell(self) -> int:
        return self._at

    def flush(self) -> None:
        """Nothing is ever written."""

    def close(self) -> None:
        """The picture closes its files."""


_BLOCKS = "SELECT total_blocks, used_blocks FROM pragma_database_size() WHERE database_name = $1"
_STORAGE = "SELECT tags['storage_version'] FROM duckdb_databases() WHERE database_name = $1"
_ROWS = """
    SELECT schema_name, table_name, estimated_size
    FROM duckdb_tables()
    WHERE database_name = $1 AND NOT internal AND NOT temporary
    ORDER BY estimated_size DESC, schema_name, table_name
"""
_SEQUENCES_IN_USE = """
    SELECT schema_name, sequence_name
    FROM duckdb_sequences()
    WHERE database_name = $1 AND NOT temporary AND last_value IS NOT NULL
"""


def _facts(connection: Any, picture: Picture, request: Json) -> Json:
    """Return what the catalog knows beside the schema."""
    names = [request["database"]]
    ((total, used),) = connection.execute(_BLOCKS, names).fetchall()
    ((compatible,),) = connection.execute(_STORAGE, names).fetchall()
    tables = connection.execute(_ROWS, names).fetchall()
    in_use = [dotted(*name) for name in connection.execute(_SEQUENCES_IN_USE, names).fetchall()]
    # The headers may still count blocks that a checkpoint has cut off the file's end.
    blocks = min(total, picture.blocks_in_file)
    largest, others = tables[: request["tables"]], tables[request["tables"] :]
    return {
        "blocks": blocks,
        "free": max(0, blocks - used),
        "compatible": compatible or "",
        "tables": largest,
        "other_tables": len(others),
        "other_rows": sum(rows for _, _, rows in others),
        "sequences_in_use": in_use,
    }


def _result(connection: Any, picture: Picture, query: Json, deadline: float, doubt: Doubt) -> Json:
    """Return column names and rows as text, or what is wrong with a query of the user's own. Raises Moved."""
    import duckdb

    timer = threading.Timer(max(0.0, deadline - time.monotonic()), connection.interrupt)
    timer.daemon = True
    timer.start()
    try:
        statements = connection.extract_statements(query["sql"])
        if [s.type for s in statements] != [duckdb.StatementType.SELECT]:
            raise SetupError("one statement that reads, please: SELECT, FROM or WITH")
        sql = statements[0].query.rstrip().rstrip(";")
        columns = [row[0] for row in connection.execute(f"DESCRIBE {sql}").fetchall()]
        aliases = ", ".join(f"c{i}" for i in range(len(columns)))
        # As text from the library itself: Python would need further packages for some types.
        cursor = connection.execute(f"SELECT CAST(COLUMNS(*) AS VARCHAR) FROM ({sql}\n) AS q({aliases})")  # noqa: S608 -- the user's own
        return {"columns": columns, "rows": cursor.fetchmany(query["rows"])}
    except duckdb.InterruptException:
        return {"error": _described(DeadlineError("the query took longer than it may"))}
    except duckdb.OutOfMemoryException:
        return {"error": _described(SetupError("the query needs more memory than memory_limit leaves it"))}
    except duckdb.Error as error:
        picture.verify_headers()
        if is_damage(error):
            doubt.settle(error)
        return {"error": _described(SetupError(first_line(error)))}
    except SetupError as error:
        return {"error": _described(error)}
    finally:
        timer.cancel()


def _described(error: CollectError) -> Json:
    state, version = (error.state, error.storage_version) if isinstance(error, Unreadable) else (None, None)
    return {"reason": error.reason, "message": str(error), "state": state, "storage_version": version}


def _told(error: Exception, picture: Picture, request: Json) -> CollectError:
    """Turn the library's error about a file that stood still into ours."""
    import duckdb

    if is_damage(error):
        error = _said_about_version(picture, request) or error
    path, said = picture.path, first_line(error).replace(_DATABASE, str(picture.path))
    match error:
        case _ if isinstance(error, duckdb.OutOfMemoryException) or "could not allocate" in str(error):  # so it says while it reads a log
            return SetupError(_too_little_memory(request))
        case duckdb.InterruptException():
            return DeadlineError(f"reading {path} took longer than the run may")
        case _ if _is_unsupported(error):
            version = picture.header.storage_version
            remedy = "install beside tocsin the duckdb package that its application uses"
            said = f"{path} has storage version {version}, which DuckDB {duckdb.__version__} does not read; {remedy}: {said}"
            return Unreadable(said, "unsupported_format", version)
        case _ if is_damage(error):
            return SetupError(f"{path} is damaged; restore it from a backup, or see what the duckdb client says about it: {said}")
        case _:
            return SetupError(f"{path} cannot be read: {said}")


def _is_unsupported(error: Exception) -> bool:
    return any(words in str(error) for words in _UNSUPPORTED)


def _said_about_version(picture: Picture, request: Json) -> Exception | None:
    """Return what the library has against the storage version, if it had no chance to say so because a checksum is wrong.

    A format to come may have other checksums, and whoever writes a version into a file by hand leaves the old one.
    """
    import duckdb

    try:
        with _opened(Headers(picture.headers_with_checksums()), request):
            return None
    except duckdb.Error as error:
        return error if _is_unsupported(error) else None


class Headers:
    """A file that is nothing but headers, as pictures are read."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self.sizes = {MAIN: len(content)}

    def read(self, _name: str, amount: int, offset: int) -> bytes:
        return self._content[offset : offset + amount]


def _too_little_memory(request: Json) -> str:
    return f"reading {request['path']} needs more memory than memory_limit ({request['memory'] // 2**20} MiB); raise it for this target"


if __name__ == "__main__":
    main()
