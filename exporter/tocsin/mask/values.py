"""How far a value goes that begins at some place of a text: quoted, unquoted, over several lines."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

STARS = "***"

_LOOK_BACK = 2000
_LONGEST_BRACED = 300
_OPENER = re.compile(
    r"""(?:[rbfuenx]|u&|[bf]r|r[bf]|@|\$|<<)?(?P<quote>\"{3}|'{3}|\\{0,4}["'`]|&quot;|&\#39;|&apos;)""",
    re.VERBOSE | re.IGNORECASE,
)
_DOLLAR = re.compile(r"\$(?:[A-Za-z_]\w{0,62})?\$")
_BLOCK = re.compile(r"(?:[!&]\S{1,100}[ \t]+){0,2}[|>][-+0-9]{0,2}[ \t]*(?:\#[^\n]*)?(?=\r?\n|\Z)")
_LINE_END = re.compile(r"\r?\n|\Z")
_KEYED = re.compile(r"""[ \t]*(?:-[ \t]+)?(?:[\w."'$/-]{1,128}[ \t]*[:=]|[\#;\])}<\[]|-----|@@)""")
_ITEM = re.compile(r"[ \t]*-[ \t]+(?P<item>[^\n]*)")
# What ends an unquoted value before its line does: the next of several settings, the end of an XML element.
_NEXT_SETTING = re.compile(r"[ \t]+(?=[\w.-]{1,64}=(?!=))|[;,][ \t]*(?=[\w.-][\w .-]{0,62}=(?!=))")
_NEXT_ARGUMENT = re.compile(r"[ \t]+(?=[-|&<>]|\\\r?\Z)|;(?=[ \t\r]|\Z)")
_NEXT_IN_CONNECTION = re.compile(r";")
_NEXT_IN_QUERY = re.compile(r"&(?=(?:amp;)?[\w.\[\]-]{1,64}=)|%26|#")
_ARGUMENT = re.compile(
    r"(?<![^\s(`])(?:--[A-Za-z]|-[A-Z][A-Za-z]|(?<=\S )-[a-z]|--?[A-Za-z][\w-]{0,60}[ =](?:\S{0,200}[,?&;])?[A-Za-z_])[\w.-]{0,128}=$"
)
"""An option with its value, `--password=`, or the setting that is the value of one, `-e DB_PASSWORD=`."""
_ALONE = re.compile(r"[ \t]*-[ \t]+-\S*=$")
"""An option that is an item of a list: its value goes to the end of the line, whatever is in it."""
_IN_CONNECTION = re.compile(r"[^\s;][ \t]*;[ \t]*[A-Za-z_][\w.-]{0,64}=$")
_NEXT_IN_BRACES = re.compile(r",[ \t]|[})\]]")
_DONE = re.compile(r"""[("'`\[{$]{0,3}\*\*\*(?!\w)|\\{1,4}["']\*\*\*["'][ \t\r]*(?:\n|\Z)""")


def starred(text: str) -> str:
    """Return stars in place of each line that says something; what stands before the first word of a line stays."""
    return "\n".join(_starred_line(line) for line in text.split("\n"))


def _starred_line(line: str) -> str:
    word = line.lstrip()
    ending = "\r" if word.endswith("\r") else ""
    return line[: len(line) - len(word)] + STARS + ending if word.strip() else line


