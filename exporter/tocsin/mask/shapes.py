"""Secrets that show by their own form, without a name: keys in blocks, logins in addresses, tokens of vendors, verifiers, SQL."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import pairwise

from tocsin.mask.names import is_secret
from tocsin.mask.values import STARS, open_quote, quoted, starred, starred_inside

_BEGIN = re.compile(r"-----BEGIN (?P<label>[A-Za-z0-9 ]{1,60})-----")
_PUBLIC = re.compile(r"CERTIFICATE|PUBLIC KEY|CRL|PARAMETERS|SIGNATURE|SIGNED MESSAGE")
_PUTTY = re.compile(r"^([ \t]*Private-Lines: (\d{1,4})\r?\n)", re.MULTILINE)
_PUTTY_MAC = re.compile(r"^([ \t]*Private-MAC:[ \t]*)\S.*$", re.MULTILINE)


def mask_blocks(text: str) -> str:
    """Mask what stands between the marks of private keys and messages in PEM and its relatives, and in PuTTY's files."""
    if "-----BEGIN " in text:
        text = _mask_pem(text)
    if "Private-Lines" in text:
        text = _PUTTY_MAC.sub(rf"\1{STARS}", _mask_putty(text))
    return text


def _mask_putty(text: str) -> str:
    written: list[str] = []
    done = 0
    for found in _PUTTY.finditer(text):
        if found.start() >= done:
            end = found.end()
            for _ in range(int(found[2])):
                end = text.find("\n", end) + 1 or len(text)
            written += (text[done : found.end()], starred(text[found.end() : end]))
            done = end
    return "".join((*written, text[done:]))


def _mask_pem(text: str) -> str:
    written: list[str] = []
    done = 0
    for begin in _BEGIN.finditer(text):
        if begin.start() < done or _PUBLIC.search(begin["label"]):
            continue
        end = text.find("-----END", begin.end())
        end = len(text) if end < 0 else end
        written += (text[done : begin.end()], _masked_body(text[begin.end() : end]))
        done = end
    return "".join((*written, text[done:]))


def _masked_body(body: str) -> str:
    """Return stars line by line; what stands before the end mark in its line, such as a space or a quote, is kept if it is no more."""
    lines = body.split("\n")
    if len(lines) == 1:
        return STARS
    last = lines.pop()
    first = lines[0] if not lines[0].strip("\r \\n\"'+,;") else STARS
    return "\n".join([first, *(starred(line) for line in lines[1:]), last if not last.strip(" \t\"'+#;/*") else STARS])


# --- addresses with logins ---------------------------------------------------------------------------------------------------

_SCHEME = re.compile(r"(?<![A-Za-z0-9+.\-])(?:[A-Za-z][A-Za-z0-9+.\-]{0,40}://|jdbc:oracle:thin:(?=[\w$#]{1,60}/))")
_RUN_END = re.compile(r"\s|\Z")
_LONGEST_ADDRESS = 4000
_PORT = re.compile(r"\d{1,5}(?:[/?#,;)\]}\"'`\s]|$)")
_USER = re.compile(r"[^\s:/?#\[\]@\"'<>]{0,256}:|[\w$#]{1,60}/")
_GO = re.compile(r"@(?:tcp[46]?|unix|cloudsql|)\(")
_QUERY = re.compile(
    r"(?<=[?&])((?:sig|signature|X-Amz-(?:Signature|Credential|Security-Token)|key|code|access_key|api_key|auth|pw|apikey|hmac)=)"
    r"(?!\*\*\*)([^&\s\"'<>#]{1,4000})",
    re.IGNORECASE,
)


def _mask_addresses(text: str) -> str:
    written: list[str] = []
    done = stop = 0
    starts = [found.span() for found in _SCHEME.finditer(text)]
    for (start, login), (following, _) in pairwise([*starts, (len(text), 0)]):
        if login < done:
            continue
        user = _USER.match(text, login)
        if user is None or _PORT.match(text, user.end()) or text.startswith(STARS + "@", user.end()):
            continue
        if stop <= login:  # else it is another address of the same run of characters
            stop = _end_of_address(text, start, login)
        at = text.rfind("@", user.end(), min(stop, following))
        if at > user.end():
            written += (text[done : user.end()], STARS)
            done = at
    return "".join((*written, text[done:]))


