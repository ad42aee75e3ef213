"""Which containers are databases: a table of what speaks for and against it, and the sum of both. Pure.

No trait decides alone: proxies, exporters and backups bear a database's name or listen on its port, applications are given its
variables, and whatever is built on a database's image inherits ports, volumes and variables. So traits of several kinds must
come together, one of them about the program rather than about its data.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from tocsin.discovery.command import Step, steps_of
from tocsin.sources.docker.container import DATA_FOLDERS, Container, within

PREFIX = "tocsin."
"""Labels of a container that are meant for us begin so."""

ENOUGH = 4
"""The sum from which on a container is a database; no single trait reaches it."""
IMAGE, TITLE, PROGRAM, PORT = 3, 3, 3, 1
"""What tells of the program: the image's name, what the image's own labels call it, what it runs, the port that it exposes."""
SETTINGS, LOGIN, FOLDER, MENTION, SERVICE = 3, 1, 2, 1, 1
"""What goes with it, and with others: variables that only a server is set up with, or that servers and clients are given alike; a
writable mount where the data lie; an image whose name merely contains a database's; the name of the compose service."""
OTHER_NAME, OTHER_SETTINGS, CLIENT, OTHER_PROGRAM = -6, -6, -2, -10
"""What speaks against it: a name and variables of other software, variables that say where a database is. They count only while it
is not seen to run a server: names mislead, the program cannot. And another program, whatever image it was built on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """An engine as containers show it."""

    engine: str
    """The kind of source that watches it."""
    aliases: frozenset[str]
    """What people write in the label `tocsin.engine` beside it."""
    port: int
    beside: frozenset[int]
    """Further ports of the same server, which do not speak the usual protocol."""
    port_option: re.Pattern[str]
    """How the server is told another port on its command line."""
    names: frozenset[str]
    """Words in an image's name that stand for the engine."""
    qualifiers: frozenset[str]
    """Words that may stand beside them without making it something else."""
    paths: frozenset[str]
    """Last two parts of the names of images whose last part says too little."""
    programs: frozenset[str]
    """What runs the server: its own program, or what starts nothing else."""
    settings: re.Pattern[str]
    login: re.Pattern[str]


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# TiDB, CockroachDB, YugabyteDB, Vitess and the other RELATIVES speak one of the two protocols and are neither engine: what the
# sources ask for they do not have. The label `tocsin.engine` may still say that one is to be watched as such.
FAMILIES = (
    Family(
        engine="postgres",
        aliases=_words("postgresql pg postgis timescaledb"),
        port=5432,
        beside=frozenset(),
        port_option=re.compile(r"(?:^| )(?:-p ?|--port[= ]|-c ?port ?= ?)(\d{1,5})(?= |$)"),
        names=_words(
            "postgres postgresql postgis pgvector pgvecto pgvectors pgroonga pgrouting timescaledb timescale citus spilo patroni stolon "
            "paradedb orioledb vchord pgedge"
        ),
        qualifiers=_words("pg gis crunchy edb enterprisedb percona distribution advanced repmgr supabase zalando vector rs multi"),
        paths=_words("apache/age tensorchord/vchord-suite"),
        programs=_words(
            "postgres postmaster patroni pg_autoctl pg_ctl pg_ctlcluster stolon-keeper run-postgresql run-postgresql-master "
            "run-postgresql-slave bootstrap-postgres-ha.sh /opt/bitnami/scripts/postgresql/run.sh "
            "/opt/bitnami/scripts/postgresql-repmgr/run.sh"
        ),
        settings=re.compile(
            r"PGDATA|PG_MAJOR|PG_VERSION|PGVERSION|PG_SHA256|(?:PATRONI|SPILO|TIMESCALEDB)_\w+|POSTGRES_(?:INITDB_ARGS|INITDB_WALDIR"
            r"|HOST_AUTH_METHOD)|POSTGRESQL_(?:VERSION|DATA_DIR|VOLUME_DIR|INITDB_\w+|POSTGRES_PASSWORD(?:_FILE)?|ADMIN_PASSWORD"
            r"|REPLICATION_MODE|SHARED_PRELOAD_LIBRARIES|MAX_CONNECTIONS)"
        ),
        login=re.compile(r"POSTGRES(?:QL)?_(?:USER|USERNAME|PASSWORD|DB|DATABASE)(?:_FILE)?|PG(?:USER|PASSWORD|DATABASE|PORT)"),
    ),
    Family(
        engine="mysql",
        aliases=_words("mariadb percona"),
        port=3306,
        beside=frozenset({33060, 33061, 33062, 4444, 4567, 4568}),  # X protocol, group replication, administration, Galera
        port_option=re.compile(r"(?:^| )(?:-P ?|--port[= ])(\d{1,5})(?= |$)"),
        names=_words("mysql mariadb percona"),
        qualifiers=_words("galera xtradb pxc columnstore community enterprise lts"),
        paths=_words("mysql/community-server mysql/enterprise-server mariadb/server mariadb/enterprise-server mariadb/columnstore"),
        programs=_words(
            "mysqld mariadbd mysqld_safe mariadbd-safe mysqld-debug run-mysqld run-mysqld-master run-mysqld-slave "
            "/opt/bitnami/scripts/mysql/run.sh /opt/bitnami/scripts/mariadb/run.sh /opt/bitnami/scripts/mariadb-galera/run.sh"
        ),
        settings=re.compile(
            r"(?:MYSQL|MARIADB)_(?:(?:RANDOM_)?ROOT_PASSWORD(?:_FILE|_HASH)?|ROOT_HOST|ALLOW_EMPTY(?:_ROOT)?_PASSWORD|ONETIME_PASSWORD"
            r"|MAJOR|VERSION|SHELL_VERSION|DATA_DIR|INITDB_\w+|MYSQL_LOCALHOST_\w+|AUTO_UPGRADE|REPLICATION_MODE|GALERA_\w+)"
            r"|PERCONA_(?:MAJOR|VERSION\w*)|PS_VERSION|PXC_VERSION"
        ),
        login=re.compile(r"(?:MYSQL|MARIADB)_(?:USER|USERNAME|PASSWORD|DATABASE)(?:_FILE)?"),
    ),
)