def is_masked(text: str, at: int) -> bool:
    """Tell whether stars stand there already."""
    return _DONE.match(text, at) is not None


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value begins, and in what line: from `line` to `line_end`."""

    text: str
    start: int
    line: int
    line_end: int
    tight: bool = True
    """Whether it stands right behind its separator."""
    leads: bool = False
    """Whether its name is the first word of the line."""
    ends: re.Pattern[str] | None = None
    """What else ends it, unless it is quoted: the next argument of a command, the next part of a connection string."""


@dataclass(frozen=True, slots=True)
class Value:
    """From where to where a value goes, and what to write in its place."""

    start: int
    end: int
    masked: str


def quoted(text: str, start: int, within: str = "") -> Value | None:
    """Return the quoted value that begins there, None if none does. One that never ends goes to the end of the text.

    `within` is the quote that is open around it: it cannot be the beginning of a value, but doubled or escaped it can.
    """
    dollar = _DOLLAR.match(text, start)
    if dollar is not None:
        mark = dollar[0]
    else:
        opener = _OPENER.match(text, start)
        if opener is None:
            return None
        dollar, mark = opener, opener["quote"]
        if within and mark == within:
            if not text.startswith(mark * 2, start):
                return None
            mark = within * 2
    content = dollar.end() + (len(mark) - 1 if within and mark == within * 2 else 0)
    end = _closing(text, content, mark)
    if end == content:
        return Value(start, min(len(text), end + len(mark)), text[start : end + len(mark)])
    after = min(len(text), end + len(mark))
    return Value(start, after, text[start:content] + starred_inside(text[content:end]) + text[end:after])


def starred_inside(content: str) -> str:
    """Return stars for what is between quotes: its first line begins there."""
    first, *rest = content.split("\n")
    return (
        "\n".join([STARS, *(_starred_line(line) for line in rest)])
        if first.strip() or not rest
        else "\n".join([first, *(_starred_line(line) for line in rest)])
    )


def _closing(text: str, start: int, mark: str, end: int | None = None) -> int:
    """Return where the closing mark stands: not an escaped one, nor a doubled one. The end where there is none."""
    end = len(text) if end is None else end
    single = mark in ("'", '"', "`")
    at = start
    while (at := text.find(mark, at, end)) >= 0:
        if single and at > start and text.startswith(mark * 2, at):
            at += 2
        elif mark[0] in "'\"`" and _is_escaped(text, start, at):
            at += 1
        else:
            return at
    return end


def _is_escaped(text: str, start: int, at: int) -> bool:
    before = at
    while before > start and text[before - 1] == "\\":
        before -= 1
    return (at - before) % 2 == 1


def bracketed(text: str, start: int) -> Value | None:
    """Return the list that begins there with `[`, masked as a whole; None where it holds nothing."""
    if is_masked(text, start + 1):
        return None
    end = text.find("]", start)
    end = len(text) if end < 0 else end
    inside = text[start + 1 : end]
    if not inside.strip():
        return None
    return Value(start, end, "[" + starred_inside(inside))


def braced(text: str, start: int, line_end: int) -> Value | None:
    """Return the value of an ODBC connection string, which may stand in braces; None for what looks like an object or a template."""
    line_end = min(line_end, start + _LONGEST_BRACED)
    end = text.find("}", start, line_end)
    inside = text[start + 1 : end] if end > 0 else ""
    if not inside or inside.startswith("{") or re.search(r"[:=\"']", inside):
        return None
    while text.startswith("}}", end):
        following = text.find("}", end + 2, line_end)
        end = following if following > 0 else line_end - 1
    return Value(start, end + 1, "{" + STARS + "}")


def indented_block(place: Place) -> Value | None:
    """Return the YAML block scalar that is announced there."""
    announced = _BLOCK.match(place.text, place.start)
    if announced is None:
        return None
    end = _indented_end(place, announced.end(), lambda _line: True)
    return Value(place.start, end, place.text[place.start : announced.end()] + starred(place.text[announced.end() : end]))


def below(place: Place) -> Value | None:
    """Return what stands on the lines below a name without a value: text that is no further setting, or a list."""
    text = place.text
    end = _indented_end(place, place.line_end, lambda line: _KEYED.match(line) is None or _scalar_item(line), level_items=True)
    if end <= place.line_end + 1:
        return None
    lines = text[place.line_end : end].split("\n")
    return Value(place.line_end, end, "\n".join(_starred_item(line) for line in lines))


def block_end(place: Place) -> int:
    """Return where the lines end that stand deeper than the value's own."""
    return _indented_end(place, place.line_end, lambda _line: True)