def _end_of_address(text: str, start: int, login: int) -> int:
    limit = login + _LONGEST_ADDRESS
    line = text.rfind("\n", max(0, start - 2000), start) + 1
    quote = open_quote(text, max(line, start - 2000), start)
    end = _RUN_END.search(text, login, limit)
    stop = end.start() if end is not None else min(limit, len(text))
    if not quote:
        return stop
    closing = text.find(quote, login, limit)
    breaks = text.find("\n", login, limit)
    return min(x for x in (closing if closing >= 0 else stop, breaks if breaks >= 0 else limit))


def _mask_hook(found: re.Match[str]) -> str:
    """Mask the parts of a webhook's path that look random: who knows them may call it."""
    return _PIECE_OF_HOOK.sub(STARS, found[0]) if _OF_HOOK.search(found[0]) else found[0]


def _mask_go_logins(text: str) -> str:
    """Mask the password before `@tcp(`, which Go's MySQL driver takes as it is, without any escape."""
    written: list[str] = []
    done = 0
    for found in _GO.finditer(text):
        begin = max(done, text.rfind("\n", max(0, found.start() - 512), found.start()) + 1, found.start() - 512)
        quote = open_quote(text, begin, found.start())
        marks = (quote,) if quote else (" ", "\t", '"', "'", "`", "(")
        begin = max(begin, *(text.rfind(mark, begin, found.start()) + 1 for mark in marks))
        colon = text.find(":", begin, found.start())
        if colon >= 0 and text[colon + 1 : found.start()] not in ("", STARS):
            written += (text[done : colon + 1], STARS)
            done = found.start()
    return "".join((*written, text[done:]))


# --- tokens and verifiers ----------------------------------------------------------------------------------------------------

