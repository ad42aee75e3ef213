"""Every way to say where the server is and who asks."""

from __future__ import annotations

from pathlib import Path

import pytest

from mariadb import MysqlServer, mysql_options
from tocsin.errors import SetupError
from tocsin.options import Secret
from tocsin.sources.mysql.config import MysqlOptions
from tocsin.sources.mysql.optionfile import read_option_file
from watching import Watch

PASSWORD = "p@ss'w\"o\\rd %/:?#é"


def ways(form: str, server: MysqlServer, folder: Path) -> MysqlOptions:
    host = f"127.0.0.1:{server.port}"
    url = f"mysql://guarded:p%40ss%27w%22o%5Crd%20%25%2F%3A%3F%23%C3%A9@{host}/"
    password_file, dsn_file, my_cnf = folder / "password", folder / "dsn", folder / "my.cnf"
    password_file.write_text(PASSWORD + "\n")
    escaped = PASSWORD.replace("\\", "\\\\")
    my_cnf.write_text(
        f"[mysqld]\nport=1\n[client]\n# of the shop\nuser = guarded\npassword='{escaped}'\n"
        f"host=127.0.0.1\nport={server.port}\n[other]\nport=2\n"
    )
    match form:
        case "url":
            return mysql_options(url)
        case "url in a file":
            dsn_file.write_text(url + "\n")
            return MysqlOptions(name="my", kind="mysql", dsn_file=dsn_file)
        case "url and password file":
            return mysql_options(f"mysql://guarded@{host}", password_file=password_file)
        case "socket":
            return mysql_options(f"mysql://guarded@localhost/?socket={server.socket}", password_file=password_file)
        case "option file and url":
            return mysql_options(f"mysql://{host}/", my_cnf=my_cnf)
        case "data source name":
            return mysql_options(f"guarded:{PASSWORD}@tcp({host})/")
        case _:
            return MysqlOptions(name="my", kind="mysql", my_cnf=my_cnf)


@pytest.mark.parametrize(
    "form", ["url", "url in a file", "url and password file", "socket", "option file", "option file and url", "data source name"]
)
def test_every_way_to_give_address_and_password_connects(server: MysqlServer, tmp_path: Path, form: str) -> None:
    server.exporter_account(PASSWORD, user="guarded")
    try:
        with Watch(ways(form, server, tmp_path), tmp_path / "state") as watch:
            page = watch.scrape()
            assert page.value("mysql_up") == 1, watch.target.error
        assert PASSWORD not in page.text
        assert "p%40ss" not in page.text
    finally:
        server.execute("DROP USER guarded")


@pytest.mark.parametrize(
    ("dsn", "address"),
    [
        ("mysql://u:geheim@db:3306/", "db:3306"),
        ("mysql://u:geh%40eim@db/", "db"),
        ("mysql://u:gehe@im@db:3306/", "db:3306"),
        ("mysql://u:ge/heim@db:3306/", "db:3306"),
        ("mysql://u:geheim@/?socket=/run/mysqld/mysqld.sock", "/run/mysqld/mysqld.sock"),
        ("mysql://u:geheim@db:3306/?socket=x", "db:3306"),
        ("geheim", ""),
        ("u:geheim@tcp(db:3306)/", "db:3306"),
        ("u:ge@tcp(heim)/@(db)/shop", "db:3306"),
        ("", ""),
    ],
)
def test_address_never_holds_the_password(dsn: str, address: str) -> None:
    options = MysqlOptions(name="my", kind="mysql", dsn=Secret(dsn))
    assert options.address == address
    assert "geh" not in repr(options)


@pytest.mark.parametrize(
    "dsn",
    ["", "geheim", "postgresql://u:geheim@db/", "mysql://u:gehe@im@db/", "mysql://u:geheim@db:port/", "mysql://u:geheim@db/?tls=geheim"],
)
def test_a_dsn_that_is_none_is_named_and_not_quoted(dsn: str) -> None:
    with pytest.raises(SetupError) as refused:
        MysqlOptions(name="my", kind="mysql", dsn=Secret(dsn)).server()
    assert "target my" in str(refused.value)
    assert "geh" not in str(refused.value)


OPTION_FILE = r"""
[client]
user=a
password = "x # y" # a comment
ssl_ca=/etc/ca.pem   # a comment
; another
host='h'
skip-ssl
socket=
  bind = a\tb\s\\c\q
loose-Max_Allowed_Packet=1G
[mysql]
user=b
[CLIENT]
port = 33
[client.shop]
password=it's#one # and no comment: the quote never ends
"""


def test_option_file_is_read_as_the_clients_read_it(tmp_path: Path) -> None:
    file = tmp_path / "my.cnf"
    file.write_text(OPTION_FILE)
    client = {
        "user": "a", "password": "x # y", "ssl-ca": "/etc/ca.pem", "host": "h", "skip-ssl": "", "socket": "", "port": "33",
        "bind": "a\tb \\c\\q", "max-allowed-packet": "1G",
    }  # fmt: skip
    assert read_option_file(file) == client
    assert read_option_file(file, "client.Shop") == client | {"password": "it's#one # and no comment: the quote never ends"}
    with pytest.raises(SetupError, match=r"cannot read the secret file .*absent"):
        read_option_file(tmp_path / "absent")


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("password=plain", "plain"), ("password = with spaces ", "with spaces"), ("password='a#b'", "a#b"), ("password=a#b", "a"),
        ("password='a' # it's", "a"), ('password="a\\"b"', 'a"b'), ("password=\\x\\\\", "\\x\\"), ("password='", "'"), ("password", ""),
        ("password=é=@:/", "é=@:/"), ("password=''", ""),
    ],
)  # fmt: skip
def test_password_of_an_option_file_may_hold_any_character(tmp_path: Path, line: str, value: str) -> None:
    file = tmp_path / "my.cnf"
    file.write_text(f"[client]\n{line}\n", "utf-8")
    assert MysqlOptions(name="my", kind="mysql", my_cnf=file).server().password.reveal() == value


