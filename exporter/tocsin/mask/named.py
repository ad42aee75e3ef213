"""Values whose names say that they are secrets, in whatever syntax: one scan over the words of a text."""

from __future__ import annotations

import re
from collections.abc import Callable

from tocsin.mask.names import holds_passwords, is_of_keys, is_pin, is_secret, is_word, may_be_secret, plural
from tocsin.mask.parents import parent_of, refers
from tocsin.mask.values import (
    STARS,
    Place,
    Value,
    below,
    block_end,
    braced,
    bracketed,
    end_of_tight,
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
        (?P<mark>:=|=>|===?|!==?|<>|~>|=|:(?![:/]/?|=)|::(?=[ \t][A-Za-z0-9+/]{4,4000}={0,2}[ \t]*\r?$)|%3[Dd])[ \t]{0,200}""",
    re.VERBOSE | re.MULTILINE,
)
_NEXT_LINE = re.compile(r"""\r?\n[ \t]{0,200}(?=["'])""")
_CALL = re.compile(r"""\(\s{0,40}(?=[A-Za-z]{0,2}["'$])""")
_ARGUMENT = re.compile(r"""(?:\\{0,4}["'])?\s{0,40},\s{0,40}(?=(?:[A-Za-z]{0,2}|<<)["'$])""")
_SPACE = re.compile(
    r"""[ \t]{1,200}(?:(?:TO|BY|AS)[ \t]{1,40}|(?P<says>(?-i:is|was))[ \t:]{1,40})?
        (?:(?:\d|ENC|ascii-text|cipher|simple|(?:plain|clear)(?:-?text)?|encrypted|md5|sha512|hash|--\w{1,20})[ \t]{1,20}(?=[^\s=]))?""",
    re.VERBOSE | re.IGNORECASE,
)
"""What stands between a name and its value in a directive or a sentence, what kind of value it is included."""
_OPTION_GAP = re.compile(r"""(?:\\{0,4}["'])?(?:\s{0,40},\s{0,40}|[ \t]{0,20}\\?\r?\n[ \t]{0,200}(?:-[ \t]{1,9})?)(?=[^\s\-\]])""")
"""What stands between an option and its value in a list of arguments, or in a command over lines."""
_ARGUMENT_END = re.compile(r"""[\s,\]"']|\Z""")
_HEAD = re.compile(
    r"""(?:^(?:no[ ])?(?:(?:user|login|account|neighbor|ppp|local-user)[ \t]+\S+|username[ ]\S+(?:[ ]privilege[ ]\d+)?
        |enable|set(?:[ ]-\w+)*|set[ ]authentication|setx)
        |\b(?:(?:machine[ \t]+\S+[ \t]+login|default[ \t]+login|user)[ \t]+\S+|aws[ ]configure[ ]set|mysqladmin\b.*))$""",
    re.VERBOSE,
)
"""What a directive begins with whose secret is one word, whatever follows it."""
_OF_HEADS = ("user", "login", "account", "neighbor", "ppp", "enable", "set", "mysqladmin")
_PROSE = frozenset((
    "a", "an", "and", "are", "as", "at", "be", "by", "can", "cannot", "does", "field", "for", "from", "has", "have", "if", "in", "is",
    "may", "must", "not", "of", "off", "on", "or", "should", "than", "that", "the", "to", "used", "using", "was",
    "when", "which", "will", "with",
))  # fmt: skip
_ODD = re.compile(
    r"""(?=[^\s"'`,;]{0,80}\d)(?=[^\s"'`,;]{0,80}[A-Za-z])
        (?![/.<>${%@(\[]|\w{1,40}=\w|[^\s"'`,;]{0,80}(?:://|%TYPE|\())
        (?!(?:[A-Z]{2,8}-?\d{1,6}|\d{1,6}[a-z]{1,8}|(?i:(?:scram-|hmac-)?sha|aes|utf|base|md|int|float|varchar|v|rfc|pbkdf|bcrypt|argon)
             -?\d[\w-]*)\b(?![-!@#]\w))
        [^\s"'`,;]{6,200}(?<![.:!?)])""",
    re.VERBOSE,
)
"""A word that is no word of a language: what a sentence has behind `password` may be one."""
_RANDOM = re.compile(
    r"""["']?((?=\S{0,200}\d)(?:(?=\S{0,200}[a-z])(?=\S{0,200}[A-Z])[A-Za-z0-9+/]{20,500}={0,2}|[0-9a-f]{24,500}|[0-9A-F]{24,500}))
        (?=["'\s,;}\])]|\Z)""",
    re.VERBOSE,
)
_PIN = re.compile(r"""["']?(\d{4,12})(?=["']?(?:[\s,;}\])]|\Z))""")
_DECLARED = re.compile(
    r"""["`\]]?[ \t]{1,20}(?:[^\n;'"]{0,120}?(?:\bDEFAULT[ \t(]|:=)|[A-Za-z_][\w.]{0,60}(?:\[\d{0,5}\])?[ \t]{0,20}=)
        [ \t(]{0,20}(?=[A-Za-z]{0,2}['"$])""",
    re.VERBOSE | re.IGNORECASE,
)
_TAG_END = re.compile(r"[^<>\n]{0,300}>")
_KEY_END = re.compile(r"</key>")
_NAMED_BY = re.compile(r"""(?:name|key|id|field|param|variable|env)["']?[ \t]{0,20}(?:[:=]|=>)[ \t]{0,20}\\?["']?$""", re.IGNORECASE)
_ITS_VALUE = re.compile(
    r"""^[ \t]*(?:\#|//)[^\n]*
        |(?<![\w\-])\\?["']?(?P<key>\w{0,20}Value|val|default|content)\\?["']?[ \t]{0,40}(?:[:=]|=>)[ \t]{0,40}""",
    re.VERBOSE | re.IGNORECASE | re.MULTILINE,
)
_OBJECT_ENDS = re.compile(r"""[{}<]|(?<!=)>|\n[ \t]*\r?\n|\n[ \t]*-[ \t]|(?<![\w\-])["']?name["']?[ \t]*[:=]""", re.IGNORECASE)
_INNER_VALUE = re.compile(
    r"""\b(?:(?:default)?value|default|plaintext|literal|content|secure|list)\b["']?[ \t]{0,40}[:=][ \t]{0,40}(?=["'\w|>])""",
    re.IGNORECASE,
)
_BRACE = re.compile(r"""["']?[ \t]{0,20}(?:[:=]|=>)?\s{0,20}\{""")
_LONGEST_OBJECT = 600
_OBJECT_END = re.compile(r'(?:[^"{}]++|"(?:[^"\\\n]++|\\.)*+"|"|\{[^{}"]*+\})*+')
"""What goes to the brace that ends an object: those in strings do not."""
_ITS_STRING = re.compile(r"\s{0,200}<(?:string|value|data)>")
_DIRECTIVES = frozenset((
    "", "env", "setenv", "set", "arg", "export", "fastcgi_param", "uwsgi_param", "proxy_set_header", "add_header", "requestheader set",
    "-", "#", ";", "//", "option", "passenv", "declare -x", "//registry.npmjs.org/:",
))  # fmt: skip

_NOTHING = re.compile(
    r"""(?:true|false|yes|no|on|off|null|none|nil|undefined|enabled?|disabled?|basic|bearer|default|prompt|required|optional
        |~|-|\{\}|\[\]|\\
        |\$\{[A-Za-z_][\w.]{0,100}\}|\$\([A-Za-z_]\w{0,100}\)|\{\{[^"'\n]{0,200}\}\}|\$\d{1,3}|\?|%s|%\(\w{1,60}\)s|<[\w -]{1,60}>
        |(?:str|string|bytes|text|bytea|blob|varchar|character[ ]varying|char|character|uuid|json|jsonb|citext|integer|int\d?|float\d?
            |bigint|boolean|bool|timestamp|SecretStr|any|object|number|tinytext|longtext|nvarchar|varbinary|binary)
         (?:\s?\(\s?\d{1,6}\s?\))?(?:\[\])?(?:[ ](?:NOT[ ])?NULL)?
        |files(?:[ \t]+(?:systemd|sss|ldap|nis|winbind|compat)){0,5}
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
            if word.start() < self.done:
                continue
            if is_secret(word[0]):
                self._move_to(word.start())
                value = self._value(word)
            elif may_be_secret(word[0]):
                value = self._random(word)
            else:
                continue
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
        if is_word(word[0]):
            return None
        ways: tuple[Callable[[re.Match[str]], Value | None], ...] = (
            self._of_option, self._in_element, self._in_call, self._beside_name, self._in_object, self._after_space, self._declared,
        )  # fmt: skip
        for way in ways:
            value = way(word)
            if value is not None:
                return value
        return None

    def _random(self, word: re.Match[str]) -> Value | None:
        """Return the value of what may be a secret, if no person would think of such a one."""
        separator = _SEPARATOR.match(self.text, word.end())
        if separator is None:
            return None
        found = (_PIN if is_pin(word[0]) else _RANDOM).match(self.text, separator.end())
        if found is not None:
            return Value(found.start(1), found.end(1), STARS)
        return self._of_parent(word, separator) if word[0].lower() == "key" else None

    def _of_parent(self, word: re.Match[str], separator: re.Match[str]) -> Value | None:
        """Return the value of a key below a name that tells what it is for: `encryption: {key: ...}`."""
        self._move_to(word.start())
        start = separator.end()
        parent = parent_of(self.text, self.line, word.start())
        if parent is None or start >= self.line_end or refers(self.text, start):
            return None
        is_odd = parent.lower() == "secret" and _ODD.match(self.text, start + (self.text[start] in "\"'")) is not None
        if not (is_odd or is_of_keys(parent)):
            return None
        return self._at(word[0], start, word, tight=separator[0].endswith("="), mark=separator["mark"])

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
        ends = end_of_tight(text[max(self.line, start - 400) : start]) if tight and mark == "=" else None
        place = Place(text, start, self.line, min(self.line_end, len(text)), tight, leads and ends is None, ends)
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
        if (plural(name) or is_word(name)) and _NUMBER.fullmatch(content):
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
        line = self.text.rfind("\n", start, inner.end()) + 1
        place = Place(self.text, inner.end(), line, min(_end_of_line(self.text, inner.end()), len(self.text)))
        return indented_block(place) or self._checked(name, quoted(self.text, inner.end()) or plain(place))

    def _in_element(self, word: re.Match[str]) -> Value | None:
        """Return the content of an XML element of that name, or of one that the name is an attribute of."""
        text, start = self.text, word.start()
        before = text[max(self.line, start - 80) : start]
        if "<" not in before:
            return None
        is_element = re.search(r"<(?:[\w.-]{1,40}:)?$", before) is not None
        is_key = before.endswith("<key>")
        is_attribute = self._named_by(word) is not None
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
        named = self._named_by(word)
        if named is None:
            return None
        ends = _OBJECT_ENDS.search(text, word.end(), word.end() + _LONGEST_OBJECT)
        lead = text[max(self.line, named.start() - 200) : named.start()].rstrip("\"'")
        column = len(lead) * (not lead.strip(" \t-"))
        for pair in _ITS_VALUE.finditer(text, word.end(), ends.start() if ends is not None else word.end() + _LONGEST_OBJECT):
            if pair["key"] is None:
                continue
            if any(line.strip() and len(line) - len(line.lstrip()) < column for line in text[word.end() : pair.end()].split("\n")[1:]):
                return None
            self._move_to(pair.end())
            return self._at(word[0], pair.end(), word, tight=True, mark=":")
        return None

    def _named_by(self, word: re.Match[str]) -> re.Match[str] | None:
        """Return what says that the word is a name: `name: `, `key="`."""
        begin = max(self.line, word.start() - 60)
        before = self.text[begin : word.start()].rstrip("\\\"' \t")
        return _NAMED_BY.search(self.text, begin, word.start()) if before.endswith((":", "=", ">")) else None

    def _of_option(self, word: re.Match[str]) -> Value | None:
        """Return the argument that follows an option in a list of arguments, or on the next line."""
        gap = _OPTION_GAP.match(self.text, word.end()) if word[0].startswith("-") else None
        if gap is None or is_masked(self.text, gap.end()):
            return None
        end = _ARGUMENT_END.search(self.text, gap.end())
        argument = Value(gap.end(), end.start() if end is not None else len(self.text), STARS)
        return self._checked(word[0], quoted(self.text, gap.end()) or argument)

    def _after_space(self, word: re.Match[str]) -> Value | None:
        """Return what follows the name behind a space: a literal, or what belongs to it in a directive, a command or a sentence."""
        text, name = self.text, word[0]
        space = _SPACE.match(text, word.end())
        if space is None or is_masked(text, space.end()):
            return None
        start = space.end()
        if text[start : start + 1] in "'\"$" or re.compile(r"[EeNnBbUu]&?'").match(text, start):
            found = _if_new(text, start) if not open_quote(text, self.line, start) or text.startswith("''", start) else None
            return self._checked(name, found or quoted(text, start, open_quote(text, self.line, start)))
        end = min(self.line_end, len(text))
        token = re.compile(r"[^\s]{1,1000}").match(text, start, end)
        if token is None or token[0][-1] in "({" or token[0][0] in "-=:(,)|<>":
            return None
        return self._checked(name, self._of_directive(word, token, end, says=bool(space["says"])))

    def _of_directive(self, word: re.Match[str], token: re.Match[str], end: int, *, says: bool) -> Value | None:
        """Return the word behind a name, or what follows to the end of the line, if the line is a directive: else an odd word alone."""
        text, name, start = self.text, word[0], token.start()
        before = text[max(self.line, word.start() - 200) : word.start()].strip().lower()
        rest = text[token.end() : min(end, token.end() + 200)].strip(" \t\r")
        if not says and token[0][-1] not in ",:.":
            is_headed = any(map(before.__contains__, _OF_HEADS)) and token[0].lower() not in _PROSE and _HEAD.search(before) is not None
            if name.startswith("-") or is_headed or ("{" in before and rest[:1] == "}"):
                return Value(start, token.end(), STARS)
            if before in _DIRECTIVES and (before not in ("", "-", "#", ";", "//") or not rest.strip(";}")):
                return Value(start, token.end() if rest[:1] == "}" else end - text[start:end].endswith("\r"), STARS)
        odd = _ODD.match(text, start, end) if says or holds_passwords(name) or "secret" in name.lower() else None
        return Value(start, odd.end(), STARS) if odd is not None and not is_secret(odd[0]) else None

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
    "shared", "seed", "contrase", "clave", "senha", "dsn", "crypt", "pin=", "pin =", "pin:", "pin\"", "pin'",
)  # fmt: skip
"""One of these is in every name of a secret: most texts have none, and are done with after the search."""


def may_name(text: str) -> bool:
    """Tell whether a secret's name may be in the text."""
    return any(map(text.lower().__contains__, _IN_NAMES))


def mask_named(text: str) -> str:
    """Mask the values whose names say that they are secrets."""
    return _Scan(text).run() if may_name(text) else text
