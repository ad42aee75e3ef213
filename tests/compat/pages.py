"""What differential tests share: a reference exporter of .cache/bin, and its page and ours read the same way."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import NamedTuple

from servers import ROOT
from tools import lacking


def reference(name: str) -> Path:
    """Return the program of a reference exporter."""
    program = ROOT / ".cache" / "bin" / name
    if not os.access(program, os.X_OK):
        lacking(f"{name} is not in .cache/bin; tests/install_peers.sh fetches it")
    return program


class Shape(NamedTuple):
    """What a dashboard can see of a series: its name, its type and its label names."""

    name: str
    type: str
    labels: frozenset[str]


Series = tuple[str, frozenset[tuple[str, str]]]


class Page(NamedTuple):
    shapes: set[Shape]
    values: dict[Series, float]

    def by_name(self) -> dict[str, Shape]:
        """Return one shape a name, with all the labels that any of its samples has."""
        found: dict[str, Shape] = {}
        for shape in self.shapes:
            labels = found[shape.name].labels if shape.name in found else frozenset[str]()
            found[shape.name] = shape._replace(labels=labels | shape.labels)
        return found


_LINE = re.compile(r"([\w:]+)(?:\{(.*)\})? (\S+)")
_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


def read(text: str, without: tuple[str, ...] = ()) -> Page:
    """Read a page as it stands, but for names with these beginnings and the label `instance`, which only ours has.

    prometheus_client's parser would rename counters that have no `_total`.
    """
    types = {line.split()[2]: line.split()[3] for line in text.splitlines() if line.startswith("# TYPE ")}
    shapes: set[Shape] = set()
    values: dict[Series, float] = {}
    for line in text.splitlines():
        if line.startswith(("#", *without)):
            continue
        match = _LINE.fullmatch(line)
        assert match is not None, line
        name = match[1]
        base = name if name in types else re.sub(r"_(bucket|sum|count)$", "", name)
        labels = {k: _bound(v) if k == "le" else v for k, v in _LABEL.findall(match[2] or "") if k != "instance"}
        shapes.add(Shape(name, types[base], frozenset(labels)))
        assert (name, frozenset(labels.items())) not in values, line
        values[name, frozenset(labels.items())] = float(match[3])
    return Page(shapes, values)


def _bound(text: str) -> str:
    """Bounds are numbers: theirs is 1e+06 where ours is 1000000."""
    return str(float(text))
