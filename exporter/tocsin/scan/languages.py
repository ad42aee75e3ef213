"""String literals of other languages, found by how their strings and comments are written; nothing else is parsed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from tocsin.scan.literal import UNKNOWN, Literal


@dataclass(frozen=True, slots=True)
class Language:
    """How a language writes comments and strings. `strings` have the text as group `text`; the first that fits counts."""

    comments: str
    strings: tuple[str, ...]
    interpolation: str = ""
    joins: str = r"\+"
    """What stands between two strings that become one."""
    neighbours: bool = False
    """Whether two strings with nothing but space between them are one."""


_NESTED = r"(?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*"


def _quoted(quote: str, *, lines: bool = False, inner: str = "(?!)") -> str:
    """Return the pattern of a string with escapes, over several lines if need be, and with code in it that may hold strings."""
    return rf"{quote}(?P<text>(?:{inner}|[^{quote}\\{'' if lines else chr(92) + 'n'}]|\\.)*){quote}"


_DOUBLE, _SINGLE = _quoted('"'), _quoted("'")
_DOUBLE_LONG, _SINGLE_LONG = _quoted('"', lines=True), _quoted("'", lines=True)
_DOLLAR = rf"\$\{{{_NESTED}\}}"
_TRIPLE = r'"""(?P<text>.*?)"""'
_SLASHES = r"//[^\n]*|/\*.*?\*/"
_CHARACTER = r"'(?:\\[^\n]{1,8}|[^'\\\n])'"
_HEREDOC_RUBY = r"<<[~-]?(?P<q>['\"`]?)(?P<word>[A-Z_]\w*)(?P=q)[^\n]*\n(?P<text>.*?)\n\s*(?P=word)\b"
_HEREDOC_PHP = r"<<<\s*(?P<q>['\"]?)(?P<word>\w+)(?P=q)\n(?P<text>.*?)\n\s*(?P=word)\b"

_JAVASCRIPT = Language(_SLASHES, (_quoted("`", lines=True, inner=_DOLLAR), _DOUBLE, _SINGLE), _DOLLAR)
_JAVA = Language(rf"{_SLASHES}|{_CHARACTER}", (_TRIPLE, _DOUBLE))
_KOTLIN = Language(rf"{_SLASHES}|{_CHARACTER}", (_TRIPLE, _quoted('"', inner=_DOLLAR)), rf"{_DOLLAR}|\$[A-Za-z_]\w*")

LANGUAGES: dict[str, Language] = {
    **dict.fromkeys((".js", ".jsx", ".mjs", ".cjs", ".ts", ".tsx", ".mts", ".cts", ".vue", ".svelte"), _JAVASCRIPT),
    ".go": Language(rf"{_SLASHES}|{_CHARACTER}", (r"`(?P<text>[^`]*)`", _DOUBLE)),
    ".java": _JAVA,
    ".kt": _KOTLIN,
    ".kts": _KOTLIN,
    ".scala": _KOTLIN,
    ".groovy": Language(_SLASHES, (_TRIPLE, r"'''(?P<text>.*?)'''", _DOUBLE, _SINGLE), rf"{_DOLLAR}|\$[A-Za-z_]\w*"),
    ".cs": Language(
        rf"{_SLASHES}|{_CHARACTER}", (rf"\$*{_TRIPLE}", r'\$?@\$?"(?P<text>(?:[^"]|"")*)"', rf"\$?{_DOUBLE}"), rf"\{{{_NESTED}\}}"
    ),
    ".rb": Language(
        r"^=begin\b.*?^=end\b|#(?!\{)[^\n]*",
        (_HEREDOC_RUBY, r"%[qQ]?\{(?P<text>[^{}]*)\}", _quoted('"', lines=True, inner=rf"#\{{{_NESTED}\}}"), _SINGLE_LONG),
        rf"#\{{{_NESTED}\}}",
        r"\+|\\\n",
        neighbours=True,
    ),
    ".php": Language(
        rf"{_SLASHES}|#(?!\[)[^\n]*",
        (_HEREDOC_PHP, _DOUBLE_LONG, _SINGLE_LONG),
        r"\{\$[^{}]*\}|\$\{[^{}]*\}|\$[A-Za-z_]\w*(?:->\w+|\[[^\]]*\])?",
        r"\.",
    ),
    ".rs": Language(rf"{_SLASHES}|{_CHARACTER}", (r'r#"(?P<text>.*?)"#', r'r"(?P<text>[^"]*)"', _DOUBLE_LONG)),
    ".swift": Language(_SLASHES, (_TRIPLE, _DOUBLE), r"\\\([^()]*(?:\([^()]*\)[^()]*)*\)"),
}
"""By the ending of a file's name."""

