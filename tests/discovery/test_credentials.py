"""Logins of what was found: whom they are for, which files labels may name, and that nothing leaks."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from finds import container, file, parse, process
from tocsin.config import Config
from tocsin.discovery.credentials import Plan, plan
from tocsin.discovery.found import Found
from tocsin.discovery.places import Resolver
from tocsin.sources.duckdb.config import DuckdbOptions
from tocsin.sources.endpoint.config import EndpointOptions
from tocsin.sources.mysql import tls
from tocsin.sources.mysql.config import MysqlOptions
from tocsin.sources.postgres.config import PostgresOptions
from tocsin.sources.sqlite.config import SqliteOptions

NEEDLE = "s3cr3t-needle"


def planned(found: Found, text: str | Config = "") -> Plan:
    return plan(found, "orders", parse(text) if isinstance(text, str) else text, Resolver())


def postgres(found: Found, text: str | Config = "") -> PostgresOptions:
    made = planned(found, text)
    assert isinstance(made.options, PostgresOptions), made.missing
    assert not made.missing
    return made.options


def refused(found: Found, text: str | Config = "") -> str:
    """Return what is missing of a server that stays watched from outside."""
    made = planned(found, text)
    assert isinstance(made.options, EndpointOptions)
    assert made.missing
    assert NEEDLE not in repr(made)
    return made.missing


DEFAULTS = """
defaults:
  postgres:
    userpass: {username: tocsin, password: s3cr3t-needle}
    options: {sslmode: require}
    labels: {team: shop}
"""


def with_targets(*patterns: str) -> str:
    return DEFAULTS + f"    targets: {list(patterns)}\n"


def test_defaults_make_a_target_of_the_engines_kind_with_all_they_say() -> None:
    made = postgres(container(), DEFAULTS)
    assert made.name == "orders"
    assert made.labels == {"team": "shop"}
    for word in ("host='172.17.0.2'", "port='5432'", "user='tocsin'", f"password='{NEEDLE}'", "sslmode='require'"):
        assert word in made.connection_string().reveal()
    assert NEEDLE not in repr(made)


def test_no_password_leaves_in_clear_whether_patterns_let_the_login_through_or_none_are_there() -> None:
    for text in (DEFAULTS, with_targets("orders")):
        assert "require_auth='!password'" in postgres(container(), text).connection_string().reveal()
    allowed = DEFAULTS.replace("{sslmode: require}", "{sslmode: verify-full, require_auth: password}")
    assert "require_auth='password'" in postgres(container(), allowed).connection_string().reveal()


@pytest.mark.parametrize(
    ("patterns", "is_meant"),
    [
        (("orders",), True),
        (("ORDERS",), True),
        (("ord*",), True),
        (("postgres:*",), True),
        (("172.17.0.2",), True),
        (("172.17.0.*:5432",), True),
        (("shop", "orders"), True),
        (("shop",), False),
        (("order",), False),
        (("172.17.0.2:5433",), False),
        (("postgres",), False),
    ],
)
def test_patterns_compare_the_containers_name_its_image_and_its_address(patterns: tuple[str, ...], is_meant: bool) -> None:
    made = planned(container(), with_targets(*patterns))
    assert isinstance(made.options, PostgresOptions) is is_meant
    if not is_meant:
        assert "add 'orders' to them" in made.missing


def test_what_a_container_calls_itself_by_label_is_not_compared() -> None:
    assert "add 'rogue' to them" in refused(container("rogue", hints={"name": "orders"}), with_targets("orders"))


def test_without_a_login_the_server_is_watched_from_outside() -> None:
    made = planned(container())
    assert made.options == EndpointOptions(name="orders", kind="endpoint", protocol="postgres", address="172.17.0.2:5432")
    assert made.missing == (
        "a login: give one under defaults.postgres, or to the container the labels tocsin.user and tocsin.password_file"
    )
    assert planned(process("postgres", "127.0.0.1:5432")).missing == "a login: give one under defaults.postgres"


def test_without_an_address_nothing_can_be_watched() -> None:
    made = planned(replace(container(), addresses=()), DEFAULTS)
    assert made.options is None
    assert "publish its port" in made.missing


def test_files_need_no_login(tmp_path: Path) -> None:
    made = planned(file(tmp_path / "app.db"))
    assert made == Plan(SqliteOptions(name="orders", kind="sqlite", path=tmp_path / "app.db"))
    assert isinstance(planned(file(tmp_path / "lake", "duckdb")).options, DuckdbOptions)


def test_mysql_logs_in_by_its_own_words() -> None:
    text = "defaults: {mysql: {userpass: {username: tocsin, password: 'p@ss/'}, ssl_mode: required, targets: [orders, /run/mysqld/*]}}"
    made = planned(container(engine="mysql", addresses=("172.17.0.3:3306",)), text).options
    assert isinstance(made, MysqlOptions)
    server = made.server()
    assert (server.host, server.port, server.user, server.password.reveal()) == ("172.17.0.3", 3306, "tocsin", "p@ss/")
    assert made.ssl_mode == "required"
    local = planned(process("mariadbd", "/run/mysqld/mysqld.sock", engine="mysql"), text).options
    assert isinstance(local, MysqlOptions)
    assert local.server().socket == "/run/mysqld/mysqld.sock"


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("/run/postgresql/.s.PGSQL.5433", ("host='/run/postgresql'", "port='5433'")),
        ("/run/it's here/.s.PGSQL.5432", (r"host='/run/it\'s here'",)),
        ("[::1]:5432", ("host='::1'", "port='5432'")),
    ],
)
def test_sockets_and_ipv6_are_reached(address: str, words: tuple[str, ...]) -> None:
    dsn = postgres(process("postgres", address), DEFAULTS).connection_string().reveal()
    assert all(word in dsn for word in words)


def test_an_address_that_no_login_may_have_does_not_stop_the_next() -> None:
    assert "host='10.0.0.9'" in postgres(container("orders", "no host:5432", "10.0.0.9:5432"), DEFAULTS).connection_string().reveal()


# Labels


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder for files that labels name, beside one that is none of theirs."""
    (tmp_path / "labels" / "sub").mkdir(parents=True)
    (tmp_path / "labels" / "orders").write_text(NEEDLE)
    (tmp_path / "secret").write_text(NEEDLE)
    (tmp_path / "labels" / "out").symlink_to(tmp_path / "secret")
    (tmp_path / "labels" / "in").symlink_to("orders")
    return tmp_path / "labels"


