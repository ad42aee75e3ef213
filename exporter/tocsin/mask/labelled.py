"""Literals of SQL whose name stands elsewhere than before them: an alias, the other side of a comparison, a key beside its value.

One pass over the words of a text. The literals met so far are kept on a stack, and each open parenthesis, CASE and list knows since
when what it holds belongs together: the item of a SELECT, the two sides of a comparison. Where a name says that one of these
is a secret, all its literals are masked. Each is put on the stack and taken from it once, so that time is linear.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from tocsin.mask.names import is_secret
from tocsin.mask.values import starred_inside

_PART = r"""(?:[^\W\d][\w$]*+|"[^"\n]{1,128}"|`[^`\n]{1,128}`|\[[A-Za-z_][\w ]{0,64}\])"""
_TYPE = r"""(?:"[^"\n]{1,128}"|\w{1,128})(?:\.(?:"[^"\n]{1,128}"|\w{1,128}))?"""
_TOKENS = r"""
    (?P<comment>--[^\n]*+ | /\*(?:[^*]|\*(?!/))*+(?:\*/)? | \#[ \t][^\n]*+)
  | (?P<literal>[Ee]'(?:[^'\\]|\\.|'')*+'? | (?:[NnBbXx]|[Uu]&|_\w{2,20})?'(?:PLAIN|'')*+'?)
  | (?P<dollar>\$(?:[A-Za-z_]\w{0,62})?\$)
  | ::\s{0,9}(?P<cast>TYPE)(?:\s{1,9}(?:varying|precision)\b)?(?:\(\d{1,6}\))?(?:\[\])*+
  | (?P<name>PART(?:\s{0,9}\.\s{0,9}PART)*+)
  | (?P<mark>->>?|\#>>?|=>|:=|<=>|<>|!=|<=|>=|!?~~?\*?|==?|\|\||[-+*/%^&@:.!<>(),;\[\]])
  | (?P<number>\d[\w.]*+)
"""


def _tokens(plain: str) -> re.Pattern[str]:
    pattern = _TOKENS.replace("PLAIN", plain).replace("TYPE", _TYPE).replace("PART", _PART)
    return re.compile(pattern, re.VERBOSE | re.DOTALL)


_STANDARD = _tokens(r"[^']")
_BACKSLASHES = _tokens(r"[^'\\]|\\.")
"""As MySQL reads literals. Which of both a text was written for cannot be told: one with a quote behind a backslash is read twice."""

_DEEPEST = 3
"""Levels of SQL in literals, comments and dollar quotes that are read."""
_NAME_IN_QUOTES = re.compile(r"""[\s"${]{0,4}(?:[\w.\- ,$]{0,200}[.,])?([\w\-]{1,128})[\s"}]{0,4}""")
_IN_BRACKETS = re.compile(r"\['[A-Za-z_]\w{0,64}'\]")
_LAST_PART = re.compile(r"""[^."`\[\]]+(?=["`\]]?$)""")
_NO_VALUE = re.compile(
    r"\s*|\*\*\*|aes|bf|des|3des|xdes|md5|sha-?\d{0,3}|hex|base64|escape|utf-?8|second|minute|hour|day|week|month|year", re.IGNORECASE
)
_LABEL_AT_END = re.compile(r"""(?<![\w.])([\w.]{1,128})["'\s=:]{1,10}\Z""")
_LABEL_OF_PLACE = re.compile(
    r"""(?<![\w.])([\w.]{1,128}+)["'\s=:(]{1,10}(?:(?:to|by|is|as)\s{1,5}["']{0,2})?%(?:\d{1,2}\$)?[-\d]{0,4}[LsI]""", re.IGNORECASE
)