PLAIN = _words(
    "alpine debian ubuntu fedora centos rhel ubi el bookworm bullseye trixie noble jammy slim amd arm armhf aarch x rpi server db database "
    "docker container image images cluster ha oss official custom local prod production staging stage dev test primary replica master "
    "slave standby my our the base"
)
"""Words in an image's name that say nothing about what it is."""

OTHERS = _words(
    # proxies, consoles, exporters, backups, migrations, clients, what copies data on, what is written for one database or another
    "pgbouncer bouncer pgpool pgcat odyssey haproxy proxysql maxscale router mysqlrouter proxy vitess vtgate "
    "pgadmin phpmyadmin adminer cloudbeaver dbeaver pgweb pghero web ui admin console postgrest api meta "
    "exporter exporters metrics monitor monitoring pganalyze pmm agent collector "
    "backup backups backuper dump dumper restore pgbackrest barman wal walg xtrabackup mariabackup restic borg "
    "flyway liquibase alembic migrate migration migrations migrator seed seeder init initializer "
    "operator client clients cli tools toolkit shell wait waiter check healthcheck sidecar "
    "connect connector debezium sync replicator zabbix keycloak wordpress nextcloud mongodb mongo redis"
)
"""Words in a name that tell it from a server of the databases that it also names."""

RELATIVES = _words(
    "cockroach cockroachdb yugabyte yugabytedb crate cratedb questdb greenplum gpdb opengauss gaussdb neon neondatabase materialize "
    "materialized risingwave risingwavelabs ferretdb doltgres polardb redshift "
    "tidb pingcap dolt dolthub singlestore singlestoredb memsql oceanbase obproxy starrocks doris vitess vttestserver planetscale "
    "clickhouse databend matrixone "
    "pgdog pgagroal supavisor spqr readyset readysettech shardingsphere mycat kingbus"
)
"""Engines and proxies that speak one of the protocols, by their names and their makers'."""

OTHER_PROGRAMS = _words(
    "psql pg_dump pg_dumpall pg_restore pg_basebackup pg_receivewal pg_recvlogical pg_rewind pg_isready pgbench vacuumdb reindexdb "
    "createdb createuser "
    "mysql mysqldump mysqladmin mysqlcheck mysqlpump mysqlsh mysqlslap mysqlbinlog mydumper myloader "
    "mariadb mariadb-dump mariadb-admin mariadb-check "
    "pgbouncer pgpool pgcat odyssey haproxy proxysql maxscale mysqlrouter vtgate vttablet vtctld vtcombo stolon-proxy stolon-sentinel etcd "
    "pgdog pgagroal supavisor readyset cloud-sql-proxy cloud_sql_proxy repmgrd "
    "cockroach cockroach.sh yugabyted crate gaussdb dolt doltgres tidb-server memsqlctl ndbd ndbmtd ndb_mgmd ndb_mgm "
    "postgres_exporter mysqld_exporter pgbouncer_exporter pg_exporter "
    "pgbackrest barman wal-g wal-e xtrabackup mariabackup mariadb-backup restic borg cron crond go-cron supercronic "
    "flyway liquibase dbmate goose migrate alembic "
    # an application in an image that was built on a database's, or nothing at all
    "python python3 node npm yarn java ruby bundle php php-fpm perl dotnet nginx apache2 apache2-foreground httpd gunicorn uvicorn celery "
    "sleep tail cat true false sh bash ash dash"
)
"""What is seen to run where no server of ours does."""