def allowing(folder: Path, more: str = "") -> str:
    return f"discovery: {{label_files: {folder}}}\n{more}"


def labelled(**hints: str) -> Found:
    return container(hints=hints)


@pytest.mark.parametrize("name", ["orders", "in", "sub/../orders"])
def test_labels_give_user_and_password_file(folder: Path, name: str) -> None:
    for said in (name, str(folder / name)):
        made = postgres(labelled(user="watcher", password_file=said), allowing(folder))
        assert made.password_file == folder / "orders"
        dsn = made.connection_string().reveal()
        assert "user='watcher'" in dsn
        assert "require_auth='!password'" in dsn, "a label may come from an image that somebody else made"


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("../secret", "does not lie in"),
        ("/etc/shadow", "does not lie in"),
        ("out", "does not lie in"),
        ("{folder}/../secret", "does not lie in"),
        ("{folder}-of-another/orders", "does not lie in"),
        ("", "is no plain file"),
        ("sub", "is no plain file"),
        ("none", "cannot be read: No such file or directory"),
        ("orders/none", "cannot be read: Not a directory"),
        ("a\0b", "is no name of a file"),
        ("x" * 5000, "cannot be read: File name too long"),
    ],
)
def test_no_other_file_is_sent_to_a_container(folder: Path, said: str, words: str) -> None:
    said = said.replace("{folder}", str(folder))
    for label in ("password_file", "dsn_file"):
        missing = refused(labelled(user="watcher", **{label: said}), allowing(folder))
        assert missing.startswith(f"the file of the label tocsin.{label}: ")
        assert words in missing
        assert len(missing) < 500
        assert missing.isprintable()


def test_a_fifo_is_not_opened(folder: Path) -> None:
    os.mkfifo(folder / "fifo")
    assert "is no plain file" in refused(labelled(user="u", password_file="fifo"), allowing(folder))


def test_a_file_that_may_not_be_read_is_told(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda *_a, **_k: False)  # tests may run as root, who may read everything
    assert "let the exporter's user read it" in refused(labelled(user="u", password_file="orders"), allowing(folder))


def test_without_the_folder_files_of_labels_are_refused(folder: Path) -> None:
    assert "discovery.label_files" in refused(labelled(user="watcher", password_file=str(folder / "orders")))
    gone = refused(labelled(user="watcher", password_file="orders"), allowing(folder / "gone"))
    assert "No such file or directory" in gone


