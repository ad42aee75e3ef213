"""Which logins are refused: the server chooses how to log in, so that whoever answers in its place could choose to be given the password.

https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_connection_phase_authentication_methods.html
"""

from __future__ import annotations

from typing import Any, NoReturn

from tocsin.errors import AuthError

_CLEAR = ("mysql_clear_password", "dialog")
_SHA2, _FULL = "caching_sha2_password", "sha256_password"
"""The first sends a hash to whom the server knows already and else the password itself, the second the password alone."""
_BROKEN = "mysql_old_password"
"""Whoever sees one login of it can log in. The driver has forgotten it."""

_REMEDY = "say ssl_mode: verify_ca or verify_identity, with ssl_ca where the system does not know the authority"


def words(name: str, *, proves: bool, full: bool) -> dict[str, Any]:
    """Return the driver's words to refuse what gives the password away.

    `proves` says that the server has to show who it is, and may then ask for anything. `full` says that another one may ask for the
    full login of caching_sha2_password and sha256_password, as the servers' own clients and the reference exporter let it: without
    TLS the password goes out encrypted for a key that the server gives (and not at all where the package `cryptography` is missing),
    with TLS as it is. Every MySQL 8 with a certificate of its own making needs that.
    """
    refused = {_BROKEN: _refusal(f"{name}: the server asks for the login of MySQL 4, which is broken; give the account another plugin")}
    if not proves:
        clear = f"{name}: the server asks for the password in clear; if it may have it, {_REMEDY}"
        refused |= dict.fromkeys(_CLEAR, _refusal(clear))
    if not proves and not full:
        itself = (
            f"{name}: the server asks for the password itself, as MySQL does at the first login after its start, and has not shown who "
            f"it is; {_REMEDY} (MySQL's own authority is ca.pem in its data folder); or ssl_mode: required, if whoever answers may have it"
        )
        refused |= {_FULL: _refusal(itself), _SHA2: _hash_alone(itself)}
    return {"auth_plugin_map": refused}


def careful_driver(*, full: bool) -> Any:
    """Return the driver's way to connect. It answers a greeting with sha256_password by the password itself, without asking anybody."""
    from pymysql.connections import Connection

    if full:
        return Connection

    class Careful(Connection):  # type: ignore[misc]
        def _get_server_information(self) -> None:
            super()._get_server_information()
            if vars(self).get("_auth_plugin_name") == _FULL:  # a server whose account wants it in earnest asks for it again
                self._auth_plugin_name = _SHA2

    return Careful


def _refusal(message: str) -> type:
    class Refusal:
        def __init__(self, connection: object) -> None:
            pass

        def authenticate(self, _packet: object) -> NoReturn:
            raise AuthError(message, lost=True)

    return Refusal


def _hash_alone(message: str) -> type:
    """Return caching_sha2_password without its second half."""

    class HashAlone:
        def __init__(self, connection: Any) -> None:
            self._connection = connection

        def authenticate(self, packet: Any) -> Any:
            from pymysql import _auth

            connection = self._connection
            if packet.is_auth_switch_request():
                salt = packet.read_all().removesuffix(b"\0")
                connection.write_packet(_auth.scramble_caching_sha2(connection.password, salt))
                packet = connection._read_packet()
            if packet.is_extra_auth_data() and connection.password:
                if packet._data[1:2] != b"\3":  # 4 is: send the password
                    raise AuthError(message, lost=True)
                packet = connection._read_packet()
            return packet

    return HashAlone
