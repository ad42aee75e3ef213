"""Configuration files: a mistake is told exactly, a good file means what it says, and a secret is never shown.

A bad case is one file in `bad/`: its first lines `# expect: MESSAGE`, one for each message and in their order;
a `*` at the end of a message stands for a list of words that grows with the catalog.
"""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tocsin import config
from tocsin.config import Config
from tocsin.errors import ConfigError, SetupError
from tocsin.options import Duration, Levels, Secret, Size, TargetOptions, masked
from tocsin.sources.postgres.config import PostgresOptions
from tocsin.sources.sqlite.config import SqliteOptions

NEEDLE = "s3cr3t-needle"
BAD = sorted((Path(__file__).parent / "bad").glob("*.yaml"))
ENVIRONMENT = {"TOCSIN_TEST_SECRET": NEEDLE}


def mistakes(path: Path) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        config.load(path, ENVIRONMENT)
    return [m.replace(f"{path.parent}/", "") for m in caught.value.mistakes]


@pytest.mark.parametrize("path", BAD, ids=lambda p: p.stem)
def test_a_bad_file_is_refused_with_exactly_these_messages(path: Path) -> None:
    expected = [line.removeprefix("# expect: ") for line in path.read_text().splitlines() if line.startswith("# expect: ")]
    assert expected, "the first line says what is expected"
    found = mistakes(path)
    ends = [m.index("*") if m.endswith("*") else None for m in expected]
    assert [m[:end] + ("*" if end is not None else "") for m, end in zip(found, ends, strict=False)] == expected
    assert len(found) == len(expected)


@pytest.mark.parametrize("path", BAD, ids=lambda p: p.stem)
def test_no_message_shows_a_secret(path: Path) -> None:
    assert NEEDLE not in "\n".join(mistakes(path))


def test_messages_name_the_file_as_it_was_given(tmp_path: Path) -> None:
    (tmp_path / "t.yaml").write_text("colour: red\n")
    with pytest.raises(ConfigError) as caught:
        config.load(tmp_path / "t.yaml")
    assert str(caught.value).startswith(f"{tmp_path}/t.yaml:1: colour: ")


def test_a_file_that_is_not_there_is_told_by_name(tmp_path: Path) -> None:
    assert mistakes(tmp_path / "none.yaml") == ["none.yaml: cannot be read: No such file or directory"]


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    assert mistakes(tmp_path) == [f"{tmp_path.name}: cannot be read: Is a directory"]


def test_bytes_that_are_no_text_are_told_by_name(tmp_path: Path) -> None:
    (tmp_path / "t.yaml").write_bytes(b"\xff\xfe")
    assert mistakes(tmp_path / "t.yaml") == ["t.yaml: is not UTF-8 text"]


def parse(text: str, **environment: str) -> Config:
    return config.parse(text, "t.yaml", Path("/etc/tocsin"), environment)


def sqlite(text: str, **environment: str) -> SqliteOptions:
    """Return the one target of that kind with these options."""
    (target,) = parse(f"targets: [{{kind: sqlite, name: app, path: app.db, {text}}}]", **environment).targets
    assert isinstance(target, SqliteOptions)
    return target


@pytest.mark.parametrize("text", ["", "\n", "# nothing\n", "---\n", "{}", "targets: []\nserver: {}\nretention: {}\n"])
def test_an_empty_file_is_all_defaults(text: str) -> None:
    assert parse(text) == Config()


def test_a_whole_file_means_what_it_says() -> None:
    found = parse("""
server: {listen: "[::1]:0", web_config_file: web.yaml}
state_dir: /var/lib/tocsin
retention: {age: 1.5h, size: 512KB}
thresholds: {wal_size_bytes: {warning: 1}}
targets:
  - name: app
    kind: sqlite
    path: app.db
    collectors: {database: false}
    every: {schema: 500ms}
    labels: {team: shop}
    thresholds: {wal_size_bytes: {critical: 2, warning: null}}
    series_limit: 7
""")
    assert found == Config(
        server=config.Server(listen="[::1]:0", web_config_file=Path("/etc/tocsin/web.yaml")),
        state_dir=Path("/var/lib/tocsin"),
        retention=config.Retention(age=Duration(5400), size=Size(512 * 1024)),
        thresholds={"wal_size_bytes": Levels(warning=1.0)},
        targets=(
            SqliteOptions(
                name="app",
                kind="sqlite",
                path=Path("/etc/tocsin/app.db"),
                collectors={"database": False},
                every={"schema": Duration(0.5)},
                labels={"team": "shop"},
                thresholds={"wal_size_bytes": Levels(critical=2.0)},
                series_limit=7,
            ),
        ),
    )


