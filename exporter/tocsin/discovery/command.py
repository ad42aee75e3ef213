"""What a container's command runs in the end, behind the shells, init programs and entrypoints that it is wrapped in. Pure."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from typing import NamedTuple

_SHELLS = frozenset({"sh", "bash", "ash", "dash"})
_INTERPRETERS = frozenset({"python", "python3", "perl"})
_WRAPPERS = frozenset({
    "tini", "dumb-init", "docker-init", "catatonit", "init", "env", "exec", "nice", "ionice", "chrt", "numactl", "stdbuf", "nohup",
    "setsid", "time", "docker-ensure-initdb.sh",
})  # fmt: skip
_USER_CHANGERS = frozenset({"gosu", "su-exec", "setuidgid", "chpst"})
"""Wrappers whose next word is a user."""
_KEYWORDS = frozenset({"do", "then", "else", "elif", "while", "until", "if", "!", "{", "(", "exec", "command"})
_PREPARATIONS = frozenset({
    "", "sleep", "echo", "printf", "cd", "mkdir", "chmod", "chown", "cp", "mv", "ln", "rm", "touch", "true", "false", "set", "export",
    "trap", "wait", "test", "[", "[[", "done", "fi", "}", ")", "for", "cat", "source", ".", "ulimit", "umask", "pg_isready", "mysqladmin",
})  # fmt: skip
"""What a script does before and between; it is what the script is for only where there is nothing else."""
_DEEPEST = 3
_LONGEST = 4_000


class Step(NamedTuple):
    """A program, as it was written, and what it is given. An entrypoint that is given options alone adds a program that it knows."""

    program: str
    arguments: tuple[str, ...]


def steps_of(command: Sequence[str], depth: int = 0) -> tuple[Step, ...]:
    """Return what a command runs: one program, or those of a shell's script.

    >>> steps_of(("docker-entrypoint.sh", "postgres", "-p", "5433"))
    (Step(program='postgres', arguments=('-p', '5433')),)
    >>> [step.program for step in steps_of(("sh", "-c", "until pg_isready; do sleep 1; done && exec gosu app /srv/run"))]
    ['/srv/run']
    """
    words = list(command)
    while words:
        word = words.pop(0)
        name = word.rpartition("/")[2]
        if name in _SHELLS and words:
            if (script := _script(words)) is not None:
                return tuple(_steps_of_script(script, depth + 1)) if depth < _DEEPEST else ()
            words = _after_options(words)
        elif name in _USER_CHANGERS:
            words = _after_options(words)[1:]
        elif name in _WRAPPERS or re.fullmatch(r"\w+=.*", word, re.DOTALL):
            words = _after_options(words)
        elif "entrypoint" in name:
            if words and words[0].startswith("-"):
                return (Step("", tuple(words)),)
        elif name in _INTERPRETERS and words and not words[0].startswith("-"):
            return (Step(name, ()), Step(words[0], tuple(words[1:])))
        else:
            return (Step(word, tuple(words)),)
    return ()


def _script(words: list[str]) -> str | None:
    """Return what a shell is told by -c, in whatever company that option comes; None where it runs a file."""
    for i, word in enumerate(words):
        if not word.startswith("-"):
            return None
        if re.fullmatch(r"-[a-z]*c", word):
            return words[i + 1][:_LONGEST] if i + 1 < len(words) else ""
    return None


def _after_options(words: list[str]) -> list[str]:
    while words and words[0].startswith("-"):
        words = words[1:]
    return words


def _steps_of_script(script: str, depth: int) -> Iterator[Step]:
    found: list[Step] = []
    for piece in re.split(r"&&|\|\||[;\n|&]", script):
        try:
            words = shlex.split(piece, comments=True)
        except ValueError:  # a quotation that the split has cut
            words = piece.split()
        while words and words[0] in _KEYWORDS:
            words = words[1:]
        found += steps_of(words, depth)
    meant = [step for step in found if step.program.rpartition("/")[2] not in _PREPARATIONS]
    yield from meant or found[-1:]