def test_a_user_alone_gets_the_password_of_the_defaults_only_where_they_are_meant_for_it(folder: Path) -> None:
    found = labelled(user="watcher")
    assert NEEDLE in postgres(found, with_targets("orders")).connection_string().reveal()
    other = postgres(found, with_targets("shop")).connection_string().reveal()
    assert "user='watcher'" in other
    assert NEEDLE not in other
    assert "sslmode" not in other
    assert NEEDLE not in postgres(found).connection_string().reveal()


def test_a_password_file_alone_takes_the_user_of_the_defaults_or_is_not_enough(folder: Path) -> None:
    found = labelled(password_file="orders")
    made = postgres(found, allowing(folder, DEFAULTS))
    assert "user='tocsin'" in made.connection_string().reveal()
    assert "password=" not in made.connection_string().reveal()
    assert "add the label tocsin.user" in refused(found, allowing(folder))
    assert "add the label tocsin.user" in refused(found, allowing(folder, with_targets("shop")))


def test_the_secret_of_an_option_file_is_not_for_whom_the_defaults_do_not_mean(folder: Path) -> None:
    (folder.parent / "my.cnf").write_text(f"[client]\nuser=tocsin\npassword={NEEDLE}\n")
    text = allowing(folder, f"defaults: {{mysql: {{my_cnf: {folder.parent}/my.cnf, targets: [shop]}}}}")
    found = container(engine="mysql", addresses=("172.17.0.3:3306",), hints={"user": "watcher"})
    made = planned(found, text).options
    assert isinstance(made, MysqlOptions)
    assert made.server().password.reveal() == ""
    meant = planned(replace(found, place="shop"), text).options
    assert isinstance(meant, MysqlOptions)
    assert meant.server().password.reveal() == NEEDLE


def test_a_connection_string_by_label_must_be_the_containers_own(folder: Path) -> None:
    (folder / "dsn").write_text(f"postgresql://watcher:{NEEDLE}@172.17.0.2:5432/shop")
    found = labelled(dsn_file="dsn")
    assert postgres(found, allowing(folder)).dsn_file == folder / "dsn"
    missing = refused(replace(found, addresses=("172.17.0.9:5432",)), allowing(folder))
    assert "names none of its addresses, which are 172.17.0.9:5432" in missing
    (folder / "dsn").write_text(f"postgresql://watcher:{NEEDLE}/x@172.17.0.2:5432/shop")
    assert "write %40 and %2F in the password" in refused(found, allowing(folder))


MYSQL = container(engine="mysql", addresses=("172.17.0.3:3306",))


def test_mysql_which_may_ask_for_the_password_itself_gets_it_only_where_it_is_meant() -> None:
    text = "defaults: {mysql: {userpass: {username: tocsin, password: s3cr3t-needle}%s}}"
    assert "name those that are meant, such as 'orders'" in refused(MYSQL, text % "")
    assert "name those that are meant" in refused(replace(MYSQL, hints={"user": "u"}), text % "")
    assert "name those that are meant" in refused(MYSQL, text % ", ssl_mode: verify_ca"), "any authority of the system's signs for anybody"
    for more in (', targets: ["*"]', ", ssl_mode: verify_identity", ", ssl_mode: verify_ca, ssl_ca: /etc/ca.pem", ", ssl_ca: /etc/ca.pem"):
        made = planned(MYSQL, text % more)
        assert isinstance(made.options, MysqlOptions), made.missing


@pytest.mark.parametrize(
    ("more", "mode"),
    [
        ("", "guarded"),
        (", ssl_mode: required", "required"),
        (", ssl_mode: preferred", "preferred"),
        (", ssl_ca: /etc/ca.pem", "verify_identity"),
        (", ssl_mode: verify_ca, ssl_ca: /etc/ca.pem", "verify_ca"),
    ],
)
def test_the_password_itself_goes_to_mysql_only_where_it_shows_who_it_is_or_the_mode_was_chosen(more: str, mode: str) -> None:
    login = f"userpass: {{username: tocsin, password: {NEEDLE}}}, targets: [orders]"
    made = planned(MYSQL, f"defaults: {{mysql: {{{login}{more}}}}}").options
    assert isinstance(made, MysqlOptions)
    assert made.server().ssl["mode"] == mode