_ESCAPE = re.compile(r"\\(\r?\n\s*|.)", re.DOTALL)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r"}
_GROWS = re.compile(
    r"(?:\b(?:append|write|writestring|push|add|join|concat)\w*\s*\(|\+=|\.=|<<|\bformat\w*\s*\(|\w*printf\s*\(|\[)\s*$", re.IGNORECASE
)
_RETURNED = re.compile(r"\breturn\s*\(?\s*$")
_ASSIGNED = re.compile(r"[$]?(\w+)\s*(?::\s*[\w<>\[\]?. ]+)?\s*:?=\s*$")
_BEFORE = 120
_FARTHEST = 400


def literals(text: str, language: Language) -> Iterator[Literal]:
    """Yield the strings of a source file, those that are joined as one."""
    pattern = re.compile("|".join([f"(?P<comment>{language.comments})", *_numbered(language.strings)]), re.DOTALL | re.MULTILINE)
    joins = re.compile(rf"\s*(?:{language.joins})\s*")
    with_unknown = re.compile(rf"\s*(?:{language.joins})[^;{{}}]*(?:{language.joins})\s*")
    adds = re.compile(rf"\s*(?:{language.joins}|\])")
    comments = re.compile(language.comments, re.DOTALL | re.MULTILINE)
    pieces: list[str] = []
    first = start = end = 0
    for match in pattern.finditer(text):
        if match["comment"] is not None:
            continue
        value = _value(match, language)
        between = comments.sub("", text[end : match.start()]) if match.start() - end < _FARTHEST else ";"
        if pieces and (joins.fullmatch(between) or (language.neighbours and between.isspace())):
            pieces.append(value)
        elif pieces and with_unknown.fullmatch(between):
            pieces += [UNKNOWN, value]
        else:
            if pieces:
                yield _whole(text, pieces, first, start, end, adds)
            pieces, start, first = [value], match.start(), text.count("\n", 0, match.start()) + 1
        end = match.end()
    if pieces:
        yield _whole(text, pieces, first, start, end, adds)


def _numbered(strings: tuple[str, ...]) -> Iterator[str]:
    """Give the groups of each pattern a number of their own."""
    for n, string in enumerate(strings):
        yield re.sub(r"\(\?P([<=])(text|q|word)([>)])", rf"(?P\1\g<2>{n}\3", string)


def _value(match: re.Match[str], language: Language) -> str:
    text = next(v for k, v in match.groupdict().items() if k.startswith("text") and v is not None)
    if match[0][:3].lstrip("$").startswith('@"'):
        text = text.replace('""', '"')
    if language.interpolation:
        text = re.sub(language.interpolation, UNKNOWN, text)
    return _ESCAPE.sub(lambda m: _ESCAPES.get(m[1], m[1] if m[1].strip() else " "), text)


def _whole(text: str, pieces: list[str], first: int, start: int, end: int, adds: re.Pattern[str]) -> Literal:
    before = text[max(0, start - _BEFORE) : start]
    grows = bool(_GROWS.search(before) or _RETURNED.search(before) or adds.match(text, end))
    embedded = False
    assigned = _ASSIGNED.search(before)
    if assigned is not None:
        name = re.escape(assigned[1])
        added = rf"\b{name}\s*(?:\+|\.=|\.\s*[\"'$]|<<|\.\s*(?:concat|append|format)\w*\()"
        put_into = rf"[+.]\s*\$?{name}\b|\{{\s*\$?{name}\s*\}}|\w(?:printf|format)\w*\([^()]*\b{name}\b"
        grows |= re.search(added, text, re.IGNORECASE) is not None
        embedded = re.search(put_into, text, re.IGNORECASE) is not None
    return Literal("".join(pieces), first, text.count("\n", 0, end) + 1, grows, embedded, percent=True)