@pytest.mark.parametrize(
    ("text", "seconds"), [("1", 1), ("2.5", 2.5), ("100ms", 0.1), ("3s", 3), ("2m", 120), ("1h", 3600), ("2d", 172800), ("'10 s'", 10)]
)
def test_durations_are_seconds(text: str, seconds: float) -> None:
    assert sqlite(f"every: {{schema: {text}}}").every == {"schema": pytest.approx(seconds)}


@pytest.mark.parametrize(("text", "size"), [("5", 5), ("5B", 5), ("1KB", 1024), ("1.5MB", 1572864), ("2GB", 2**31)])
def test_sizes_are_bytes(text: str, size: int) -> None:
    assert parse(f"retention: {{size: {text}}}").retention.size == size


@pytest.mark.parametrize(
    ("text", "environment", "expected"),
    [
        ("${A}", {"A": "x"}, "x"),
        ("a${A}b${B}", {"A": "1", "B": "2"}, "a1b2"),
        ("${A}", {"A": ""}, ""),
        ("${A:-d}", {}, "d"),
        ("${A:-d}", {"A": "x"}, "x"),
        ("${A:-d}", {"A": ""}, "d"),
        ("${A:-}", {}, ""),
        ("a$$b", {}, "a$$b"),
        ("$${A}", {"A": "x"}, "${A}"),
        ("$A", {"A": "x"}, "$A"),
        ("${A}", {"A": "${B}", "B": "x"}, "${B}"),
    ],
)
def test_environment_variables_are_put_in(text: str, environment: dict[str, str], expected: str) -> None:
    assert sqlite(f"labels: {{team: '{text}'}}", **environment).labels == {"team": expected}


def test_a_variable_may_hold_a_number_a_path_or_a_switch() -> None:
    found = sqlite("series_limit: '${N}', collectors: {database: '${ON}'}, full_inspection_every: '${N}'", N="9", ON="false")
    assert (found.series_limit, found.collectors, found.full_inspection_every) == (9, {"database": False}, 9.0)
    assert parse("state_dir: ${DIR}", DIR="state").state_dir == Path("/etc/tocsin/state")


def test_relative_paths_begin_at_the_files_own_folder(tmp_path: Path) -> None:
    (tmp_path / "t.yaml").write_text("targets: [{name: a, kind: sqlite, path: ../a.db}, {name: b, kind: sqlite, path: ~/b.db}]")
    one, other = config.load(tmp_path / "t.yaml").targets
    assert isinstance(one, SqliteOptions)
    assert isinstance(other, SqliteOptions)
    assert one.path == tmp_path / "../a.db"
    assert other.path == Path.home() / "b.db"


def test_relative_paths_are_good_for_processes_that_run_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """DuckDB files are read by one."""
    (tmp_path / "t.yaml").write_text("targets: [{name: a, kind: duckdb, path: lake.duckdb}]")
    monkeypatch.chdir(tmp_path)
    (target,) = config.load(Path("t.yaml")).targets
    assert target.address == str(tmp_path / "lake.duckdb")


def test_thresholds_of_the_file_may_be_of_any_source_but_a_targets_own_only_of_its_source() -> None:
    assert parse("thresholds: {connections_ratio: {warning: 0.5}}").thresholds == {"connections_ratio": Levels(warning=0.5)}


def test_an_anchor_may_be_used_again() -> None:
    text = "targets: [{name: a, kind: sqlite, path: x, labels: &l {team: t}}, {name: b, kind: sqlite, path: x, labels: *l}]"
    one, other = parse(text).targets
    assert one.labels == other.labels == {"team": "t"}


def postgres(folder: Path, **values: object) -> PostgresOptions:
    (folder / "t.yaml").write_text(json.dumps({"targets": [{"name": "orders", "kind": "postgres", **values}]}))
    (target,) = config.load(folder / "t.yaml", ENVIRONMENT).targets
    assert isinstance(target, PostgresOptions)
    return target


def shown(value: object) -> str:
    return "\n".join((repr(value), str(value), f"{value}", f"{value!s:>80}", str([value]), f"{(value,)}"))


