"""Images of PostgreSQL and MariaDB for a Docker engine, made of the packages that are installed here: nothing is pulled or fetched.

They are built like the usual ones: an entrypoint that fills the data folder at the first start, the server as the command, the port
exposed, the data in a volume, the variables that such images set. It takes two seconds, where a whole Debian would take minutes.
"""

from __future__ import annotations

import io
import os
import re
import subprocess
import tarfile
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from containers import DockerEngine
from newest import CHROOT
from servers import Postgres
from tools import lacking, need

_APPLETS = (
    "sh", "basename", "cat", "chmod", "chown", "cut", "dirname", "echo", "expr", "grep", "hostname", "ls", "mkdir", "mv", "nc", "rm",
    "sed", "sleep", "test", "touch", "tr", "true", "uname",
)  # fmt: skip
_UID = 999
_USER = f"root:x:0:0:root:/:/bin/sh\nserver:x:{_UID}:{_UID}:server:/:/bin/sh\n"

_POSTGRES = """#!/bin/sh
set -e
if [ "$1" = postgres ] && [ ! -s "$PGDATA/PG_VERSION" ]; then
    initdb -D "$PGDATA" -U postgres -A trust --locale=C.UTF-8 -N >/dev/null
    echo "host all all all trust" >>"$PGDATA/pg_hba.conf"
    echo "listen_addresses = '*'" >>"$PGDATA/postgresql.conf"
fi
exec "$@"
"""
_MARIADB = """#!/bin/sh
set -e
if [ "$1" = mariadbd ] && [ ! -d /var/lib/mysql/mysql ]; then
    mariadb-install-db --no-defaults --datadir=/var/lib/mysql --skip-name-resolve --auth-root-authentication-method=normal >/dev/null
fi
[ "$1" != mariadbd ] || set -- "$@" --skip-name-resolve # nobody answers such questions here
exec "$@"
"""
_NEWEST = """#!/bin/sh
set -e
case "$1" in
postgres)
    mkdir -p "$PGDATA" && chown postgres "$PGDATA"
    as="chroot --userspec=postgres:postgres / env PATH=/usr/lib/postgresql/18/bin:$PATH"
    $as initdb -D "$PGDATA" -A trust --locale=C -N >/dev/null
    echo "host all all all trust" >>"$PGDATA/pg_hba.conf"
    exec $as "$@" -c listen_addresses='*' -c unix_socket_directories=/tmp
    ;;
mysqld)
    mkdir -p /var/lib/mysql && chown mysql /var/lib/mysql
    mysqld --no-defaults --user=mysql --initialize-insecure
    exec "$@" --no-defaults --user=mysql --socket=/tmp/mysqld.sock --secure-file-priv=NULL --skip-name-resolve
    ;;
esac
exec "$@"
"""


def postgres_image(engine: DockerEngine, name: str, *changes: str) -> str:
    """Make an image of the newest PostgreSQL that is installed, with further instructions of a Dockerfile, and return its id."""
    programs = Postgres._programs()
    major = programs.parts[-2]
    library, share = Path(f"/usr/lib/postgresql/{major}/lib"), Path(f"/usr/share/postgresql/{major}")
    modules = [library / f"{module}.so" for module in ("dict_snowball", "plpgsql")]
    files = [
        *(programs / program for program in ("postgres", "initdb")), *modules, *sorted(library.glob("*_and_*.so")),
        *_below(share, without=("man", "contrib")), *_below(Path("/usr/share/zoneinfo/Etc")), Path("/usr/share/zoneinfo/UTC"),
    ]  # fmt: skip
    # UTF-8 is in the library itself from glibc 2.35 on; Debian 12 has a file of it too.
    locale = [file for file in _below(Path("/usr/lib/locale/C.utf8")) if file.is_file()]
    data = "/var/lib/postgresql/data"
    return _import(
        engine, name, [*files, *locale], _POSTGRES, [data, "/var/run/postgresql"],
        f"ENV PATH={programs}:/bin PGDATA={data} PG_MAJOR={major}", f"VOLUME {data}", "EXPOSE 5432", 'CMD ["postgres"]', *changes,
    )  # fmt: skip


def mariadb_image(engine: DockerEngine, name: str, *changes: str) -> str:
    """Make an image of the MariaDB that is installed, with further instructions of a Dockerfile, and return its id."""
    programs = [need(program) for program in ("mariadbd", "mariadb-install-db", "my_print_defaults", "resolveip")]
    share = [file for file in _below(Path("/usr/share/mysql")) if file.suffix in (".sql", ".xml") or "english" in file.parts]
    return _import(
        engine, name, [*map(Path, programs), *share], _MARIADB, ["/var/lib/mysql", "/run/mysqld"],
        "ENV PATH=/usr/sbin:/usr/bin:/sbin:/bin MARIADB_VERSION=1:10", "VOLUME /var/lib/mysql", "EXPOSE 3306", 'CMD ["mariadbd"]', *changes,
    )  # fmt: skip