def test_option_file_includes_others(tmp_path: Path) -> None:
    file, folder = tmp_path / "my.cnf", tmp_path / "conf.d"
    folder.mkdir()
    file.write_text(f"[client]\nuser=a\nhost=b\n!include more.cnf\n!includedir {folder}\nport=1\n")
    (tmp_path / "more.cnf").write_text("[client]\nuser=included\n")
    (folder / "1.cnf").write_text("[client]\nhost=first\n")
    (folder / "2.cnf").write_text("[client]\nhost=second\n")
    (folder / "3.cnf.bak").write_text("[client]\nhost=never\n")
    assert read_option_file(file) == {"user": "included", "host": "second", "port": "1"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("!include absent.cnf", "cannot read the secret file .*absent.cnf"),
        ("!includedir absent.d", r"my\.cnf: cannot read the folder .*absent\.d"),
        ("!include my.cnf", "include each other"),
        ("!including x", "neither !include nor !includedir"),
        ("[client]\nport=geheim", "my.cnf: the port is not a number"),
        ("[client]\nssl-mode=geheim", "my.cnf: ssl-mode is not one of"),
    ],
)
def test_option_file_with_a_mistake_is_named(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "my.cnf"
    file.write_text(text + "\n")
    with pytest.raises(SetupError, match=message) as refused:
        MysqlOptions(name="my", kind="mysql", my_cnf=file).server()
    assert "geheim" not in str(refused.value)


@pytest.mark.parametrize(
    ("lines", "ssl"),
    [
        ("", {}),
        ("ssl-mode=VERIFY_CA\nssl-ca=a", {"ca": "a", "mode": "verify_ca"}),
        ("skip-ssl", {"mode": "disabled"}),
        ("ssl=0", {"mode": "disabled"}),
        ("ssl", {"mode": "required"}),
        ("ssl\nssl-ca=a", {"ca": "a"}),
        ("disable_ssl", {"mode": "disabled"}),
        ("ssl-verify-server-cert\nssl-ca=a", {"ca": "a", "mode": "verify_identity"}),
        ("ssl-verify-server-cert=0", {}),
        ("ssl-ca=a\nssl-skip-verification=true", {"ca": "a", "mode": "required"}),
        ("ssl-cert=c\nssl-key=k", {"cert": "c", "key": "k"}),
    ],
)
def test_option_file_says_whether_tls_is_used(tmp_path: Path, lines: str, ssl: dict[str, str]) -> None:
    file = tmp_path / "my.cnf"
    file.write_text(f"[client]\n{lines}\n")
    assert MysqlOptions(name="my", kind="mysql", my_cnf=file).server().ssl == ssl


@pytest.mark.parametrize(
    ("lines", "host", "socket"),
    [
        ("socket=/s", "127.0.0.1", "/s"), ("socket=/s\nhost=localhost", "localhost", "/s"), ("socket=/s\nhost=db", "db", ""),
        ("socket=/s\nprotocol=tcp", "127.0.0.1", ""), ("", "127.0.0.1", ""),
    ],
)  # fmt: skip
def test_option_file_says_whether_the_socket_is_used(tmp_path: Path, lines: str, host: str, socket: str) -> None:
    file = tmp_path / "my.cnf"
    file.write_text(f"[client]\n{lines}\n")
    found = MysqlOptions(name="my", kind="mysql", my_cnf=file).server()
    assert (found.host, found.socket) == (host, socket)


@pytest.mark.parametrize(
    ("dsn", "expected"),
    [
        ("u:p@(db:3307)/", ("u", "p", "db", 3307, "")),
        ("u:p@tcp(db)/shop?timeout=5s", ("u", "p", "db", 3306, "")),
        ("u:p:@/?#%40é@tcp([::1]:33)/", ("u", "p:@/?#%40é", "::1", 33, "")),
        ("u@unix(/run/s.sock)/", ("u", "", "127.0.0.1", 3306, "/run/s.sock")),
        ("u:p@/", ("u", "p", "127.0.0.1", 3306, "")),
        ("tcp(db:1)/", ("", "", "db", 1, "")),
    ],
)
def test_data_source_name_of_older_mysqld_exporters_is_understood(dsn: str, expected: tuple[str, str, str, int, str]) -> None:
    found = MysqlOptions(name="my", kind="mysql", dsn=Secret(dsn)).server()
    assert (found.user, found.password.reveal(), found.host, found.port, found.socket) == expected


@pytest.mark.parametrize(("word", "mode"), [("true", "verify_identity"), ("skip-verify", "required"), ("false", "disabled")])
def test_data_source_name_says_whether_tls_is_used(word: str, mode: str) -> None:
    assert MysqlOptions(name="my", kind="mysql", dsn=Secret(f"u:p@tcp(db)/?charset=utf8&tls={word}")).server().ssl == {"mode": mode}
    with pytest.raises(SetupError, match="use the options ssl_"):
        MysqlOptions(name="my", kind="mysql", dsn=Secret("u:p@tcp(db)/?tls=custom")).server()