_ENDS_SEGMENT = frozenset((
    "and", "or", "where", "on", "having", "group", "order", "limit", "set", "if", "elsif", "elseif", "using", "loop", "return", "do",
    "begin", "declare", "check", "union", "except", "intersect", "join", "with", "filter", "window", "qualify", "values", "execute",
))  # fmt: skip
_COMPARE_WORDS = frozenset(("like", "ilike", "in", "between", "similar", "regexp", "rlike", "glob", "match"))
_COMPARES = frozenset(("=", "==", "<>", "!=", "<=>", "~", "~*", "!~", "!~*", "~~", "~~*", "!~~", "!~~*"))
_OTHER_WORDS = frozenset(("as", "not", "is", "distinct", "all", "by", "any", "some", "array", "interval", "case", "collate"))
_STEPS = frozenset(("->", "->>", "#>", "#>>"))
_LISTS = frozenset(("in", "any", "all", "some", "enum", "set", "array"))
_OF_VALUES = frozenset((
    "coalesce", "ifnull", "nvl", "nullif", "concat", "concat_ws", "upper", "lower", "md5", "encode", "decode", "convert_to", "cast",
    "greatest", "least", "if", "iif", "format", "printf", "quote_literal", "quote_nullable", "to_char", "values", "trim", "replace",
))  # fmt: skip
"""Functions whose literals are values, where those of another one may name what it returns."""
_BEFORE_A_NAME = frozenset(("as", "value", "name", "from", "join", "collate", "into", "."))
_CALLED = _LISTS | {"if", "values"}
"""Words of SQL that a parenthesis belongs to."""
_TEMPLATES = frozenset(("format", "printf", "concat", "concat_ws"))


@dataclass(slots=True)
class _Frame:
    """What is open: the text as a whole, a parenthesis, a list in brackets, a CASE. Numbers are of literals, see `_Scan.count`."""

    kind: str
    call: str
    selects: bool
    """Whether what stands behind an expression is an alias."""
    item: int
    segment: int
    clause: int | None = None
    rest: int | None = None
    then: int | None = None
    compares: bool = False
    secret: bool = False
    """Whether a side of the comparison has a secret's name."""
    returns_secret: bool = False
    """Whether an argument so far has a secret's name: what the call returns is compared outside of it."""
    named: bool = False
    """Whether a literal since the last WHEN is a secret's name."""
    between: bool = False
    key: bool = False
    """Whether the item is no more than a literal that is a secret's name."""
    masks_item: bool = False
    begun: bool = False