def pooler_image(engine: DockerEngine, name: str) -> str:
    """Make an image like pgbouncer's: it has the port and the login of PostgreSQL, listens there, and is none."""
    listen = "#!/bin/sh\nexec nc -ll -p 5432 -e true\n"
    command = 'CMD ["pgbouncer", "/etc/pgbouncer/pgbouncer.ini"]'
    return _import(engine, name, [], listen, [], "ENV DB_HOST=db POSTGRES_USER=app POSTGRES_PASSWORD=x", "EXPOSE 5432", command)


def newest_image(engine: DockerEngine, name: str) -> str:
    """Make an image of the small Debian with PostgreSQL 18 and MySQL 9; the command `postgres` or `mysqld` says which is run."""
    if not (CHROOT / "complete").exists():
        lacking("PostgreSQL 18 and MySQL 9 are not unpacked: tests/install_newest.sh, as root")
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder, "docker-entrypoint.sh")
        script.write_text(_NEWEST)
        script.chmod(0o755)
        left_out = [f"--exclude=./usr/share/{name}" for name in ("doc", "man", "locale", "info")]
        pack = ["tar", "-C", str(CHROOT), *left_out, "--exclude=./tmp/*", "--exclude=./proc/*", "-c", ".", "-C", folder, script.name]
        with subprocess.Popen(pack, stdout=subprocess.PIPE) as packing:
            wanted = ('ENTRYPOINT ["/docker-entrypoint.sh"]', "ENV PATH=/usr/sbin:/usr/bin:/sbin:/bin")
            options = [word for change in wanted for word in ("--change", change)]
            command = [engine.client, "--host", engine.url, "import", *options, "-", name]
            done = subprocess.run(command, stdin=packing.stdout, capture_output=True, timeout=300)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode().strip()


def _import(engine: DockerEngine, name: str, files: list[Path], entrypoint: str, folders: list[str], *changes: str) -> str:
    """Make an image of some files of this machine with what they need to run."""
    tar = io.BytesIO()
    with tarfile.open(fileobj=tar, mode="w") as image:
        for file in dict.fromkeys([*files, *_libraries(files)]):
            image.add(os.path.realpath(file), str(file)[1:], recursive=False)
        for folder in folders:
            entry = tarfile.TarInfo(folder[1:])
            entry.type, entry.mode, entry.uid, entry.gid = tarfile.DIRTYPE, 0o700, _UID, _UID
            image.addfile(entry)
        tmp = tarfile.TarInfo("tmp")
        tmp.type, tmp.mode = tarfile.DIRTYPE, 0o1777
        image.addfile(tmp)
        image.add(os.path.realpath(need("busybox")), "bin/busybox")
        for applet in _APPLETS:
            link = tarfile.TarInfo(f"bin/{applet}")
            link.type, link.linkname = tarfile.SYMTYPE, "busybox"
            image.addfile(link)
        for path, text, mode in (("etc/passwd", _USER, 0o644), ("docker-entrypoint.sh", entrypoint, 0o755)):
            entry = tarfile.TarInfo(path)
            entry.size, entry.mode = len(text), mode
            image.addfile(entry, io.BytesIO(text.encode()))
    wanted = (f"USER {_UID}", 'ENTRYPOINT ["/docker-entrypoint.sh"]', *changes)
    options = [word for change in wanted for word in ("--change", change)]
    command = [engine.client, "--host", engine.url, "import", *options, "-", name]
    done = subprocess.run(command, input=tar.getvalue(), capture_output=True, timeout=120)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode().strip()


def _libraries(programs: Iterable[Path]) -> list[Path]:
    """Return the libraries that programs and modules are linked to, and the loader."""
    wanted = [file for file in programs if file.suffix == ".so" or os.access(file, os.X_OK)]
    if not wanted:
        return []
    found = subprocess.run(["ldd", *wanted], capture_output=True, text=True, timeout=60).stdout  # fails for scripts, tells of the rest
    return sorted({Path(path) for path in re.findall(r"(?:=>\s|^\s)(/\S+)", found, re.MULTILINE)})


def _below(folder: Path, without: Iterable[str] = ()) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not set(path.relative_to(folder).parts) & set(without):
            yield path


__all__ = ["mariadb_image", "newest_image", "pooler_image", "postgres_image"]
