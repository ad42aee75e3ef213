"""Values whose names say that they are secrets, in whatever syntax: one scan over the words of a text."""

from __future__ import annotations

import re
from collections.abc import Callable

from tocsin.mask.names import holds_passwords, is_secret, plural
from tocsin.mask.values import (
    STARS,
    Place,
    Value,
    below,
    block_end,
    braced,
    bracketed,
    indented_block,
    is_masked,
    open_quote,
    plain,
    quoted,
    starred_inside,
)

_WORD = re.compile(r"[\w.\-]+")
_SEPARATOR = re.compile(
    r"""(?:\\{0,4}["'`]|&quot;)?[ \t]{0,8}(?:\[\d{0,5}\]|\])?[ \t]{0,200}
        (?P<mark>:=|=>|===?|!==?|<>|~>|=|:(?![:/]/?|=)|%3[Dd])[ \t]{0,200}""",
    re.VERBOSE,
)
_NEXT_LINE = re.compile(r"""\r?\n[ \t]{0,200}(?=["'])""")
_CALL = re.compile(r"""\(\s{0,40}(?=[A-Za-z]{0,2}["'$])""")
_ARGUMENT = re.compile(r"""(?:\\{0,4}["'])?\s{0,40},\s{0,40}(?=(?:[A-Za-z]{0,2}|<<)["'$])""")
_SPACE = re.compile(r"[ \t]{1,200}(?:(?:TO|BY|AS)[ \t]{1,40})?", re.IGNORECASE)
_DECLARED = re.compile(
    r"""["`\]]?[ \t]{1,20}(?:[^\n;'"]{0,120}?(?:\bDEFAULT[ \t(]|:=)|[A-Za-z_][\w.]{0,60}(?:\[\d{0,5}\])?[ \t]{0,20}=)
        [ \t(]{0,20}(?=[A-Za-z]{0,2}['"$])""",
    re.VERBOSE | re.IGNORECASE,
)
_TAG_END = re.compile(r"[^<>\n]{0,300}>")
_KEY_END = re.compile(r"</key>")
_NAMED_BY = re.compile(r"""(?:name|key|id|field|param|variable|env)["']?[ \t]{0,20}(?:[:=]|=>)[ \t]{0,20}\\?["']?$""", re.IGNORECASE)
_ITS_VALUE = re.compile(
    r"""(?:\\?["'])?[\s,;/)]{0,200}(?:[\w:]{1,20}\s?=\s?["'][^"'\n<>]{0,80}["']\s{1,20}){0,3}\\?["']?
        (?:value|val|default|defaultValue|content)\\?["']?[ \t]{0,40}(?:[:=]|=>)[ \t]{0,40}""",
    re.VERBOSE | re.IGNORECASE,
)
_INNER_VALUE = re.compile(r"""\b(?:value|default|plaintext|literal|content)\b["']?[ \t]{0,40}[:=][ \t]{0,40}(?=["'\w])""")
_BRACE = re.compile(r"""["']?[ \t]{0,20}(?:[:=]|=>)?\s{0,20}\{""")
_LONGEST_OBJECT = 600
_OBJECT_END = re.compile(r'(?:[^"{}]++|"(?:[^"\\\n]++|\\.)*+"|"|\{[^{}"]*+\})*+')
"""What goes to the brace that ends an object: those in strings do not."""
_ITS_STRING = re.compile(r"\s{0,200}<(?:string|value|data)>")
_DIRECTIVES = frozenset((
    "", "env", "setenv", "set", "arg", "export", "fastcgi_param", "uwsgi_param", "proxy_set_header", "add_header", "requestheader set",
    "-", "#", ";", "//", "option", "passenv", "declare -x", "//registry.npmjs.org/:",
))  # fmt: skip
_LOGIN = re.compile(r"(?:^(?:user|login|account)|\bmachine[ \t]+\S+[ \t]+login|\bdefault[ \t]+login)[ \t]+\S+$")