OTHER_VARIABLES = re.compile(
    r"(?:PGBOUNCER|PGPOOL|PGADMIN|PMA|ADMINER|DATA_SOURCE|PG_EXPORTER|MYSQLD_EXPORTER|PROXYSQL|MAXSCALE|MYSQL_ROUTER|FLYWAY|LIQUIBASE)_\w+"
    r"|BACKUP_(?:KEEP|DIR|CRON|RETENTION|SUFFIX|FILENAME)\w*"
)
CLIENT_VARIABLES = re.compile(
    r"(?:\w+_)?(?:POSTGRES(?:QL)?|PG|MYSQL|MARIADB|DB|DATABASE|DATASOURCE|JDBC)_?(?:SERVER_?)?(?:HOST|HOSTNAME|URL|URI|DSN|ADDR|ADDRESS)"
)
_TITLES = (
    "org.opencontainers.image.title", "org.label-schema.name", "name", "com.redhat.component", "io.k8s.display-name",
)  # fmt: skip
"""Labels by which an image says what it is."""

_WEB = frozenset({22, 80, 443, 8000, 8008, 8080, 8443, 9090, 9104, 9187})
"""Ports of what images add to a server: consoles, interfaces for machines, exporters."""

_NO = _words("false no off 0 disabled")


class Trait(NamedTuple):
    weight: int
    words: str
    of_program: bool = False
    """Whether it tells of the program that runs; a database has at least one such."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recognition:
    """What a container was recognised as."""

    engine: str
    port: int
    """Where it listens, as its own network sees it."""
    score: int
    """0 where a label says it, so that nothing had to be weighed."""
    evidence: tuple[str, ...]
    """What told, in words for a person, the strongest first; what speaks against it last."""
    hints: Mapping[str, str] = field(default_factory=dict)


def hints_of(container: Container) -> dict[str, str]:
    """Return the labels that are meant for us, without the prefix."""
    return {key[len(PREFIX) :]: value for key, value in container.labels.items() if key.startswith(PREFIX)}


def is_wanted(container: Container) -> bool:
    """Tell whether its owner lets it be watched."""
    return container.labels.get(f"{PREFIX}monitor", "").strip().lower() not in _NO


def recognise(container: Container) -> Recognition | None:
    """Return which database server a container is, None for what is none or two at a time. Labels outweigh everything."""
    if not is_wanted(container):
        return None
    steps, hints = steps_of(container.command), hints_of(container)
    told = hints.get("engine", "").strip().lower()
    if told:
        for family in FAMILIES:
            if told == family.engine or told in family.aliases:
                port, words = _port(family, container, steps, hints), f"its label {PREFIX}engine says so"
                return Recognition(engine=family.engine, port=port, score=0, evidence=(words,), hints=hints)
        return None
    weighed = {family: sorted(weigh(container, family, steps), key=lambda trait: -trait.weight) for family in FAMILIES}
    scores = {family: sum(trait.weight for trait in traits) for family, traits in weighed.items()}
    best = max(FAMILIES, key=lambda family: scores[family])
    traits, score = weighed[best], scores[best]
    if score < ENOUGH or not any(trait.of_program for trait in traits) or list(scores.values()).count(score) > 1:
        return None
    evidence = tuple(trait.words if trait.weight > 0 else f"although {trait.words}" for trait in traits)
    return Recognition(engine=best.engine, port=_port(best, container, steps, hints), score=score, evidence=evidence, hints=hints)


def weigh(container: Container, family: Family, steps: tuple[Step, ...]) -> Iterator[Trait]:
    """Yield what speaks for a container's being a server of that family, and what against it; each kind of trait once."""
    yield from _of_image(container, family)
    yield from _of_labels(container, family)
    yield from _of_environment(container, family)
    yield from _of_data(container, family)
    if family.port in {port.number for port in container.ports if port.protocol == "tcp"}:
        yield Trait(PORT, f"it exposes port {family.port}", of_program=True)
    program = _program(steps, family.programs)
    other = "" if program else _program(steps, OTHER_PROGRAMS - family.programs)
    if program:
        yield Trait(PROGRAM, f"it runs {_shown(program)}", of_program=True)
        return
    if other:
        yield Trait(OTHER_PROGRAM, f"it runs {_shown(other)}, which is no such server")
    yield from _objections(container)


def _of_image(container: Container, family: Family) -> Iterator[Trait]:
    parts = _parts(container.image)
    words = _split(parts[-1]) if parts else frozenset()
    if "/".join(parts[-2:]) in family.paths or _stands_for(words, family):
        yield Trait(IMAGE, f"the image is {_shown(container.image)}", of_program=True)
    elif words & family.names:
        yield Trait(MENTION, f"the image's name contains {min(words & family.names)}")