def test_a_mode_of_an_option_file_or_a_connection_string_is_chosen_too(folder: Path) -> None:
    (folder.parent / "my.cnf").write_text(f"[client]\nuser=tocsin\npassword={NEEDLE}\nssl-mode=REQUIRED\n")
    made = planned(MYSQL, f"defaults: {{mysql: {{my_cnf: {folder.parent}/my.cnf, targets: [orders]}}}}").options
    assert isinstance(made, MysqlOptions)
    assert made.server().ssl["mode"] == "required"
    for tls_word, mode in (("", "guarded"), ("?tls=skip-verify", "required"), ("?tls=true", "verify_identity")):
        (folder / "orders").write_text(f"tocsin:{NEEDLE}@tcp(172.17.0.3:3306)/{tls_word}")
        made = planned(replace(MYSQL, hints={"dsn_file": "orders"}), allowing(folder)).options
        assert isinstance(made, MysqlOptions)
        assert made.server().ssl["mode"] == mode


def test_a_socket_gets_the_login_of_mysql_only_where_its_path_is_named(tmp_path: Path) -> None:
    """Whose a socket is can be looked at, but another may stand there, or a link on the way to it, before the login goes out."""
    text = "defaults: {mysql: {userpass: {username: tocsin, password: s3cr3t-needle}, ssl_mode: verify_identity%s}}"
    path = tmp_path / "mysqld.sock"
    found = process("mysqld", str(path), engine="mysql")
    assert "name those that are meant" in refused(found, text % "")
    assert "leave it out" in refused(found, text % ", targets: [mysqld]"), "a process may call itself anything"
    options = planned(found, text % f", targets: ['{path}']").options
    assert isinstance(options, MysqlOptions)
    assert "Refusal" in repr(tls.options(options.server(), "orders")), "and never in clear"


@pytest.mark.parametrize(("name", "is_allowed"), [("orders", True), ("orders.password", True), ("orders-of/x", False), ("shop", False)])
def test_a_file_by_label_is_sent_to_mysql_only_if_it_is_called_after_the_container(folder: Path, name: str, is_allowed: bool) -> None:
    (folder / "orders-of").mkdir()
    for file_name in ("orders.password", "shop", "orders-of/x"):
        (folder / file_name).write_text(NEEDLE)
    found = replace(MYSQL, hints={"user": "u", "password_file": name})
    made = planned(found, allowing(folder))
    assert isinstance(made.options, MysqlOptions) is is_allowed, made.missing
    if not is_allowed:
        assert f"called after its container: {folder}/orders" in made.missing
    checked = planned(found, allowing(folder, "defaults: {mysql: {ssl_mode: verify_identity}}"))
    assert isinstance(checked.options, MysqlOptions)


def test_a_folder_for_the_container_holds_its_files(folder: Path) -> None:
    (folder / "orders").unlink()
    (folder / "orders").mkdir()
    (folder / "orders" / "password").write_text(NEEDLE)
    found = replace(MYSQL, hints={"user": "u", "password_file": "orders/password"})
    assert isinstance(planned(found, allowing(folder)).options, MysqlOptions)


MODULES = """
auth_modules:
  watch: {userpass: {username: tocsin, password: s3cr3t-needle}, targets: [%s]}
  open: {userpass: {username: tocsin, password: s3cr3t-needle}}
  my: {kind: mysql, userpass: {username: tocsin, password: s3cr3t-needle}, targets: ["*"]}
"""


def test_an_auth_module_by_label_must_say_itself_that_it_is_for_the_container() -> None:
    made = postgres(labelled(auth_module="watch"), MODULES % "orders")
    assert NEEDLE in made.connection_string().reveal()
    assert "auth_modules.watch.targets leave it out; add 'orders'" in refused(labelled(auth_module="watch"), MODULES % "shop")
    assert "a label must not choose where a login goes" in refused(labelled(auth_module="open"), MODULES % "orders")
    for name in ("none", "my", "a\nb"):
        assert "none of that name for postgres" in refused(labelled(auth_module=name), MODULES % "orders")


@pytest.mark.parametrize("label", ["auth_module", "password_file", "dsn_file"])
def test_somebody_elses_words_are_one_bounded_line(label: str, folder: Path) -> None:
    hints: dict[str, Any] = {"user": "u", label: "a\nb\x1b[31m" + "x" * 5000}
    missing = refused(labelled(**hints), allowing(folder))
    assert missing.isprintable()
    assert len(missing) < 600