def _scalar_item(line: str) -> bool:
    item = _ITEM.match(line)
    return item is not None and re.match(r"""["']|[^:]*$|[^:]*:\S""", item["item"]) is not None


def _starred_item(line: str) -> str:
    item = _ITEM.match(line)
    return line[: item.start("item")] + STARS if item is not None and item["item"].strip() else _starred_line(line)


def _indented_end(place: Place, start: int, belongs: Callable[[str], bool], *, level_items: bool = False) -> int:
    """Return where the lines end that stand deeper than the value's own and belong to it."""
    text = place.text
    indent = _indent(text, place.line)
    end, at = start, text.find("\n", start)
    while 0 <= at < len(text):
        stop = text.find("\n", at + 1)
        stop = len(text) if stop < 0 else stop
        line = text[at + 1 : stop]
        if line.strip():
            depth = _indent(text, at + 1)
            is_deep = depth > indent or (level_items and depth == indent and line.lstrip().startswith("- "))
            if not is_deep or not belongs(line):
                break
            end = stop
        at = stop
    return end


def _indent(text: str, line: int) -> int:
    at = line
    while at < len(text) and text[at] in " \t":
        at += 1
    return at - line


def open_quote(text: str, line: int, at: int) -> str:
    """Return the quote that is open there, judged by its line; "" for none."""
    begin = max(line, at - _LOOK_BACK)
    if not text[begin:at].strip(" \t"):
        return ""
    before = text[begin:at].replace("\\\\", "").replace("\\'", "").replace('\\"', "")
    found = [q for q in ("'", '"') if before.count(q) % 2]
    return max(found, key=before.rfind) if found else ""


def end_of_tight(before: str) -> re.Pattern[str] | None:
    """Return what ends an unquoted value right behind `=`, by what stands in the line before it, its name included.

    >>> end_of_tight("app --password=") is None, end_of_tight("password=") is None
    (False, True)
    """
    if _ALONE.match(before):
        return None
    if _ARGUMENT.search(before):
        return _NEXT_ARGUMENT
    return _NEXT_IN_CONNECTION if _IN_CONNECTION.search(before) else None


def plain(place: Place) -> Value:
    """Return the unquoted value that begins there: to the next setting of the same line, or to the end of the line."""
    text, start, end = place.text, place.start, place.line_end
    before = text[max(place.line, start - _LOOK_BACK) : start]
    quote = open_quote(text, place.line, start)
    ends: list[re.Pattern[str]] = []
    if quote:
        end = _closing(text, start, quote, end)
    elif any(before.count(a) > before.count(b) for a, b in ("{}", "()")):
        ends.append(_NEXT_IN_BRACES)
    if place.tight:
        ends.append(_NEXT_SETTING)
        ends += [_NEXT_IN_QUERY] * ("?" in before or "&" in before)
        ends += [place.ends] if place.ends is not None else []
    for following in ends:
        found = following.search(text, start, end)
        end = found.start() if found is not None else end
    if "<" in before:
        closing_tag = text.find("</", start, end)
        end = closing_tag if closing_tag >= 0 else end
    while end > start and text[end - 1] in " \t\r":
        end -= 1
    if not quote and end > start and (text[end - 1] == "\\" or place.leads) and _LINE_END.match(text, end):
        return _continued(place, end)
    return Value(start, end, STARS)


def _continued(place: Place, end: int) -> Value:
    """Return a value with the lines that go on with it: behind a backslash, and those that stand deeper and are no settings."""
    text, at = place.text, end
    while text[at - 1 : at] == "\\" or text[at - 2 : at] == "\\\r":
        stop = text.find("\n", text.find("\n", at) + 1) if text.find("\n", at) >= 0 else -1
        at = len(text) if stop < 0 else stop
        if at == len(text):
            break
    if at == end and place.leads:
        at = _indented_end(place, end, lambda line: _KEYED.match(line) is None)
    return Value(place.start, at, starred_inside(text[place.start : at]))