_TOKENS = re.compile(
    r"""(?<![A-Za-z0-9_])(?:
        (?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}(?![A-Za-z0-9])
        | gh[pousr]_[A-Za-z0-9]{30,255} | github_pat_\w{22,255}
        | gl(?:pat|dt|rt|rtr|cbt|ptt|ft|soat|imt|agent|oas|ffct|sa|c|wt)[-_][\w.\-]{16,255}
        | xox[a-z]-[\w-]{8,255} | xoxe\.[\w.-]{8,255} | xapp-[\w-]{8,255}
        | (?:sk|rk)_(?:live|test)_\w{8,255} | whsec_[\w+/=]{8,255} | sk-(?:[a-z]{2,10}-)?[\w-]{16,255}
        | AIza[\w-]{30,60} | ya29\.[\w-]{16,2000} | GOCSPX-[\w-]{16,60}
        | npm_[A-Za-z0-9]{30,60} | pypi-[\w-]{16,1000} | rubygems_[0-9a-f]{32,64} | dckr_(?:pat|oat)_[\w-]{16,100}
        | SG\.[\w-]{16,64}\.[\w-]{16,64} | SK[0-9a-f]{32} | key-[0-9a-f]{32} | xkeysib-[0-9a-z-]{32,128} | [0-9a-f]{32}-us\d{1,2}
        | hv[sbr]\.[\w-]{16,500} | hf_[A-Za-z0-9]{20,64} | d[op][opr]_v1_[0-9a-f]{32,64}
        | shp(?:at|ca|pa|ss)_[0-9a-fA-F]{16,64} | lin_api_\w{16,64} | NRAK-[A-Z0-9]{16,64} | PMAK-[0-9a-f-]{32,80}
        | sntry[su]_[\w+/=-]{16,500}
        | dapi[0-9a-f]{32} | ATATT3[\w=-]{16,500} | tskey-[\w-]{16,100} | EAAC[A-Za-z0-9]{30,500} | sq0(?:atp|csp)-[\w-]{16,64}
        | AGE-SECRET-KEY-1[A-Z0-9]{40,80} | \d{8,10}:AA[\w-]{32,36}
        | eyJ[\w-]{8,}+(?:\.[\w-]{0,8000}+){1,4}
        | SCRAM-SHA-(?:1|256)\$\d{1,9}:[\w+/=]{4,128}\$[\w+/=]{4,128}:[\w+/=]{4,128} | md5[0-9a-f]{32}(?![0-9a-f])
        | grub\.pbkdf2\.\w{1,20}\.[\dA-Fa-f.]{16,2000}
        | pbkdf2[\w:]{0,20}\$[^\s:'",]{16,500} | (?:argon2|scrypt|bcrypt)\w{0,20}\$[^\s'",]{16,500}
    )
    | (?<![A-Za-z0-9*])\*[0-9A-F]{40}(?![0-9A-Za-z])
    | \$(?:1|2[abxy]?|5|6|7|y|gy|apr1|sha1|md5|scrypt|pbkdf2[\w-]{0,20}|P|H)\$[^\s:'",]{8,500}
    | \$argon2\w{1,3}\$[\w=$,+/.-]{8,500}
    | \$A\$005\$[^'\n]{16,200}
    | \{(?:PLAIN|CLEAR|CLEARTEXT)\}[^\s:"']{1,300}
    | \{(?:S?SHA\d{0,3}|S?MD5|CRYPT|PBKDF2\w{0,10}|ARGON2)\}[\w+/=$.,-]{8,300}
    """,
    re.VERBOSE,
)
_PATHS = re.compile(
    r"((?:hooks\.slack\.com/(?:services|workflows|triggers)|(?:discord|discordapp)\.com/api/webhooks/\d{1,30}|[\w.-]{1,80}\.webhook\.office\.com/\w{1,20}"
    r"|api\.telegram\.org/(?:bot|file/bot)|outlook\.office\.com/webhook|chat\.googleapis\.com/v1/spaces/[\w-]{1,40}/messages)/?)(?!\*\*\*)[\w@./:\-?&=%]{6,500}"
)
_ADDRESS = re.compile(r"""\bhttps?://[^\s"'<>?#]{1,1000}""")
_OF_HOOK = re.compile(r"(?<![\w-])(?:web-?)?hooks?(?![\w-])", re.IGNORECASE)
_PIECE_OF_HOOK = re.compile(
    r"""(?<=/)(?:(?=[^/]{0,200}\d)(?=[^/]{0,200}[a-z])(?=[^/]{0,200}[A-Z])(?:[A-Za-z0-9]{16,200}|(?=(?:[^/\d]{0,200}\d){3})[\w-]{20,200})
        |[0-9a-f]{24,200}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})(?=[/,;)\]}`]|\Z)""",
    re.VERBOSE,
)
_BEARER = re.compile(
    r"(\b(?:Bearer|Basic|Negotiate)[ \t]{1,20})(?!\*\*\*)(?=[A-Za-z0-9\-._~+/]{12,})[A-Za-z0-9\-._~+/]{12,8000}+=*(?![A-Za-z ])"
)
_BARE_LOGIN = re.compile(
    r"(\bhttps?://)(?!\*\*\*)(?:[^\s:/?#@\"'<>]{4,256}(?=@(?:[\w-]{1,40}\.){0,3}(?:github|gitlab|bitbucket|sentry)\.\w{2,9})|[0-9a-f]{32}(?=@))"
)


# --- SQL ---------------------------------------------------------------------------------------------------------------------

