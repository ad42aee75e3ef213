"""Values that belong to a secret's name by the layout of a file: in a here-document, in a section, beside or below the name."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tocsin.mask.names import is_secret
from tocsin.mask.values import STARS, is_masked, quoted, starred, starred_inside

_HEREDOC = re.compile(r"""<<[-~]?[ \t]{0,9}(["']?)(?P<mark>[A-Za-z_]\w{0,60})\1[^\n]{0,200}\n""")
_NAME_BEFORE = re.compile(r"""([\w.\-]{1,128})["']?[ \t]{0,40}(?::|=|=>|:=)[ \t]{0,40}(?:["']?\$\([ \t]{0,9}cat[ \t]{1,9})?$""")
_NAME_ELEMENT = re.compile(
    r"""<(?:name|key)>\s{0,40}([\w.\-]{1,128})\s{0,40}</(?:name|key)>
        |<\w{1,40}\s{1,9}(?:name|key)=["']([\w.\-]{1,128})["'][^<>]{0,200}(?<!/)>""",
    re.VERBOSE | re.IGNORECASE,
)
_VALUE_ELEMENT = re.compile(r"<(?:value|string)>", re.IGNORECASE)
_NEXT_ELEMENT = re.compile(r"""</(?:property|setting)>|<name>|<key>|\s(?:name|key)=""", re.IGNORECASE)
_NAME = re.compile(
    r"""(?<![\w-])["']?(?:\w{0,20}(?:Name|Key)|param|variable|env)["']?[ \t]{0,20}(?:[:=]|=>)[ \t]{0,20}["']?(?P<name>[\w.\-]{1,128})""",
    re.IGNORECASE,
)
_VALUE = re.compile(r"""(?<![\w-])["']?(?:\w{0,20}Value|val|content)["']?[ \t]{0,20}(?:[:=]|=>)[ \t]{0,20}(?!\s)""", re.IGNORECASE)
_OTHER_OBJECT = re.compile(r"[{}<>]|^\[|^[ \t]*\r?\n|^[ \t]*-[ \t]", re.MULTILINE)
_WORD_OF_VALUE = re.compile(r"[^,}\n\r]{1,1000}")
_OVER_LINES = re.compile(
    r"""(?:"(?P<json>[\w.\-]{1,128})"\s{0,40}\n\s{0,40}:\s{0,40}(?=")
        |^[ \t]*\?[ \t]{1,9}["']?(?P<yaml>[\w.\-]{1,128})["']?[ \t]*\r?\n[ \t]*:[ \t]{1,9}(?=\S))""",
    re.VERBOSE | re.MULTILINE,
)
_SECTION = re.compile(
    r"""(?P<indent>[ \t]*)(?:\[(?P<ini>[\w.\- ]{1,128})\]|(?:-[ \t]+)?["']?(?P<yaml>[\w.\-]{1,128})["']?[ \t]*:)[ \t]*(?:\#.*)?\r?"""
)
_PLURALS = r"(?:secrets|credentials|passwords|tokens|(?:api|access|auth|secret)[_-]?keys|auth_users|secure_?json_?data)"
_PLURAL = re.compile(rf"{_PLURALS}$", re.IGNORECASE)
_MAP = re.compile(rf"""{_PLURALS}["']?[ \t]{{0,20}}(?:[:=]|=>)?[ \t]{{0,20}}(?=\{{)""", re.IGNORECASE)
_STRING = r"""(?:"(?:[^"\\]|\\.)*+"|'(?:[^'\\]|\\.)*+')"""
_PART_OF_MAP = re.compile(
    rf"""(?P<mark>[{{}}])
        |(?P<key>{_STRING}|[\w.\-/]{{1,128}}+)\s{{0,40}}(?::|=>?)\s{{0,40}}
         (?P<value>{_STRING}|\$\{{[^{{}}\n]{{0,200}}\}}|\$?\{{\{{[^{{}}\n]{{0,200}}\}}\}}|[^\s{{}}\[\]"',][^,}}\n]{{0,1000}})?
        |(?P<item>{_STRING})""",
    re.VERBOSE,
)
_LONGEST_MAP = 20_000
_ENTRY = re.compile(r"""(?P<before>[ \t]*(?P<item>-[ \t]+)?["']?(?P<key>[\w.\-/]{1,128})["']?[ \t]*[:=][ \t]*)(?P<value>\S.*?)\r?""")
_NO_VALUE = re.compile(
    r"""["']?(?:true|false|null|none|yes|no|~|\d{1,6}[smhd]?|\$\{[^}]*\}|\{\{.*\}\}|[\[{|>&*!].*|(?:\.{0,2}|~|file:)/.*)?["']?,?""",
    re.IGNORECASE,
)
_OTHER_KEYS = frozenset(("user", "username", "login", "id", "email", "port", "external", "external_name", "driver", "owner", "environment"))
_SECRET_KEYS = frozenset(("key", "value", "hash", "agent"))


def mask_layouts(text: str) -> str:
    """Mask what a secret's name names without standing right before it."""
    lowered = text.lower()
    if "<<" in text:
        text = _written(text, _heredocs(text))
    if "</" in text:
        text = _written(text, _elements(text))
    if "val" in lowered or "content" in lowered:
        text = _written(text, _values_before(text))
    if "\n" in text:
        text = _written(text, _over_lines(text))
    if any(map(lowered.__contains__, ("secrets", "credentials", "passwords", "tokens", "keys", "auth_users", "securejson"))):
        text = _mask_sections(_written(text, _maps(text)) if "{" in text else text)
    return text


def _written(text: str, found: Iterator[tuple[int, int, str]]) -> str:
    written: list[str] = []
    done = 0
    for start, end, masked in found:
        if start >= done:
            written += (text[done:start], masked)
            done = end
    return "".join((*written, text[done:])) if written else text


def _heredocs(text: str) -> Iterator[tuple[int, int, str]]:
    """Find here-documents of shells and of Terraform: one that never ends goes to the end of the text."""
    done = 0
    for opened in _HEREDOC.finditer(text):
        line = max(text.rfind("\n", max(0, opened.start() - 300), opened.start()) + 1, opened.start() - 300, 0)
        name = _NAME_BEFORE.search(text[line : opened.start()])
        is_named = (name is not None and is_secret(name[1])) or "passwd" in text[line : opened.end()]
        if opened.start() < done or not is_named:
            continue
        end = opened.end()
        while end < len(text):
            stop = text.find("\n", end)
            stop = len(text) if stop < 0 else stop
            if text[end:stop].strip() == opened["mark"]:
                break
            end = min(stop + 1, len(text))
        done = end
        yield opened.end(), end, starred(text[opened.end() : end])


def _elements(text: str) -> Iterator[tuple[int, int, str]]:
    """Find values in XML that stand in an element beside the one that has the name."""
    for name in _NAME_ELEMENT.finditer(text):
        if not is_secret(name[1] or name[2]):
            continue
        following = _NEXT_ELEMENT.search(text, name.end(), name.end() + 1000)
        value = _VALUE_ELEMENT.search(text, name.end(), following.start() if following else name.end() + 1000)
        if value is not None and (end := text.find("<", value.end(), value.end() + 10_000)) > value.end():
            content = text[value.end() : end]
            if content.strip() and not _NO_VALUE.fullmatch(content.strip()):
                yield value.end(), end, starred_inside(content)


def _values_before(text: str) -> Iterator[tuple[int, int, str]]:
    """Find values that stand before the name in the same object, item or element."""
    for name in _NAME.finditer(text):
        if not is_secret(name["name"]):
            continue
        line = text.rfind("\n", max(0, name.start() - 600), name.start()) + 1
        if text[line : name.start()].strip() == "-":
            continue
        begin, value = max(0, name.start() - 600), None
        for other in _OTHER_OBJECT.finditer(text, begin, name.start()):
            begin = other.end()
        for found_value in _VALUE.finditer(text, begin, name.start()):
            value = found_value
        if value is None or is_masked(text, value.end()):
            continue
        found = quoted(text, value.end())
        if found is not None:
            end, masked = found.end, found.masked
        elif (word := _WORD_OF_VALUE.match(text, value.end())) is not None:
            end, masked = word.end(), STARS
        if end <= name.start() and not _NO_VALUE.fullmatch(text[value.end() : end]):
            yield value.end(), end, masked


def _over_lines(text: str) -> Iterator[tuple[int, int, str]]:
    """Find values whose separator stands on another line than the name."""
    for found in _OVER_LINES.finditer(text):
        start = found.end()
        if not is_secret(found["json"] or found["yaml"]) or is_masked(text, start):
            continue
        if (value := quoted(text, start)) is not None:
            yield start, value.end, value.masked
        else:
            end = text.find("\n", start)
            content = text[start : end if end >= 0 else len(text)].rstrip()
            if not _NO_VALUE.fullmatch(content):
                yield start, start + len(content), STARS


def _maps(text: str) -> Iterator[tuple[int, int, str]]:
    """Find the values of a map in braces whose name says that it holds secrets, however deep they are in it."""
    done = 0
    for name in _MAP.finditer(text):
        if name.end() < done:
            continue
        depth = 0
        for part in _PART_OF_MAP.finditer(text, name.end(), name.end() + _LONGEST_MAP):
            done = part.end()
            depth += {"{": 1, "}": -1}.get(part["mark"], 0)
            if not depth:
                break
            kind, key = ("value", part["key"].strip("\"'")) if part["key"] else ("item", "value")
            if part[kind] and _is_value(key, part[kind], listed=False):
                yield *part.span(kind), _starred_value(part[kind])


def _mask_sections(text: str) -> str:
    """Mask the entries of a section, a mapping or a list whose name says that it holds secrets."""
    lines = text.split("\n")
    depth: int | None = None
    first: int | None = None
    is_ini = False
    for i, line in enumerate(lines):
        if not line.strip() or line.lstrip().startswith(("#", ";")):
            continue
        indent = len(line) - len(line.lstrip(" \t"))
        is_item = line.lstrip().startswith("- ")
        if depth is not None and not is_ini and indent <= depth and not (indent == depth and is_item):
            depth = None
        if len(line) < 400 and (section := _SECTION.fullmatch(line)) is not None and (section["ini"] or depth is None):
            is_ini = section["ini"] is not None
            depth, first = (indent if _PLURAL.search(section["ini"] or section["yaml"]) else None), None
        elif depth is not None and (entry := _ENTRY.fullmatch(line)) is not None:
            column = indent + len(entry["item"] or "")
            first = column if first is None else first
            is_entry = (is_ini or column == first) and not is_secret(entry["key"])
            if is_entry and _is_value(entry["key"], entry["value"], listed=first > indent or is_item):
                lines[i] = entry["before"] + _starred_value(entry["value"]) + "\r" * line.endswith("\r")
                continue
    return "\n".join(lines)


def _is_value(key: str, value: str, *, listed: bool) -> bool:
    if _NO_VALUE.fullmatch(value) or is_masked(value, 0):
        return False
    word = key.lower()
    return word in _SECRET_KEYS or (not listed and word not in _OTHER_KEYS and is_secret(f"secret_{key}"))


def _starred_value(value: str) -> str:
    found = quoted(value, 0)
    return found.masked + value[found.end :] if found is not None and "\n" not in value and len(value) >= 2 else starred_inside(value)
