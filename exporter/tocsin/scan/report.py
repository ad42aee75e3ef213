"""What a scan came to, for a person, a program, and GitHub's view of a change."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict

from tocsin.scan.scan import Report

_MOST_SKIPPED = 20


def _text(report: Report) -> Iterator[str]:
    for f in report.findings:
        yield f"{f.path}:{f.line}: {f.message}"


def _json(report: Report) -> Iterator[str]:
    found = asdict(report)
    found["findings"] = [{**asdict(f), "message": f.message} for f in report.findings]
    found["skipped"] = [{"path": path, "why": why} for path, why in report.skipped]
    yield json.dumps(found, ensure_ascii=False, indent=2)


def _github(report: Report) -> Iterator[str]:
    """Yield GitHub's workflow commands, which become annotations of the lines."""
    for f in report.findings:
        yield f"::error file={_escaped(f.path, ':,')},line={f.line},title=tocsin schema scan::{_escaped(f.message)}"


def _escaped(text: str, more: str = "") -> str:
    for character in "%\r\n" + more:
        text = text.replace(character, f"%{ord(character):02X}")
    return text


FORMATS: dict[str, Callable[[Report], Iterable[str]]] = {"text": _text, "json": _json, "github": _github}


def remarks(report: Report) -> Iterator[str]:
    """Yield what was looked at and what was not."""
    for path, why in report.skipped[:_MOST_SKIPPED]:
        yield f"not read: {path}: {why}"
    if len(report.skipped) > _MOST_SKIPPED:
        yield f"not read: {len(report.skipped) - _MOST_SKIPPED} more; --format json lists them"
    if report.folders_left_out:
        yield "folders left out: " + ", ".join(f"{name} ({count})" for name, count in report.folders_left_out.items())
    if report.migrations:
        yield f"{report.migrations} files of migrations were read for what they create, and not checked; --migrations does"
    findings = len(report.findings)
    words = [
        f"{findings} finding{'s' * (findings != 1)} in {report.files} file{'s' * (report.files != 1)}",
        f"{report.statements} statements checked",
    ]
    words += [f"{report.undecided} not understood"] * (report.undecided > 0) + [f"{report.suppressed} ignored"] * (report.suppressed > 0)
    yield ", ".join(words)