_NOTHING = re.compile(
    r"""(?:true|false|yes|no|on|off|null|none|nil|undefined|enabled?|disabled?|basic|bearer|default|prompt|required|optional
        |~|-|\{\}|\[\]|\\
        |\$\{[A-Za-z_][\w.]{0,100}\}|\$\([A-Za-z_]\w{0,100}\)|\{\{[^"'\n]{0,200}\}\}|\$\d{1,3}|\?|%s|%\(\w{1,60}\)s|<[\w -]{1,60}>
        |(?:str|string|bytes|text|bytea|blob|varchar|character[ ]varying|char|character|uuid|json|jsonb|citext|integer|int|bigint|boolean
            |bool|timestamp|SecretStr|any|object|number|tinytext|longtext|nvarchar|varbinary|binary)
         (?:\s?\(\s?\d{1,6}\s?\))?(?:\[\])?(?:[ ](?:NOT[ ])?NULL)?
        |\#.*|//.*|[|>][-+]?)?[ \t]*[;,)}\]]{0,3}[ \t\r]*""",
    re.VERBOSE | re.IGNORECASE,
)
_BOUND = re.compile(
    r"""(?:\$\d{1,3}|\?|%s|%\(\w{1,60}\)s|:\w{1,60}|(?:NEW|OLD|EXCLUDED)\.\w{1,60})
        (?:[ \t]{0,9},|[ \t]{1,9}(?:WHERE|AND|OR|RETURNING|ON|THEN|ORDER|LIMIT)\b)""",
    re.VERBOSE | re.IGNORECASE,
)
_PATH = re.compile(
    r"(?:file:|@|\.{1,2}/|~/|/(?:etc|run|var|usr|home|opt|srv|root|tmp|mnt|app|secrets?|dev|data|proc|vault)/)[\w./@+\-]{0,300};?"
)
_NUMBER = re.compile(r"-?[\d.]{1,12}[smhd]?;?")
_SCHEME = re.compile(
    r"(?:Bearer|Basic|Token|Digest|ApiKey|Negotiate|AWS4-HMAC-SHA256|SharedAccessSignature|GoogleLogin)[ \t]+(?=\S)", re.IGNORECASE
)


