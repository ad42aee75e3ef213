"""The scan: every file of a tree, every statement in it, every name in that."""

from __future__ import annotations

import logging
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tocsin.scan import languages, python, sqlfile
from tocsin.scan.catalogue import Catalogue
from tocsin.scan.literal import UNKNOWN, Literal, looks_like_sql
from tocsin.scan.resolve import MARK, Problem, Resolver
from tocsin.scan.tree import Tree, is_migration

IGNORE = "tocsin: ignore"
"""A line with this, in whatever comment, is nobody's finding."""

_LONGEST = 100_000

_VERBS = re.compile(r"\b(?:select|insert|update|delete|merge|replace|create|alter)\s", re.IGNORECASE)
_CREATED = re.compile(
    r"\bCREATE\s+(?:OR\s+REPLACE\s+)?(?:(?:GLOBAL|LOCAL)\s+)?(?P<temporary>TEMP(?:ORARY)?\s+)?(?:UNLOGGED\s+|EXTERNAL\s+|FOREIGN\s+)?"
    r"(?:RECURSIVE\s+)?(?:MATERIALIZED\s+VIEW|VIRTUAL\s+TABLE|TABLE|VIEW)\s+(?:IF\s+NOT\s+EXISTS\s+)?(?P<name>[\w.\"`\[\]]+)"
    r"|\bRENAME\s+TO\s+(?P<renamed>[\w.\"`\[\]]+)"
    r"|\bSELECT\b[^;]*?\bINTO\s+(?:TEMP(?:ORARY)?|UNLOGGED)\s+(?:TABLE\s+)?(?P<into>[\w.\"`]+)",
    re.IGNORECASE,
)
_REPLACE = re.compile(r"^((?:\s|--[^\n]*\n|/\*.*?\*/)*)REPLACE\s+INTO\b", re.IGNORECASE | re.DOTALL)
_OUTSIDE = r"""(?P<kept>'(?:[^']|'')*'|--[^\n]*|/\*.*?\*/|"(?:[^"]|"")*")"""
_PARAMETERS = re.compile(
    _OUTSIDE + r"|(?P<value>%\(\w+\)[sbdt]|%[sbtd]\b|(?<![:\w]):[A-Za-z_]\w*|(?<!\w)\$\d+|@@?\w+|(?<![?@])\?\d*(?![?|&]))"
    rf"|(?P<unknown>[\w.\"`]*(?:{UNKNOWN}[\w.\"`]*)+)",
    re.DOTALL,
)
# Where a part that is not known may name tables for the rest: before a query's first word, and among those that do.
_UNKNOWN_CTES = re.compile(rf"{UNKNOWN}\s*(?:select|insert|update|delete)\b|\A(?:\s|\()*with\b.*{UNKNOWN}", re.IGNORECASE | re.DOTALL)
_BRACES = re.compile(r"\$?\{\{?[\w.\[\]\"']*(?:![rsa])?(?::[^{}]*)?\}?\}|#\{[^{}]*\}")
_TEXT_PERCENT = re.compile(r"%(?:\(\w+\))?[-+#0 ]?\d*(?:\.\d+)?[sdvqrbxi]")
_AFTER_TABLE_WORD = re.compile(r"(?:\b(?:from|join|into|update|table|only)\s+|\.)$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Finding:
    """A name in a file that does not exist in the schema."""

    path: str
    line: int
    what: str
    name: str
    suggestion: str | None = None
    created: str | None = None
    """Where the tree itself creates the table that the schema does not have."""

    @property
    def message(self) -> str:
        words = f"{self.what} {self.name} does not exist"
        if self.created:
            return f"{words}; {self.created} creates it, which has not happened there"
        return f"{words}; did you mean {self.suggestion}?" if self.suggestion else words


@dataclass(slots=True)
class Report:
    """What a scan came to."""

    findings: list[Finding] = field(default_factory=list)
    files: int = 0
    statements: int = 0
    undecided: int = 0
    """Statements that look like SQL and do not parse."""
    migrations: int = 0
    suppressed: int = 0
    skipped: list[tuple[str, str]] = field(default_factory=list)
    folders_left_out: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class _File:
    path: Path
    lines: list[str]
    literals: list[Literal]
    created: dict[str, int]
    """Tables that the file itself creates, and where."""


def scan(root: Path, catalogue: Catalogue, *, migrations: bool = False) -> Report:
    """Look through a tree. With `migrations` also through the folders of that name."""
    logging.getLogger("sqlglot").setLevel(logging.CRITICAL)  # what it cannot parse is counted here
    tree = Tree(root)
    report = Report()
    files: list[_File] = []
    created: dict[str, str] = {}
    for path, kind, text in tree.read():
        found = _read(path, kind, text, tree)
        for name, line in found.created.items():
            created.setdefault(name, f"{path}:{line}")
        if not migrations and is_migration(path, root):
            report.migrations += 1
        elif found.literals:
            files.append(found)
    for file in files:
        _check(file, catalogue, created, report)
    report.files = tree.files
    report.skipped = tree.skipped
    report.folders_left_out = dict(sorted(tree.folders_left_out.items()))
    return report


def _read(path: Path, kind: str, text: str, tree: Tree) -> _File:
    """Find the statements of a file and what it creates."""
    created: dict[str, int] = {}
    literals: list[Literal] = []
    if not _VERBS.search(text):
        return _File(path, [], literals, created)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the scanned code's own
            for literal in _literals(kind, text):
                for match in _CREATED.finditer(literal.text):
                    name = re.sub(r'["`\[\]]', "", (match["name"] or match["renamed"] or match["into"])).rpartition(".")[2].lower()
                    created.setdefault(name, literal.first)
                if len(literal.text) <= _LONGEST and looks_like_sql(literal.text):
                    literals.append(literal)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        tree.skipped.append((str(path), f"is not what its name says: {error.__class__.__name__} {getattr(error, 'msg', '')}".strip()))
    return _File(path, text.splitlines() if literals else [], literals, created)


def _literals(kind: str, text: str) -> Iterator[Literal]:
    if kind == "python":
        return python.literals(text)
    if kind == "sql":
        return sqlfile.literals(text)
    return languages.literals(text, languages.LANGUAGES[kind])


def _check(file: _File, catalogue: Catalogue, created: dict[str, str], report: Report) -> None:
    ignored = frozenset(file.created)
    for literal in file.literals:
        for problem in _problems(literal, catalogue, ignored, report):
            line = _line(file, literal, problem)
            if any(IGNORE in file.lines[n - 1] for n in {line, literal.first, literal.last} if 0 < n <= len(file.lines)):
                report.suppressed += 1
                continue
            finding = Finding(str(file.path), line, problem.what, problem.name, problem.suggestion, created.get(problem.table.lower()))
            if finding not in report.findings:
                report.findings.append(finding)


def _problems(literal: Literal, catalogue: Catalogue, ignored: frozenset[str], report: Report) -> list[Problem]:
    from sqlglot.errors import SqlglotError

    for text, dynamic, embedded in _variants(literal):
        try:
            statements = _parsed(text, catalogue.dialect)
        except (SqlglotError, RecursionError, ValueError, TypeError, AttributeError, IndexError, KeyError):
            continue
        report.statements += len(statements)
        problems: list[Problem] = []
        for statement in statements:
            resolver = Resolver(catalogue, dynamic=dynamic, embedded=embedded, ignored=ignored)
            try:
                resolver.look(statement)
            except RecursionError:
                continue
            if resolver.sound:
                problems += resolver.problems
        return problems
    report.undecided += 1
    return []


def _parsed(text: str, dialect: str) -> list[Any]:
    import sqlglot

    text = _REPLACE.sub(r"\1INSERT INTO", text)  # which sqlglot does not know
    return [s for s in sqlglot.parse(text, dialect=dialect or None) if s is not None]


def _variants(literal: Literal) -> Iterator[tuple[str, bool, bool]]:
    """Yield the statement with its parameters and unknown parts filled in: as names, as nothing, as values."""
    text = _BRACES.sub(UNKNOWN, literal.text)
    if literal.percent:
        text = _TEXT_PERCENT.sub(UNKNOWN, text)
    dynamic = literal.open or literal.embedded or UNKNOWN in text
    embedded = literal.embedded or bool(_UNKNOWN_CTES.search(text))
    for lone in (MARK, "", "(NULL)") if UNKNOWN in text else (MARK,):
        yield _filled(text, lone), dynamic, embedded


def _filled(text: str, lone: str) -> str:
    count = 0

    def fill(match: re.Match[str]) -> str:
        nonlocal count
        if match["kept"] is not None:
            return str(match["kept"]).replace(UNKNOWN, MARK)
        if match["value"] is not None:
            names = match["value"].startswith("%") and _AFTER_TABLE_WORD.search(text, max(0, match.start() - 12), match.start())
            return f" {MARK} " if names else "(NULL)"
        count += 1
        alone = match["unknown"].strip(UNKNOWN) == ""
        return (f" {lone}{count} " if lone == MARK else f" {lone} ") if alone else f" {MARK}{count} "

    return _PARAMETERS.sub(fill, text)


def _line(file: _File, literal: Literal, problem: Problem) -> int:
    """Return the line where the name stands; a literal put together from pieces may have fewer lines than it covers."""
    word = re.compile(rf"(?<!\w){re.escape(problem.word)}(?!\w)")
    candidates = [literal.first + problem.line - 1, *range(literal.first, literal.last + 1)]
    last = min(literal.last, len(file.lines))
    return next((n for n in candidates if n <= last and word.search(file.lines[n - 1])), literal.first)