_IDENTIFIED = re.compile(
    r"""\b(?:IDENTIFIED\s{1,20}(?:BY|VIA|WITH)\b|BY\s{1,20}PASSWORD\b|PASSWORD\s{0,20}\()
        (?:\s{1,20}(?:PASSWORD|RANDOM)\b | \s{1,20}(?!BY\b|AS\b|USING\b|PASSWORD\b)[\w$"'`]{1,64}\s{1,20}(?:BY|AS|USING)\b)?
        \s{0,20}(?:PASSWORD\s{0,20})?\(?\s{0,20}""",
    re.VERBOSE | re.IGNORECASE,
)
_REPLACED = re.compile(r"\b(?:REPLACE|PASSWORD\s{1,9}FOR\s{1,9}[^\n=;]{1,100}?(?:=|\bTO\b))\s{0,20}(?=')", re.IGNORECASE)
_CIPHER = re.compile(
    r"\b(?:PRAGMA\s{1,9}(?:\w{1,64}\.)?(?:hex)?(?:re)?key\s{0,9}[=(]\s{0,9}|ATTACH\b[^\n;]{0,300}?\bKEY\s{1,9})(?=['\"])", re.IGNORECASE
)
_CRYPTO = re.compile(
    r"\b(?:pgp_(?:sym|pub)_(?:en|de)crypt(?:_bytea)?|aes_(?:en|de)crypt|(?:en|de)crypt(?:_iv)?|crypt|hmac|des_(?:en|de)crypt|sha2|digest)\s{0,9}\(",
    re.IGNORECASE,
)
_ALGORITHM = re.compile(
    r"'(?:aes|bf|des|3des|xdes|md5|sha-?\d{0,3}|(?:aes|bf)-\w{1,4}(?:/pad:\w{1,6})?|[\w-]{1,30}=[\w,= -]{1,60}|\*\*\*|)'", re.IGNORECASE
)
_INSERT = re.compile(
    r"\bINSERT\s{1,9}(?:IGNORE\s{1,9})?INTO\s{1,9}[\w.\"`\[\]]{1,200}\s{0,9}\(([^()]{1,2000})\)\s{0,9}(?:VALUES?\b|SELECT\b)", re.IGNORECASE
)
_STATEMENT_END = re.compile(r";|\Z")
_LITERAL = re.compile(r"'((?:[^']|'')*+)'?")


def literals(text: str) -> str:
    """Mask every literal of an SQL expression but names of algorithms."""
    return _LITERAL.sub(lambda found: found[0] if _ALGORITHM.fullmatch(found[0]) else f"'{starred_inside(found[1])}'", text)


def _mask_sql(text: str) -> str:
    text = _mask_quoted_after(_IDENTIFIED, text)
    text = _mask_quoted_after(_REPLACED, text)
    text = _mask_quoted_after(_CIPHER, text)
    text = _mask_between(_CRYPTO, text, _end_of_call)
    return _mask_between(_INSERT, text, _end_of_insert)


def _mask_quoted_after(pattern: re.Pattern[str], text: str) -> str:
    written: list[str] = []
    done = 0
    for found in pattern.finditer(text):
        start = found.end()
        if start < done:
            continue
        value = quoted(text, start)
        if value is not None and text[start : start + 1] in "'\"" and not text.startswith(STARS, start + 1):
            written += (text[done:start], value.masked)
            done = value.end
        elif value is None and "IDENTIFIED" in found[0].upper() and (word := re.compile(r"(?!\*)[^\s;'\"(]{1,200}").match(text, start)):
            if word[0].upper() not in ("BY", "WITH", "VIA", "AS", "USING", "PASSWORD", "RANDOM", "EXTERNALLY") and re.search(
                r"BY\s*$", found[0], re.IGNORECASE
            ):
                written += (text[done:start], STARS)
                done = word.end()
    return "".join((*written, text[done:]))


def _mask_between(pattern: re.Pattern[str], text: str, end_of: Callable[[str, re.Match[str]], int]) -> str:
    written: list[str] = []
    done = 0
    for found in pattern.finditer(text):
        if found.end() >= done and (end := end_of(text, found)) > found.end():
            written += (text[done : found.end()], literals(text[found.end() : end]))
            done = end
    return "".join((*written, text[done:])) if written else text


def _end_of_call(text: str, found: re.Match[str]) -> int:
    """Return where the call's parentheses close, literals left aside."""
    depth = 1
    for mark in re.compile(r"'(?:[^']|'')*+'?|[()]").finditer(text, found.end(), found.end() + 4000):
        depth += {"(": 1, ")": -1}.get(mark[0], 0)
        if depth == 0:
            return mark.start()
    return min(len(text), found.end() + 4000)


def _end_of_insert(text: str, found: re.Match[str]) -> int:
    if not any(is_secret(column.strip(' \t\r\n"`[]')) for column in found[1].split(",")):
        return found.end()
    for mark in re.compile(r"'(?:[^']|'')*+'?|;").finditer(text, found.end()):
        if mark[0] == ";":
            return mark.start()
    return len(text)


