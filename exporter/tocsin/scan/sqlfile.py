"""Statements of a file of SQL: psql's own commands, COPY's data and routines' bodies are none."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tocsin.scan.literal import UNKNOWN, Literal

_TOKEN = re.compile(
    r"""(?P<quiet>--[^\n]*|/\*.*?\*/)
    |(?P<text>'(?:[^']|'')*'|"(?:[^"]|"")*"|`[^`]*`|(?P<dollar>\$\w*\$).*?(?P=dollar))
    |(?P<word>[A-Za-z_]\w*)
    |(?P<mark>.)""",
    re.VERBOSE | re.DOTALL,
)
_VALUE = re.compile(r"\{\{.*?\}\}|<%=.*?%>|\$\{[^}]*\}", re.DOTALL)
_CONTROL = re.compile(r"\{%.*?%\}|\{\#.*?\#\}|<%.*?%>", re.DOTALL)
_COPY = re.compile(r"^COPY\b[^;]*\bFROM\s+stdin\b[^;]*;\n(.*?)^\\\.$", re.IGNORECASE | re.MULTILINE | re.DOTALL)
_META = re.compile(r"^\\.*$|^DELIMITER\b.*$", re.IGNORECASE | re.MULTILINE)
_OF_ANOTHER = re.compile(r"\s+(?:IF|LOOP|WHILE|REPEAT|FOR)\b", re.IGNORECASE)
_REST_OF_LINE = re.compile(r"[ \t]*--[^\n]*\n\s*")
_WITH_BODY = re.compile(
    r"(?:\s|--[^\n]*\n|/\*.*?\*/)*CREATE\s+(?:[\w@`'=.%]+\s+){0,4}?(?:TRIGGER|PROCEDURE|FUNCTION|EVENT|PACKAGE)\b",
    re.IGNORECASE | re.DOTALL,
)


def literals(text: str) -> Iterator[Literal]:
    """Yield the statements of a file, each with its lines."""
    text = _COPY.sub(_blank, text)
    delimiter = re.search(r"^DELIMITER\s+(\S+)", text, re.IGNORECASE | re.MULTILINE)
    text = _META.sub(_blank, text)
    text = _VALUE.sub(lambda m: UNKNOWN + _blank(m), text)
    text, controls = _CONTROL.subn(lambda m: " " + _blank(m), text)
    if delimiter and delimiter[1] != ";":
        text = text.replace(delimiter[1], ";")
    line = 1
    for number, statement in enumerate(_statements(text)):
        lead = len(statement) - len(statement.lstrip())
        if number and (rest := _REST_OF_LINE.match(statement)) is not None:  # what is said behind the one before is not said of this one
            lead = rest.end()
        first = line + statement.count("\n", 0, lead)
        line += statement.count("\n")
        if statement[lead:].strip():
            yield Literal(statement[lead:], first, line, open=controls > 0)


def _blank(match: re.Match[str]) -> str:
    return "\n" * match[0].count("\n")


def _statements(text: str) -> Iterator[str]:
    """Split at semicolons; a routine's body with BEGIN ends with the END that is followed by one."""
    start, depth, body = 0, 0, False
    for token in _TOKEN.finditer(text):
        word = (token["word"] or "").upper()
        if word == "BEGIN" or (word == "CASE" and depth):
            body = body or (depth == 0 and _WITH_BODY.match(text, start) is not None)
            depth += body
        elif (
            word == "END"
            and depth
            and not re.match(r"\s+(?:IF|LOOP|WHILE|REPEAT|FOR)\b", text[token.end() : token.end() + 20], re.IGNORECASE)
        ):
            depth -= 1
        elif token["mark"] == ";" and not depth:
            yield text[start : token.end()]
            start, body = token.end(), False
    yield text[start:]
