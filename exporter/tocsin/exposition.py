"""From samples to the text that Prometheus reads: the text format, version 0.0.4.

Samples are rendered to bytes once, when a run commits; a scrape joins bytes.
https://prometheus.io/docs/instrumenting/exposition_formats/
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from tocsin.metric import Histogram, Labels, Metric, Value

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

Families = dict[Metric, bytes]
"""The sample lines of each metric, without HELP and TYPE."""


def constants(labels: Mapping[str, str]) -> bytes:
    """Render labels that every series of a target carries, for `render` and `without`."""
    return "".join(f'{name}="{_escape(value)}",' for name, value in labels.items()).encode(errors="replace")


def render(points: Mapping[Metric, Mapping[Labels, Value]], constant: bytes = b"") -> Families:
    """Render each metric's samples to lines. Label sets that several metrics share are rendered once."""
    shared: dict[tuple[str, ...], dict[Labels, bytes]] = {}
    families: Families = {}
    for metric, samples in points.items():
        if not samples:
            continue
        if metric.type == "histogram":
            families[metric] = _histograms(metric, samples, constant)
            continue
        blocks = shared.setdefault(metric.labels, {})
        name = metric.name.encode()
        lines = []
        for labels, value in samples.items():
            block = blocks.get(labels)
            if block is None:
                block = blocks[labels] = _block(metric.labels, labels, constant)
            lines.append(name + block + (value if value.__class__ is bytes else number(value)))
        lines.append(b"")
        families[metric] = b"\n".join(lines)
    return families


def _histograms(metric: Metric, samples: Mapping[Labels, Value], constant: bytes) -> bytes:
    name = metric.name.encode()
    lines = []
    for labels, value in samples.items():
        if not isinstance(value, Histogram):
            raise TypeError(f"{metric.name} is a histogram, its value {value!r} is none")
        for bound, count in zip((*value.bounds, math.inf), value.counts, strict=True):
            lines.append(name + b"_bucket" + _block((*metric.labels, "le"), (*labels, number(bound).decode()), constant) + number(count))
        block = _block(metric.labels, labels, constant)
        lines += [name + b"_sum" + block + number(value.sum), name + b"_count" + block + number(value.counts[-1])]
    return b"\n".join([*lines, b""])


def _block(names: tuple[str, ...], values: Labels, constant: bytes) -> bytes:
    inner = constant + ",".join([f'{n}="{_escape(v)}"' for n, v in zip(names, values, strict=True)]).encode(errors="replace")
    return b"{" + inner.removesuffix(b",") + b"} " if inner else b" "


def _escape(value: str) -> str:
    if "\\" in value or '"' in value or "\n" in value:
        value = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return value


def number(value: Value) -> bytes:
    """Render a number as Go's ParseFloat and Prometheus read it."""
    if isinstance(value, bytes):
        return value
    if isinstance(value, int):
        return b"%d" % value
    if isinstance(value, Histogram):
        raise TypeError("a histogram is no number")
    if math.isfinite(value):
        return repr(value).encode() if value % 1 or abs(value) >= 1e15 else b"%d" % value
    return b"NaN" if math.isnan(value) else b"+Inf" if value > 0 else b"-Inf"


def page(parts: Iterable[Families]) -> bytes:
    """Join families from many runs to one page."""
    return b"".join(chunks(parts))


def chunks(parts: Iterable[Families]) -> list[bytes]:
    """Return the page of families from many runs in pieces: sorted by name, each with its HELP and TYPE once."""
    by_name: dict[str, list[bytes]] = {}
    for families in parts:
        for metric, lines in families.items():
            known = by_name.get(metric.name)
            if known is None:
                by_name[metric.name] = [metric.header, lines]
            else:
                known.append(lines)
    return [chunk for name in sorted(by_name) for chunk in by_name[name]]


def without(lines: bytes, constant: bytes) -> bytes:
    """Return sample lines without the target's constant labels.

    Safe as a plain replacement: inside a label value a quote is always escaped, so the sequence `{name="`
    can stand only where a label set begins.
    """
    if not constant:
        return lines
    return lines.replace(b"{" + constant.removesuffix(b",") + b"}", b"").replace(b"{" + constant, b"{")