def _of_labels(container: Container, family: Family) -> Iterator[Trait]:
    for title in _titles(container):
        if _stands_for(_split(title), family):
            yield Trait(TITLE, f"the image's labels call it {_shown(title)}", of_program=True)
            break
    service = container.labels.get("com.docker.compose.service", "")
    if _stands_for(_split(service), family):
        yield Trait(SERVICE, f"the compose service is called {_shown(service)}")


def _of_environment(container: Container, family: Family) -> Iterator[Trait]:
    for weight, pattern in ((SETTINGS, family.settings), (LOGIN, family.login)):
        names = sorted(name for name in container.environment if pattern.fullmatch(name))
        if names:
            yield Trait(weight, f"its environment has {', '.join(names[:3])}")
            return


def _of_data(container: Container, family: Family) -> Iterator[Trait]:
    for mount in container.mounts:  # what only reads the files is a backup
        if mount.writable and any(within(mount.destination, folder) for folder in DATA_FOLDERS[family.engine]):
            yield Trait(FOLDER, f"{_shown(mount.destination)} is mounted")
            return


def _objections(container: Container) -> Iterator[Trait]:
    parts = _parts(container.image)
    if len(parts) > 1 and _split(parts[-2]) & RELATIVES:
        yield Trait(OTHER_NAME, f"its image is of {_shown(parts[-2])}")
        return
    for called in (*parts[-1:], *_titles(container), container.labels.get("com.docker.compose.service", "")):
        if others := _split(called) & (OTHERS | RELATIVES):
            yield Trait(OTHER_NAME, f"its name contains {min(others)}")
            break
    for weight, pattern in ((OTHER_SETTINGS, OTHER_VARIABLES), (CLIENT, CLIENT_VARIABLES)):
        if names := sorted(name for name in container.environment if pattern.fullmatch(name)):
            yield Trait(weight, f"its environment has {names[0]}")


def _titles(container: Container) -> Iterator[str]:
    yield from (container.labels[key] for key in _TITLES if container.labels.get(key))


def _parts(image: str) -> list[str]:
    """Return the parts of an image's name without registry, tag and digest; none for one that is known by its id alone.

    >>> _parts("localhost:5000/team/postgres:16@sha256:0123"), _parts("sha256:0123456789ab")
    (['team', 'postgres'], [])
    """
    name = image.partition("@")[0].lower()
    if re.fullmatch(r"(?:sha256:)?[0-9a-f]{12,64}", name) or not name:
        return []
    parts = name.split("/")
    if len(parts) > 1 and (re.search(r"[.:]", parts[0]) or parts[0] == "localhost"):
        del parts[0]
    return [*parts[:-1], parts[-1].partition(":")[0]]


def _split(name: str) -> frozenset[str]:
    """Return the words of a name, without versions: `postgres-16.2` and `PostgreSQL 16` are one word.

    >>> sorted(_split("rhel9/mysql-80-c9s")), sorted(_split("pgadmin4"))
    (['mysql', 'rhel'], ['pgadmin'])
    """
    words = (re.sub(r"\d+$", "", word) for word in re.split(r"[^a-z0-9]+", name.lower()) if not re.fullmatch(r"[vc]?\d+[a-z]?", word))
    return frozenset(word for word in words if word)


def _stands_for(words: frozenset[str], family: Family) -> bool:
    """Tell whether a name is the family's and nothing more than that."""
    return bool(words & family.names) and words <= family.names | family.qualifiers | PLAIN


def _program(steps: Iterable[Step], programs: frozenset[str]) -> str:
    """Return the first of some programs that a command runs, empty for none."""
    for step in steps:
        for name in (step.program, step.program.rpartition("/")[2]):
            if name in programs:
                return name
    return ""


def _port(family: Family, container: Container, steps: tuple[Step, ...], hints: Mapping[str, str]) -> int:
    """Return where the server listens: by label, by its command line, by what is exposed, else where it usually does."""
    if (port := port_of(hints.get("port", ""))) is not None:
        return port
    for step in steps:
        found = family.port_option.search(" ".join(step.arguments))
        if found and (port := port_of(found[1])) is not None:
            return port
    exposed = sorted({port.number for port in container.ports if port.protocol == "tcp"} - family.beside - _WEB)
    return exposed[0] if len(exposed) == 1 else family.port


def port_of(text: str) -> int | None:
    return int(text) if text.strip().isdecimal() and 0 < int(text) < 65536 else None


def _shown(text: str) -> str:
    """Return what somebody else wrote, as it may be shown: bounded, and of one line."""
    text = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return text if len(text) <= 100 else f"{text[:99]}…"