def test_a_secret_is_never_shown_and_still_there(tmp_path: Path) -> None:
    target = postgres(tmp_path, dsn="postgresql://tocsin:${TOCSIN_TEST_SECRET}@db.example:5432/postgres")
    assert NEEDLE not in shown(target)
    assert NEEDLE not in shown(target.dsn)
    assert NEEDLE not in shown(dataclasses.asdict(target))
    assert NEEDLE not in shown(Config(targets=(target,)))
    assert NEEDLE not in target.address
    assert target.address == "db.example:5432"
    assert target.connection_string().reveal() == f"postgresql://tocsin:{NEEDLE}@db.example:5432/postgres"


@pytest.mark.parametrize("show", [repr, str, "{}".format, lambda s: f"{s:>10}", "%s".__mod__, "%r".__mod__, lambda s: str([s])])
def test_no_way_of_formatting_shows_a_secret(show: object) -> None:
    assert callable(show)
    assert NEEDLE not in show(Secret(NEEDLE))


@pytest.mark.parametrize(
    ("message", "secret", "text"),
    [
        ("refused:\n  hunter22,\thunter22", "hunter22", "refused: ***, ***"),
        ("no role 'two  words'", "two  words", "no role '***'"),
        ("no role '\tx\n'", "\tx\n", "no role '***'"),
        ("connection to e refused, 'e', e=e", "e", "connection to *** refused, '***', ***=***"),
        ("at 10.0.0.100", "100", "at 10.0.0.***"),
        ("a+b is not aa+bb", "a+b", "*** is not aa+bb"),
        ("no  secret", "", "no secret"),
    ],
)
def test_messages_show_stars_for_the_secret_and_do_not_spell_out_a_short_one(message: str, secret: str, text: str) -> None:
    assert masked(message, secret) == text


def test_a_dsn_may_come_from_a_file_and_a_changed_file_is_seen(tmp_path: Path) -> None:
    target = postgres(tmp_path, dsn_file="dsn")
    (tmp_path / "dsn").write_text(f"postgresql://tocsin:{NEEDLE}@one/\n")
    assert target.connection_string().reveal() == f"postgresql://tocsin:{NEEDLE}@one/"
    (tmp_path / "dsn").write_text("postgresql://two/")
    assert target.connection_string().reveal() == "postgresql://two/"
    assert target.address == ""


def test_a_password_file_loses_its_line_break_and_nothing_else(tmp_path: Path) -> None:
    target = postgres(tmp_path, dsn="postgresql://tocsin@db/", password_file="password")
    (tmp_path / "password").write_bytes(b" p@ss\\w'rd \r\n")
    password = target.password()
    assert password is not None
    assert password.reveal() == " p@ss\\w'rd "
    assert "p@ss" not in shown(password)


def test_a_secret_file_that_cannot_be_read_is_told_by_its_path(tmp_path: Path) -> None:
    target = postgres(tmp_path, dsn_file="none")
    with pytest.raises(SetupError, match=f"cannot read the secret file {tmp_path}/none: No such file or directory"):
        target.connection_string()


def test_a_target_without_a_dsn_says_what_to_give(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="target orders: give dsn or dsn_file"):
        postgres(tmp_path).connection_string()


def test_an_at_sign_in_a_password_is_refused_before_libpq_can_show_the_rest(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="more than one @") as caught:
        postgres(tmp_path, dsn=f"postgresql://tocsin:p@{NEEDLE}@db/").connection_string()
    assert NEEDLE not in str(caught.value)


def test_every_kind_of_target_has_the_common_options() -> None:
    common = {f.name for f in dataclasses.fields(TargetOptions)}
    assert all(common <= {f.name for f in dataclasses.fields(s.options)} for s in config.catalog.SOURCES)


def test_reading_a_configuration_imports_no_driver(tmp_path: Path) -> None:
    (tmp_path / "t.yaml").write_text("targets: [{name: a, kind: sqlite, path: a.db}, {name: b, kind: postgres, dsn: 'postgresql://db/'}]")
    code = "import sys; from pathlib import Path; from tocsin import config; config.load(Path(sys.argv[1])); print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "t.yaml")], capture_output=True, text=True, timeout=30, check=True, env={**os.environ}
    )
    assert not {"psycopg", "apsw", "duckdb", "docker", "requests"} & set(done.stdout.split())
