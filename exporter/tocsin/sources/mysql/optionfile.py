"""The option file that clients of MySQL and MariaDB share, `.my.cnf`, read as they read it.

The rules: https://dev.mysql.com/doc/refman/8.4/en/option-files.html
"""

from __future__ import annotations

import re
from pathlib import Path

from tocsin.errors import SetupError
from tocsin.options import read_secret_file

_ESCAPES = {"b": "\b", "t": "\t", "n": "\n", "r": "\r", "s": " ", "\\": "\\", '"': '"', "'": "'"}
_DEEPEST = 10
"""Files may include others; so deep, two include each other."""

Groups = dict[str, dict[str, str]]


def read_option_file(path: Path, group: str = "client") -> dict[str, str]:
    """Return the options of one group, and under them those of the groups before the dots in its name.

    Raises SetupError that names the file.
    """
    groups = read_option_groups(path)
    parts = group.lower().split(".")
    parents = [groups.get(".".join(parts[: i + 1]), {}) for i in range(len(parts))]
    return {name: value for words in parents for name, value in words.items()}


def login_groups(path: Path) -> list[str]:
    """Return the groups that can log in: they, or those before the dots in their names, have user and password. Raises SetupError."""
    return [group for group in read_option_groups(path) if {"user", "password"} <= read_option_file(path, group).keys()]


def read_option_groups(path: Path) -> Groups:
    """Return the options of each group, those of included files too; what comes later wins.

    Names are given in small letters and with dashes. An option without a value, such as a bare `password` by which a client
    asks its user, has the empty one. Raises SetupError that names the file.
    """
    found: Groups = {}
    _read_into(found, path, 0)
    return found


def _read_into(found: Groups, path: Path, depth: int) -> None:
    if depth > _DEEPEST:
        raise SetupError(f"{path}: files include each other more than {_DEEPEST} deep")
    group: dict[str, str] = {}
    for raw in read_secret_file(path).reveal().splitlines():
        line = _without_comment(raw.strip())
        if line.startswith("!"):
            for included in _included(line, path):
                _read_into(found, included, depth + 1)
        elif line.startswith("["):
            group = found.setdefault(line[1:].partition("]")[0].strip().lower(), {})
        elif line and line[0] != ";":
            name, _, value = line.partition("=")
            group[name.strip().replace("_", "-").lower().removeprefix("loose-")] = _value(value.strip())


def _included(line: str, path: Path) -> list[Path]:
    """Return the files that `!include FILE` or `!includedir FOLDER` means; a relative one lies beside the file that names it."""
    word, _, rest = line.partition(" ")
    place = path.parent / rest.strip()
    if word == "!include":
        return [place]
    if word != "!includedir":
        raise SetupError(f"{path}: {word} is neither !include nor !includedir")
    try:
        return sorted(file for file in place.iterdir() if file.suffix == ".cnf")
    except OSError as error:
        raise SetupError(f"{path}: cannot read the folder {place} that it includes: {error.strerror}") from error


def _without_comment(line: str) -> str:
    """Cut a line at its first `#`; inside quotes that is an ordinary character, wherever on the line the quote began."""
    quote, escaped = "", False
    for i, character in enumerate(line):
        if character in "'\"" and not escaped:
            quote = "" if quote == character else quote or character
        if character == "#" and not quote:
            return line[:i].rstrip()
        escaped = bool(quote) and character == "\\" and not escaped
    return line


def _value(text: str) -> str:
    """Take off the quotes around a value and read its escapes; a backslash before any other character stays."""
    if len(text) > 1 and text[0] == text[-1] and text[0] in "'\"":
        text = text[1:-1]
    return re.sub(r"""\\([btnrs\\"'])""", lambda escape: _ESCAPES[escape[1]], text)