class _Scan:
    def __init__(self, text: str, tokens: re.Pattern[str], depth: int = 0) -> None:
        self.text = text
        self.tokens = tokens
        self.depth = depth
        self.count = 0
        self.stack: list[tuple[int, int, int]] = []
        self.replaced: dict[int, tuple[int, str]] = {}
        self.frames = [_Frame("", "", False, 0, 0)]
        self.parentheses = 0
        self.before = ""
        """The kind of the token before, or the token itself if it is a mark or a word of SQL."""
        self.name = ""
        self.last_dollar = {found["dollar"]: found.start() for found in re.finditer(r"(?P<dollar>\$(?:[A-Za-z_]\w{0,62})?\$)", text)}

    def run(self) -> str:
        at = 0
        while (token := self.tokens.search(self.text, at)) is not None:
            at = self._token(token, token.lastgroup or "")
        while self.frames:
            self._close()
        written: list[str] = []
        done = 0
        for start, (end, masked) in sorted(self.replaced.items()):
            written += (self.text[done:start], masked)
            done = end
        return "".join((*written, self.text[done:])) if written else self.text

    def _token(self, token: re.Match[str], kind: str) -> int:
        start, end = token.span()
        if kind == "comment":
            self._inside(start + 1, end)
        elif kind == "literal":
            begin = self.text.index("'", start) + 1
            self._literal(begin, end - (end > begin and self.text[end - 1] == "'"))
        elif kind == "dollar":
            if self.last_dollar.get(token[0], -1) >= end:
                closing = self.text.index(token[0], end)
                self._literal(end, closing)
                return closing + len(token[0])
        elif kind == "cast":
            self._cast(token["cast"], start)
        elif kind == "name":
            self._named(token[0], start, end)
        elif kind == "mark":
            self._mark(token[0])
        else:
            self.frames[-1].begun, self.before = True, "value"
        return end

    # --- what is masked ---

    def _mask_since(self, first: int) -> None:
        while self.stack and self.stack[-1][0] >= first:
            _, start, end = self.stack.pop()
            self.replaced[start] = (end, starred_inside(self.text[start:end]))

    def _inside(self, start: int, end: int) -> None:
        """Read what SQL is in a comment or in a literal; in the latter quotes are doubled."""
        content = self.text[start:end]
        if self.depth >= _DEEPEST or not ("'" in content or '"' in content):
            return
        is_doubled = self.text[start - 1] == "'"
        plain = content.replace("''", "'") if is_doubled else content
        masked = _Scan(plain, self.tokens, self.depth + 1).run()
        if masked != plain:
            self.replaced[start] = (end, masked.replace("'", "''") if is_doubled else masked)

    def _literal(self, start: int, end: int) -> None:
        frame, content = self.frames[-1], self.text[start:end]
        self._operand(frame)
        name = _NAME_IN_QUOTES.fullmatch(content)
        is_name = name is not None and is_secret(name[1])
        if self.before == "as" and is_name and frame.selects:
            self._mask_since(frame.item)
        elif is_name and (self.before in _STEPS or frame.kind == "subscript" or self._is_key_of(frame)):
            frame.secret, frame.key = True, not frame.begun
        elif not (frame.kind == "subscript" and _IN_BRACKETS.match(self.text, start - 2)):  # what is named by it is the value
            frame.named |= is_name
            frame.key = is_name and not frame.begun
            self._inside(start, end)
            if not _NO_VALUE.fullmatch(content):
                self.stack.append((self.count, start, end))
                self.count += 1
            self._label(frame, content)
        frame.begun, self.before = True, "value"

    def _is_key_of(self, frame: _Frame) -> bool:
        return frame.kind == "(" and bool(frame.call) and frame.call not in _OF_VALUES | _LISTS

    def _label(self, frame: _Frame, content: str) -> None:
        """Note that a literal announces a secret: `'password=' || ...`, `format('... PASSWORD %L', ...)`."""
        label = _LABEL_AT_END.search(content, max(0, len(content) - 140))
        is_label = label is not None and is_secret(label[1])
        if is_label:
            frame.segment, frame.compares, frame.secret = self.count, True, True
        if frame.call in _TEMPLATES and frame.rest is None:
            places = (is_secret(found[1]) for found in _LABEL_OF_PLACE.finditer(content))
            if is_label or any(places):
                frame.rest = self.count

    def _cast(self, kind: str, start: int) -> None:
        if kind.lower().startswith("reg") and self.stack and self.stack[-1][2] == start - 1:
            self.stack.pop()  # the name of an object
        elif is_secret(_last_part(kind)):
            self._mask_since(self.frames[-1].segment)

    # --- words ---

    def _named(self, name: str, start: int, end: int) -> None:
        word = name.lower()
        frame = self.frames[-1]
        if self._keyword(frame, word):
            self.before = "value" if word == "end" and self.before == "value" else word
            return
        last = _last_part(name)
        if is_secret(last):
            is_alias = self.before in ("as", "value", "name") and frame.selects
            if is_alias and frame.kind != "case":
                self._mask_since(frame.item)
            elif self.before == "into" and frame.clause is not None:
                self._mask_since(frame.clause)
            else:
                self._operand(frame)
                frame.secret = True
        elif name[0] == '"' and last == name[1:-1] and self.before not in _BEFORE_A_NAME:
            if self.text[end : end + 1] not in ("(", "."):
                self._literal(start + 1, end - 1)
                return
        else:
            self._operand(frame)
        frame.begun = True
        self.before, self.name = ("into" if self.before == "into" else "name"), word

    def _operand(self, frame: _Frame) -> None:
        """End what is compared where a value follows another one without anything between, as a setting does on the next line."""
        if self.before in ("value", "name"):
            self._end_segment(frame)

    def _keyword(self, frame: _Frame, word: str) -> bool:
        """Take a word of SQL; tell whether it is one."""
        if word in ("select", "returning"):
            self._end_item(frame)
            frame.selects, frame.clause = True, self.count
        elif word == "from":
            self._from(frame)
        elif word == "case":
            if self.name != "end" or self.before not in ("end", "value"):
                self._open("case", "")
        elif word in ("when", "then", "else", "end"):
            self._of_case(frame, word)
        elif word == "and" and frame.between:
            frame.between = False
        elif word in _ENDS_SEGMENT:
            self._end_segment(frame)
            if word in ("if", "elsif", "elseif"):
                frame.named = False
        elif word in _COMPARE_WORDS:
            frame.compares, frame.between = True, word == "between"
        elif word != "into" and word not in _OTHER_WORDS:
            return False
        self.name = word
        return True

    def _from(self, frame: _Frame) -> None:
        if self.before == "distinct":
            frame.compares = True
        elif frame.clause is not None or not frame.call:  # else it is an argument's: EXTRACT(... FROM ...)
            self._end_item(frame)
            frame.selects = False

    def _of_case(self, frame: _Frame, word: str) -> None:
        """Mask what is chosen for a secret's name: `WHEN 'password' THEN ...`."""
        self._end_segment(frame)
        if word == "then":
            frame.then = self.count if frame.named else None
            return
        self._end_then(frame)
        frame.named = False
        if word == "end" and frame.kind == "case":
            self._close()
        elif word == "end":
            self.before = word

    def _mark(self, mark: str) -> None:
        frame = self.frames[-1]
        if mark == "(":
            self._open("(", self.name if self.before == "name" or self.before in _CALLED else "")
        elif mark == "[":
            is_subscript = self.before in ("name", "value")
            self._open("subscript" if is_subscript else "[", "" if is_subscript else "array")
        elif mark in ")]":
            self._close_parenthesis()
            mark = "value"
        elif mark == ",":
            follows = (frame.key and frame.call not in _LISTS and (frame.kind == "(" or frame.selects)) or (
                frame.call in ("if", "iif") and frame.named
            )
            self._end_item(frame)
            frame.masks_item = follows
        elif mark == ";":
            self._end_item(frame)
            self._end_then(frame)
            frame.selects = frame.selects and frame.kind == "("
        else:
            if mark in _COMPARES:
                self._compare(frame)
            frame.key = False
        self.before = mark

    def _compare(self, frame: _Frame) -> None:
        if frame.compares:  # another one: what stood before it was a setting without a value
            self._end_segment(frame)
            frame.secret = is_secret(_last_part(self.name)) and self.before == "name"
            frame.segment -= frame.segment > frame.item and self.before == "value"  # a literal between two may belong to either
        frame.compares = True

    # --- what is open ---

    def _open(self, kind: str, call: str) -> None:
        parent = self.frames[-1]
        parent.begun, parent.key = True, False
        self.parentheses += kind != "case"
        selects = parent.selects or (kind == "(" and bool(call))
        self.frames.append(_Frame(kind, call, selects, self.count, self.count))
        self.before = kind

    def _close_parenthesis(self) -> None:
        if not self.parentheses:
            return
        while self.frames[-1].kind == "case":
            self._close()
        self._close()

    def _close(self) -> None:
        frame = self.frames.pop()
        names_secret = frame.secret or frame.returns_secret
        self._end_item(frame)
        self._end_then(frame)
        if frame.rest is not None:
            self._mask_since(frame.rest)
        self.before = "value"
        if frame.kind != "case":
            self.parentheses -= 1
            if self.frames and frame.kind:
                self.frames[-1].secret |= names_secret
                self.frames[-1].named |= frame.named

    def _end_segment(self, frame: _Frame) -> None:
        if frame.compares and frame.secret:
            self._mask_since(frame.segment)
        elif frame.secret and frame.call and frame.clause is None:
            frame.returns_secret = True
        frame.segment, frame.compares, frame.secret, frame.between = self.count, False, False, False

    def _end_item(self, frame: _Frame) -> None:
        self._end_segment(frame)
        if frame.masks_item:
            self._mask_since(frame.item)
        frame.item, frame.masks_item, frame.begun, frame.key = self.count, False, False, False

    def _end_then(self, frame: _Frame) -> None:
        if frame.then is not None:
            self._mask_since(frame.then)
            frame.then = None


def _last_part(name: str) -> str:
    found = _LAST_PART.search(name[-130:])
    return found[0] if found is not None else ""


def mask_labelled(text: str) -> str:
    """Mask the literals of SQL that a secret's name labels from behind or from beside."""
    found = _Scan(text, _STANDARD).run()
    return _Scan(found, _BACKSLASHES).run() if "\\'" in text else found