# --- JSON and YAML of known kinds --------------------------------------------------------------------------------------------

_KIND_SECRET = re.compile(
    r"""^[ \t]*(?:-[ \t]+)?["']?kind["']?[ \t]*:[ \t]*["']?Secret["']?[ \t]*,?[ \t]*\r?$|"kind"\s{0,20}:\s{0,20}"Secret\"""", re.MULTILINE
)
_DATA = re.compile(r"""^([ \t]*(?:-[ \t]+)?)["']?(?:data|stringData)["']?[ \t]*:[ \t]*(\{?)[ \t]*\r?$""", re.MULTILINE)
_DATA_JSON = re.compile(r'"(?:data|stringData)"\s{0,20}:\s{0,20}\{([^{}]{1,1000000})\}')
_MEMBER = re.compile(r'("[^"\n]{1,256}"\s{0,20}:\s{0,20}")(?!\*\*\*")((?:[^"\\]|\\.)*+)"')
_ENTRY = re.compile(r"""^([ \t]*["']?[\w.\-/]{1,256}["']?[ \t]*:[ \t]*)(?!\*\*\*)(\S.*)$""")
_JWK = re.compile(r'("(?:d|p|q|dp|dq|qi|k)"\s{0,20}:\s{0,20}")(?!\*\*\*)[\w\-=+/]{8,4000}"')


def _mask_documents(text: str) -> str:
    if "Secret" in text and _KIND_SECRET.search(text):
        text = _DATA_JSON.sub(lambda found: _MEMBER.sub(rf'\1{STARS}"', found[0]), text)
        parts = re.split(r"(^---[^\n]*\n)", text, flags=re.MULTILINE)
        text = "".join(_mask_secret(part) if _KIND_SECRET.search(part) else part for part in parts)
    if '"kty"' in text:
        text = _JWK.sub(rf'\1{STARS}"', text)
    return text


def _mask_secret(document: str) -> str:
    """Mask every value below `data` and `stringData` of a Kubernetes Secret in YAML."""
    lines = document.split("\n")
    depth: int | None = None
    for i, line in enumerate(lines):
        if not line.strip():
            continue
        indent = len(line) - len(line.lstrip(" \t"))
        if depth is not None and indent > depth:
            entry = _ENTRY.match(line)
            if entry is None:
                lines[i] = line if line.strip() in ("{", "}", "},") or line.strip().endswith((": ", ":")) else starred(line)
            elif not re.fullmatch(r"""["']?\*\*\*["']?,?|[|>][-+0-9]{0,2}\r?""", entry[2]):
                lines[i] = entry[1] + STARS + ("\r" if line.endswith("\r") else "")
            continue
        data = _DATA.match(line)
        depth = len(data[1]) if data is not None else None
    return "\n".join(lines)


def mask_shapes(text: str) -> str:
    """Mask what is a secret by its form. What looks for a form is not asked where a word that every such form has is missing."""
    lowered = text.lower()
    if "://" in text or "jdbc:" in text:
        text = _mask_addresses(text)
        text = _QUERY.sub(rf"\1{STARS}", text)
    if "@" in text and "(" in text:
        text = _mask_go_logins(text)
    text = _TOKENS.sub(STARS, text)
    if any(map(lowered.__contains__, _SQL_WORDS)):
        text = _mask_sql(text)
    if "Secret" in text or '"kty"' in text:
        text = _mask_documents(text)
    if "hook" in lowered and "://" in text:
        text = _ADDRESS.sub(_mask_hook, text)
    for words, pattern in _ADDRESSED:
        if any(map(lowered.__contains__, words)):
            text = pattern.sub(rf"\1{STARS}", text)
    return text


_SQL_WORDS = ("identified", "password", "replace", "crypt", "hmac", "digest", "sha2", "insert", "attach", "pragma")
_ADDRESSED = (
    (("hook", "telegram", "chat.googleapis"), _PATHS),
    (("bearer", "basic", "negotiate"), _BEARER),
    (("://",), _BARE_LOGIN),
)

__all__ = ["literals", "mask_blocks", "mask_shapes", "starred_inside"]