class _Scan:
    """One pass over a text: where in it we are, and what was written so far."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.written: list[str] = []
        self.done = 0
        self.line = 0
        self.line_end = _end_of_line(text, 0)

    def run(self) -> str:
        text = self.text
        for word in _WORD.finditer(text):
            if word.start() < self.done or not is_secret(word[0]):
                continue
            self._move_to(word.start())
            value = self._value(word)
            if value is not None and value.start >= self.done:
                self.written += (text[self.done : value.start], value.masked)
                self.done = value.end
        if not self.written:
            return text
        self.written.append(text[self.done :])
        return "".join(self.written)

    def _move_to(self, at: int) -> None:
        while self.line_end < at:
            self.line = self.line_end + 1
            self.line_end = _end_of_line(self.text, self.line)

    def _value(self, word: re.Match[str]) -> Value | None:
        """Return the value that belongs to the name, None where it has none that must be masked."""
        separator = _SEPARATOR.match(self.text, word.end())
        if separator is not None:
            return self._after_separator(word, separator)
        ways: tuple[Callable[[re.Match[str]], Value | None], ...] = (
            self._in_element, self._in_call, self._beside_name, self._in_object, self._after_space, self._declared,
        )  # fmt: skip
        for way in ways:
            value = way(word)
            if value is not None:
                return value
        return None

    def _after_separator(self, word: re.Match[str], separator: re.Match[str]) -> Value | None:
        text, name = self.text, word[0]
        start = separator.end()
        if start >= self.line_end or text.startswith("\r\n", start):
            following = _NEXT_LINE.match(text, start)
            if following is not None and '"' in separator[0]:
                return self._checked(name, quoted(text, following.end()))
            is_list_of_names = plural(name) and not holds_passwords(name)
            place = Place(text, start, self.line, min(self.line_end, len(text)))
            leads = not text[max(self.line, word.start() - 200) : word.start()].strip(" \t\"'")
            if is_list_of_names or not (separator["mark"] == ":" or (separator["mark"] == "=" and leads)):
                return None
            return below(place) or self._inner(name, place.line_end, block_end(place))
        return self._at(name, start, word, tight=separator[0].endswith("="), mark=separator["mark"])

    def _at(self, name: str, start: int, word: re.Match[str], *, tight: bool, mark: str = "=") -> Value | None:
        """Return the value that begins there, whatever its form."""
        text = self.text
        if is_masked(text, start):
            return None
        scheme = _SCHEME.match(text, start)
        if scheme is not None and "auth" in name.lower():
            start = scheme.end()
            if is_masked(text, start):
                return None
        leads = not text[max(self.line, word.start() - 200) : word.start()].strip(" \t-\"'#;")
        place = Place(text, start, self.line, min(self.line_end, len(text)), tight, leads)
        if mark == ":" and (block := indented_block(place)) is not None:
            return block
        if text.startswith("[", start):
            return None if plural(name) and not holds_passwords(name) and "token" not in name.lower() else bracketed(text, start)
        if text.startswith("{", start) and not text.startswith("{{", start):
            found = braced(text, start, place.line_end) if tight else None
            return found or self._in_object(word)
        within = open_quote(text, self.line, start)
        return self._checked(name, quoted(text, start, within)) or self._checked_plain(name, place)

    def _checked_plain(self, name: str, place: Place) -> Value | None:
        opened = quoted(place.text, place.start, open_quote(place.text, place.line, place.start))
        return None if opened is not None else self._checked(name, plain(place))

    def _checked(self, name: str, value: Value | None) -> Value | None:
        """Return the value unless it is plainly none: nothing, a switch, a reference to where the secret is."""
        if value is None or value.end - value.start > 400:
            return value
        content = self.text[value.start : value.end].strip("\"'` \t\r")
        if _NOTHING.fullmatch(content) or _BOUND.match(content) or content == STARS:
            return None
        if plural(name) and _NUMBER.fullmatch(content):
            return None
        if not holds_passwords(name) and _PATH.fullmatch(content):
            return None
        return value

    def _in_object(self, word: re.Match[str]) -> Value | None:
        """Return the value in the object that the name has: `{sensitive = true, default = "..."}`."""
        brace = _BRACE.match(self.text, word.end())
        if brace is None:
            return None
        inside = _OBJECT_END.match(self.text, brace.end(), brace.end() + _LONGEST_OBJECT)
        return self._inner(word[0], brace.end(), inside.end() if inside is not None else brace.end())

    def _inner(self, name: str, start: int, end: int) -> Value | None:
        inner = _INNER_VALUE.search(self.text, start, min(end, start + _LONGEST_OBJECT))
        if inner is None or is_masked(self.text, inner.end()):
            return None
        value = quoted(self.text, inner.end())
        line = self.text.rfind("\n", start, inner.end()) + 1
        place = Place(self.text, inner.end(), line, min(_end_of_line(self.text, inner.end()), len(self.text)))
        return self._checked(name, value or plain(place))

    def _in_element(self, word: re.Match[str]) -> Value | None:
        """Return the content of an XML element of that name, or of one that the name is an attribute of."""
        text, start = self.text, word.start()
        before = text[max(self.line, start - 80) : start]
        is_element = re.search(r"<(?:[\w.-]{1,40}:)?$", before) is not None
        is_key = before.endswith("<key>")
        is_attribute = _NAMED_BY.search(before) is not None and "<" in before
        if not (is_element or is_key or is_attribute):
            return None
        tag = _KEY_END.match(text, word.end()) if is_key else _TAG_END.match(text, word.end())
        if tag is None or tag[0].endswith("/>") or (is_element and "=" in tag[0] and "value=" in tag[0].lower()):
            return None
        at = tag.end()
        if is_key:
            string = _ITS_STRING.match(text, at)
            if string is None:
                return None
            at = string.end()
        is_data = text.startswith("<![CDATA[", at)
        at += 9 * is_data
        if is_masked(text, at):
            return None
        end = text.find("]]>" if is_data else "<", at)
        if not is_data and end >= 0 and not text.startswith("</", end):
            return None  # other elements are in it
        end = end if end >= 0 else min(self.line_end, len(text))
        content = text[at:end]
        if _NOTHING.fullmatch(content.strip()):
            return None
        return Value(at, end, starred_inside(content))

    def _in_call(self, word: re.Match[str]) -> Value | None:
        """Return the literal that a function of that name is called with, or that follows the name among a function's arguments."""
        text, name = self.text, word[0]
        call = _CALL.match(text, word.end())
        if call is not None:
            return self._checked(name, _if_new(text, call.end()))
        argument = _ARGUMENT.match(text, word.end())
        before = text[max(0, word.start() - 40) : word.start()].rstrip("\"'\\ \t\n").rstrip()
        if argument is None or not before.endswith(("(", "{")):
            return None
        return self._checked(name, _if_new(text, argument.end()))

    def _beside_name(self, word: re.Match[str]) -> Value | None:
        """Return the value of a pair: `name: DB_PASSWORD` and then `value: ...`."""
        text = self.text
        if _NAMED_BY.search(text, max(self.line, word.start() - 60), word.start()) is None:
            return None
        pair = _ITS_VALUE.match(text, word.end())
        if pair is None:
            return None
        self._move_to(pair.end())
        return self._at(word[0], pair.end(), word, tight=True, mark=":")

    def _after_space(self, word: re.Match[str]) -> Value | None:
        """Return what follows the name behind a space: a literal, or the word of a directive, an option or a login."""
        text, name = self.text, word[0]
        space = _SPACE.match(text, word.end())
        if space is None or is_masked(text, space.end()):
            return None
        start = space.end()
        if text[start : start + 1] in "'\"$" or re.compile(r"[EeNnBbUu]&?'").match(text, start):
            found = _if_new(text, start) if not open_quote(text, self.line, start) or text.startswith("''", start) else None
            return self._checked(name, found or quoted(text, start, open_quote(text, self.line, start)))
        end = min(self.line_end, len(text))
        before = text[max(self.line, word.start() - 200) : word.start()].strip().lower()
        token = re.compile(r"[^\s]{1,1000}").match(text, start, end)
        if token is None or token[0][-1] in ",({:." or token[0][0] in "-=:(,)|<>":
            return None
        if name.startswith("--") or _LOGIN.search(before):
            return self._checked(name, Value(start, token.end(), STARS))
        if before not in _DIRECTIVES or (before in ("", "-", "#", ";", "//") and text[token.end() : end].strip(" \t\r;")):
            return None
        return self._checked(name, Value(start, end - text[start:end].endswith("\r"), STARS))

    def _declared(self, word: re.Match[str]) -> Value | None:
        """Return the literal that a column, an argument or a variable of that name begins with, behind its type."""
        default = _DECLARED.match(self.text, word.end(), min(len(self.text), word.end() + 200))
        return self._checked(word[0], _if_new(self.text, default.end())) if default is not None else None


def _if_new(text: str, start: int) -> Value | None:
    return None if is_masked(text, start) else quoted(text, start)


def _end_of_line(text: str, start: int) -> int:
    end = text.find("\n", start)
    return end if end >= 0 else len(text) + 1


_IN_NAMES = (
    "pass", "pw", "secret", "token", "credential", "key", "auth", "cookie", "psk", "salt", "bearer", "community", "mnemonic", "wort",
    "shared", "seed", "contrase",
)  # fmt: skip
"""One of these is in every name of a secret: most texts have none, and are done with after the search."""


def may_name(text: str) -> bool:
    """Tell whether a secret's name may be in the text."""
    return any(map(text.lower().__contains__, _IN_NAMES))


def mask_named(text: str) -> str:
    """Mask the values whose names say that they are secrets."""
    return _Scan(text).run() if may_name(text) else text
