"""Secrets that show by the line they stand in: options of known commands, rows of files that are tables, directives of known programs."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass

from tocsin.mask.values import STARS, starred

_VALUE = r"""(?!\\{0,4}["']?\*\*\*)(?:\\{0,4}"[^"\n]{1,500}"|\\{0,4}'[^'\n]{1,500}'|\\{0,4}["']?[^\s"']{1,500})"""
_GAP = r"""(?:[ \t=]{1,9}|["'],[ \t]{0,9}["']?)"""
"""What stands between an option and its value: in a shell, or in a list of arguments."""
_WORD = r"[ \t]{1,9}\S{1,200}"


@dataclass(frozen=True, slots=True)
class _Row:
    words: tuple[str, ...]
    """One of these is in every text that has such a line, in small letters."""
    pattern: re.Pattern[str]
    """What its first group holds stays; what follows in the match is masked."""


def _row(words: str, before: str, value: str = _VALUE, flags: re.RegexFlag = re.MULTILINE) -> _Row:
    return _Row(tuple(words.split("|")), re.compile(f"({before}){value}", flags))


def _command(words: str, tools: str, option: str, value: str = _VALUE) -> _Row:
    return _row(words, rf"""\b(?:{tools})\b[^\n]{{0,300}}?[ \t"']{option}""", value)


_OF_COMMANDS = (
    _command("curl|http|wget|etcdctl", "curl|https?|wget|etcdctl", r"""(?:-u|--user|--proxy-user|-U|-a)[ =]?["']?[^\s:"']{1,64}:(?!//)"""),
    _command("mysql|mariadb", r"(?:mysql|mariadb)\w{0,20}", r"-p(?![\s*]|$)"),
    _command("sshpass", "sshpass", rf"-p(?:{_GAP}|)"),
    _command("-cli", "(?:redis|valkey|keydb)-cli", rf"-a{_GAP}"),
    _command("mongo", r"mongo\w{0,10}", r"-p[ \t]{0,9}(?!-)"),
    _command("ldap|kadmin", r"ldap\w{1,12}|kadmin", rf"-w{_GAP}"),
    _command("login|useradd|usermod", r"(?:docker|podman|skopeo|registry|nerdctl)[ \t]login|useradd|usermod", rf"-p{_GAP}"),
    _command("login", r"(?:oc|cf|az|helm|crane|oras|buildah)[ \t](?:registry[ \t]|auth[ \t])?login", rf"-p{_GAP}"),
    _command("7z", r"7z[ar]{0,2}", r"-p(?![\s*]|$)"),
    _command("zip", r"(?:un)?zip", rf"-P{_GAP}"),
    _command("sqlcmd|bcp|ipmitool|mosquitto|tsql", r"sqlcmd|bcp|ipmitool|mosquitto_\w{2,6}|tsql", r"-P[ \t=]{0,9}"),
    _command("snmp", r"snmp[a-z]{1,12}", rf"-[cA]{_GAP}"),
    _command("snmp", r"snmp[a-z]{1,12}", rf"-X{_GAP}"),
    _command("lftp|smbclient", r"lftp|smbclient|rpcclient", r"""-[uU][ \t]{0,9}["']?[^\s,%"':=]{1,64}[,%]"""),
    _command("htpasswd", "htpasswd", rf"-\w{{0,6}}b\w{{0,6}}{_WORD}{_WORD}[ \t]{{1,9}}"),
    _command("rabbitmqctl", "rabbitmqctl", rf"(?:add_user|change_password|authenticate_user){_WORD}[ \t]{{1,9}}"),
    _command("nsupdate", "nsupdate|dig", r"-y[ \t]{0,9}(?:[\w-]{1,20}:)?[\w.-]{1,100}:"),
    _command("vault", "vault", r"(?:login|unseal)[ \t]{1,9}(?![-#|>])"),
    _command("put-parameter", "put-parameter", rf"--value{_GAP}"),
    _command("from-literal", "kubectl", r"""--from-literal[ =]["']?[\w.-]{1,128}="""),
    _command("/user:", "net[ \t]use", r"/user:\S{1,100}[ \t]{1,9}(?![/-])"),
    _command("alias set", "mc", rf"alias[ \t]set{_WORD}{_WORD}{_WORD}[ \t]{{1,9}}"),
    _command("openssl", "openssl", rf"-k{_GAP}"),
    _row("sqlplus|rman|expdp|impdp", r"\b(?:sqlplus|rman|expdp|impdp)[ \t](?:-\w[ \t])?[\w$#]{1,60}/", r"(?!\*\*\*)[^\s@/]{1,200}"),
    _row("connect", r"^[ \t]*(?i:connect)[ \t][\w$#]{1,60}/", r"(?!\*\*\*)[^\s@/]{1,200}(?=@)"),
    _row("-setcookie", r"(?<!\S)-setcookie[ \t]{1,9}"),
    _row("chpasswd", r"\bchpasswd\b[^\n]{0,80}<<<[ \t]{0,9}"),
    _row(
        "passwd|cryptsetup|stdin|sudo|kinit",
        r"\b(?:echo|printf)[ \t]{1,9}(?:-\w{1,3}[ \t]{1,9}){0,3}",
        _VALUE + r"(?=[^\n|]{0,200}\|[^\n]{0,80}\b(?:(?:ch|smb|ht)?passwd|cryptsetup|--password-stdin|sudo[ \t]{1,9}-S|kinit)\b)",
    ),
    _row("securestring", r"""\bConvertTo-SecureString[ \t]{1,9}(?:-String[ \t]{1,9})?(?=["'])""", flags=re.IGNORECASE),
)

_QUOTED = r"""(?:"[^"\n]{0,200}"|'[^'\n]{0,200}')"""
_IN_LIST = rf"""(?:{_QUOTED}|[^\s,"'\[\](){{}}]{{1,100}})\s{{0,9}},\s{{0,9}}"""
_IN_JSON = r'(?!\*\*\*")(?:[^"\\\n]|\\.){1,500}'
_REST = r"(?!\*\*\*)\S[^\n\r]{0,1000}"
_OF_PROGRAMS = (
    _row("auth-pass", rf"\bauth-pass{_WORD}[ \t]{{1,20}}"),
    _row(
        "user",
        rf"(?:^[ \t]*user|\bsetuser){_WORD}[ \t]{{1,9}}(?:(?:on|off|reset|nopass|resetpass|[~%&+@-]\S{{0,100}})[ \t]{{1,9}}){{0,20}}[>#]",
        r"""(?!\*\*\*)[^\s"'<>]{3,200}(?=[ \t\r\n"']|$)""",
        re.MULTILINE | re.IGNORECASE,
    ),
    _row("redis", r"""\bredis\w{0,9}(?:[:.]|->)auth\(\s{0,9}["']""", r"""(?!\*\*\*)[^"'\n]{1,200}""", re.IGNORECASE),
    _row("stats", r"^[ \t]*stats[ \t]{1,9}auth[ \t]{1,9}[^\s:]{1,100}:"),
    _row(
        "createuser",
        r"^[ \t]*createUser[ \t][^\n]{0,200}?[ \t](?:MD5|SHA(?:-?\d{3})?|DES|AES(?:-?\d{3}C?)?)[ \t]{1,9}(?:-[lm][ \t]{1,9})?",
        flags=re.MULTILINE | re.IGNORECASE,
    ),
    _row(
        "community|com2sec",
        rf"^[ \t]*(?:r[ow]community6?|com2sec6?{_WORD}{_WORD}|(?:snmp-server|set[ \t]snmp)[ \t]community)[ \t]{{1,9}}",
        r"""(?!["']?\*\*\*)["']?[^\s"'=:]{1,200}["']?(?=\s|$)""",
    ),
    _row(
        "community",
        r"""^[ \t]*(?:-[ \t])?["']?(?:snmp_?)?community["']?[ \t]{0,40}[:=][ \t]{0,40}""",
        r"""(?!["']?\*\*\*)(?!\$|\{|["']{2})["']?[^\s"'\[]{1,200}["']?(?=,?[ \t\r]*$)""",
        re.MULTILINE | re.IGNORECASE,
    ),
    _row(
        "tacacs|radius|crypto|key-string|ospf|ntp|standby|pre-shared-key",
        r"^[ \t]*(?:(?:tacacs|radius)(?:-server)?(?:[ \t]\S{1,100}){0,6}?[ \t]key|crypto[ \t]isakmp[ \t]key|key-string"
        r"|ip[ \t]ospf[ \t](?:authentication-key|message-digest-key[ \t]\d{1,3}[ \t]md5)|ntp[ \t]authentication-key[ \t]\d{1,5}[ \t]md5"
        r"|standby[ \t]\d{1,3}[ \t]authentication(?:[ \t]md5[ \t]key-string)?|pre-shared-key[ \t]address[ \t]\S{1,100}[ \t]key)"
        r"[ \t]{1,9}(?:\d[ \t]{1,9})?",
    ),
    _row("hide", r"^hide[ \t]{1,9}\w{1,64}[ \t]{0,9}=[ \t]{0,9}", _REST),
    _row("client_send", r"^[ \t]*client_send[ \t]{0,9}=[ \t]{0,9}", _REST),
    _row("option key|uci set", r"""(?:^[ \t]*option[ \t]{1,9}key[ \t]{1,9}|\buci[ \t]set[ \t][^\s=]{1,200}\.key=)(?=["'])"""),
    _row("=>", r"^\d{2,12}[ \t]{0,9}=>[ \t]{0,9}", r"(?!\*\*\*)[^\s,\"']{1,100}(?=,)"),
    _row("loginmodule", r"\buser_\w{1,64}[ \t]{0,4}=[ \t]{0,4}(?=[\"'])"),
    _row("random_password", r'"result":[ \t]{0,9}"', _IN_JSON),
    _row("password", r'"type":[ \t]{0,9}"password",[^{}]{0,200}?"value":[ \t]{0,9}"', _IN_JSON),
    _row("superusers", r"^[ \t]*password[ \t]{1,9}\w{1,64}[ \t]{1,9}"),
    _row("cleartext", r"=[ \t]{0,9}cleartext[ \t]{1,9}"),
    _row("unseal", r"\bUnseal Key \d{1,3}:[ \t]{1,9}"),
    _row(
        "auth",
        rf"""(?i:auth)["']?[ \t]{{0,9}}[:=][ \t]{{0,9}}[\[(][ \t]{{0,9}}{_IN_LIST}""",
        r"""(?!["']?(?:basic|digest|ntlm|negotiate|bearer|none)\b)(?!["']?\*\*\*)["']?[^\s"'\])]{1,200}["']?""",
    ),
    _row(
        "user=|user =|login=|login =|auth=|auth =|ident",
        r"""(?i:user|login|auth|authident)["']?(?:[ \t]?=|(?<=dent.):|(?<=dent):)[ \t]?["']?[\w.@-]{1,64}:(?!\d{1,9}\b|[/:]|\*\*\*)""",
    ),
    _row(
        "basic",
        r"""(?i:basic[_-]?auth)["']?[ \t]{0,9}[:=][ \t]{0,9}["']?[\w.@-]{1,64}:""",
        r"""(?!\d{1,9}\b|[/:\s]|\*\*\*)[^\s"',;}]{1,200}""",
    ),
    _row(
        "credentials",
        rf"""(?i:credentials)["']?[ \t]{{0,9}}[:=][ \t]{{0,9}}[\[(][ \t]{{0,9}}{_IN_LIST}""",
        r"""(?!["']?\*\*\*)["']?[^\s"',\])]{1,200}["']?(?=[ \t]{0,9}[\])])""",
    ),
    _row(
        "secure_link_md5",
        r"""\bsecure_link_md5[ \t]{1,40}["'](?:\$\{?\w{1,64}\}?|[ \t])*+""",
        r"""(?!\*\*\*)[^$\s"'][^"'\n]{0,300}(?=["'])""",
    ),
    _row("allow", r"\ballow[ \t]{1,9}[\w.-]{1,64}:(?!\d{1,9}\b|[/:\s])"),
    _row(
        "mysqli|sql_connect|sql_pconnect|pdo(", rf"""\b(?:mysqli|mysqli?_p?connect|PDO)\s{{0,9}}\(\s{{0,9}}{_IN_LIST}{_IN_LIST}(?=["'])"""
    ),
)

_FIELD = r"(?:[^:\n\\]|\\[:\\]){1,128}"
_NAME = r"""(?:"[^"\n]{1,100}"|[^\s#="*]{1,100})"""
_OF_TABLES = (
    _row(":", rf"^[ \t]*[^\s:#][^:\n]{{0,255}}:(?:\d{{1,5}}|\*):{_FIELD}:{_FIELD}:", r"(?!\*\*\*\s*$)[^\n]{1,1000}$"),
    _row("::", r"^[\w.$-]{1,64}:", r"(?![*!x]{0,2}:|\*\*\*)[^:\n]{1,300}(?=(?::\d{0,7}){6}:)"),
    _row(":", r"^[\w.@-]{1,64}:", r"(?:[./0-9A-Za-z]{13}|[0-9a-f]{32}|(?:TEXT|AES)[^\s:]{8,500})(?=\r?$)"),
    _row('"', r'^[ \t]*"[^"\n]{1,128}"[ \t]{1,40}"', r'(?!\*\*\*")(?:[^"\n]|""){1,1000}(?="[ \t\r]*$)'),
    _row(
        ":",
        r"^(?:\[[\w.-]{1,200}\]|[\w-]{1,60}(?:\.[\w-]{1,60}){1,9})(?::\w{1,12})?[ \t]{1,40}"
        r"""[^\s:"'=/]{1,128}:(?!//|[\d.]{1,20}\s*$)""",
        r"(?!\*\*\*)[^\s:]{3,200}(?=[ \t]*\r?$)",
    ),
    _row("@", r"^[\w.*-]{1,200}:[^\s:@/]{1,64}@[^\s:]{1,100}:", r"(?!\*\*\*)[^\s:]{3,200}(?=[ \t]*\r?$)"),
    _row(
        "*",
        rf"^(?:{_NAME}[ \t]{{1,40}}\*|\*[ \t]{{1,40}}{_NAME})[ \t]{{1,40}}",
        r"""(?!["']?\*\*\*|\*)(?:"[^"\n]{1,200}"(?=[ \t\r]*$|[ \t]+\S+[ \t\r]*$)"""
        r"""|[^\s"*=]{1,200}(?=[ \t]+(?:\*|-|"[^"\n]{0,100}"|[\da-f][\d./:a-f]{2,40})[ \t\r]*$))""",
    ),
    _row("monitor", rf"^MONITOR[ \t]{{1,9}}\S{{1,100}}@\S{{1,100}}[ \t]{{1,9}}\d{{1,3}}{_WORD}[ \t]{{1,9}}"),
    _row(
        "psk|eap|xauth|ntlm|rsa|ecdsa|pkcs8|p12",
        r"^[^\n#:]{0,200}(?:::?[^\n#:\s]{1,60}[^\n#:]{0,200})?:[ \t]{1,9}"
        r"(?:PSK|EAP|XAUTH|NTLM|(?:RSA|ECDSA|PKCS8|P12)[ \t]{1,9}[^\s{]{1,200})[ \t]{1,9}",
    ),
    _row("password", r"^[\w-]{1,64}[ \t]{1,9}[\w.-]{1,64}/[\w./-]{1,100}[ \t]{1,9}password[ \t]{1,9}"),
)

_BASIC = re.compile(r"""(?<![\w-])("?_?auth"?[ \t]{0,20}[:=][ \t]{0,20}["']?)([A-Za-z0-9+/]{8,2000}={0,2})(?=["'\s,;]|$)""")
_ANSIBLE = re.compile(r"(\$ANSIBLE_VAULT;[^\n]{1,100}\n)((?:[ \t]*[0-9a-fA-F]{2,200}[ \t]*\r?(?:\n|\Z))++)")


def mask_lines(text: str) -> str:
    """Mask what is a secret by the line it stands in. Rows whose words are missing in the text are not tried."""
    lowered = text.lower()
    for row in _rows(lowered):
        text = row.pattern.sub(rf"\1{STARS}", text)
    if "$ansible_vault" in lowered:
        text = _ANSIBLE.sub(lambda found: found[1] + starred(found[2]), text)
    return _BASIC.sub(_mask_basic, text) if "auth" in lowered else text


def _rows(lowered: str) -> Iterator[_Row]:
    return (row for rows in (_OF_COMMANDS, _OF_PROGRAMS, _OF_TABLES) for row in rows if any(map(lowered.__contains__, row.words)))


def _mask_basic(found: re.Match[str]) -> str:
    """Mask base64 that holds a login, as Docker and npm keep it."""
    try:
        plain = base64.b64decode(found[2] + "=" * (-len(found[2]) % 4), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return found[0]
    return found[1] + STARS if ":" in plain and plain.isprintable() else found[0]
