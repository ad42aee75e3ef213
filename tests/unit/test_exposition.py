"""The text format: whatever a label or a value holds, the page says exactly that and nothing else."""

from __future__ import annotations

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from tocsin.exposition import constants, number, page, render, without
from tocsin.metric import Metric, Value, counter, gauge, untyped

Series = dict[tuple[str, frozenset[tuple[str, str]]], float]

# Lone surrogates have a test of their own.
TEXT = st.text(st.characters(exclude_categories=("Cs",)), max_size=20) | st.sampled_from(
    ['"', "\\", "\\\\", '\\"', "\n", "\\n", 'a"b\\c\nd', '{instance="x",', '{instance="x"}', "} 1", "# HELP a b", "é☃𝄞", "", ",", "="]
)
NUMBERS = st.floats() | st.integers(-(2**70), 2**70) | st.booleans()
NAMES = st.from_regex(r"[a-zA-Z_:][a-zA-Z0-9_:]{0,12}", fullmatch=True)
LABELS = st.from_regex(r"[a-zA-Z][a-zA-Z0-9_]{0,6}", fullmatch=True)


@st.composite
def families(draw: st.DrawFn) -> dict[Metric, dict[tuple[str, ...], Value]]:
    found: dict[Metric, dict[tuple[str, ...], Value]] = {}
    for name in draw(st.lists(NAMES, max_size=4, unique=True)):
        labels = tuple(draw(st.lists(LABELS, max_size=3, unique=True)))
        metric = Metric(name, draw(st.sampled_from(["gauge", "untyped"])), draw(TEXT), labels)
        found[metric] = draw(st.dictionaries(st.tuples(*[TEXT] * len(labels)), NUMBERS, max_size=4))
    return found


def parsed(text: bytes) -> Series:
    """Return every sample of a page; a series that is there twice fails."""
    found: Series = {}
    for family in text_string_to_metric_families(text.decode()):
        for sample in family.samples:
            key = (sample.name, frozenset(sample.labels.items()))
            assert key not in found, f"{key} is there twice"
            found[key] = float(sample.value)
    return found


def same(one: float, other: float) -> bool:
    return one == other or (math.isnan(one) and math.isnan(other))


@given(families())
def test_a_page_parsed_back_gives_the_same_samples(points: dict[Metric, dict[tuple[str, ...], Value]]) -> None:
    found = parsed(page([render(points)]))
    expected = {
        (metric.name, frozenset(zip(metric.labels, labels, strict=True))): float(value)
        for metric, samples in points.items()
        for labels, value in samples.items()
    }
    assert found.keys() == expected.keys()
    assert all(same(found[key], value) for key, value in expected.items())


@given(st.lists(families(), max_size=3))
def test_the_lines_of_a_family_stand_together_under_one_header(parts: list[dict[Metric, dict[tuple[str, ...], Value]]]) -> None:
    lines = page([render(part) for part in parts]).decode().split("\n")
    headed, current = [], ""
    for line in lines:
        if line.startswith("# TYPE "):
            current = line.split(" ")[2]
            headed.append(current)
        elif line and not line.startswith("#"):
            assert re.split(r"[{ ]", line, maxsplit=1)[0] == current
    assert headed == sorted(set(headed))


@given(st.dictionaries(LABELS, TEXT, min_size=1, max_size=3), st.tuples(TEXT, TEXT), st.integers())
def test_without_takes_off_a_targets_own_labels_and_no_others(constant: dict[str, str], values: tuple[str, str], value: int) -> None:
    one, none = gauge("a", "A.", ("own_1", "own_2")), gauge("b", "B.")
    own = {k: v for k, v in constant.items() if k not in one.labels}
    lines = render({one: {values: value}, none: {(): value}}, constants(own))
    assert {m: without(text, constants(own)) for m, text in lines.items()} == render({one: {values: value}, none: {(): value}})


@pytest.mark.parametrize("value", ['{instance="x",', '{instance="x"}', 'a{instance="x",b="c"} 1', '\\{instance="x",', '{instance="x"'])
def test_without_leaves_a_label_value_alone_that_looks_like_the_instance_label(value: str) -> None:
    metric = gauge("a", "A.", ("path",))
    lines = render({metric: {(value,): 1}}, constants({"instance": "x"}))[metric]
    assert b'instance="x"' in lines
    assert parsed(without(lines, constants({"instance": "x"}))) == {("a", frozenset({("path", value)})): 1}


def test_without_does_nothing_for_a_target_that_has_no_labels_of_its_own() -> None:
    assert without(b'a{b="c"} 1\n', b"") == b'a{b="c"} 1\n'


def test_quote_backslash_and_line_break_are_escaped_as_the_format_says() -> None:
    metric = gauge("a", 'Back\\slash, "quote" and\nline break.', ("l",))
    assert page([render({metric: {('q" b\\ n\n',): 1}})]) == (
        b'# HELP a Back\\\\slash, "quote" and\\nline break.\n# TYPE a gauge\na{l="q\\" b\\\\ n\\n"} 1\n'
    )


def test_text_that_is_no_unicode_costs_the_character_and_not_the_page() -> None:
    metric = gauge("a", "A.", ("path",))
    text = page([render({metric: {("caf\udce9",): 1}}, constants({"instance": "\ud800"}))])
    assert parsed(text) == {("a", frozenset({("path", "caf?"), ("instance", "?")})): 1}


def test_a_counter_without_total_keeps_its_name_and_its_type() -> None:
    metric = counter("pg_stat_database_xact_commit", "Transactions.", ("datname",))
    assert page([render({metric: {("shop",): b"7"}})]) == (
        b"# HELP pg_stat_database_xact_commit Transactions.\n"
        b"# TYPE pg_stat_database_xact_commit counter\n"
        b'pg_stat_database_xact_commit{datname="shop"} 7\n'
    )


def test_an_untyped_metric_is_served_as_untyped() -> None:
    assert b"# TYPE pg_x untyped\n" in page([render({untyped("pg_x", "X."): {(): 1}})])


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (math.inf, b"+Inf"), (-math.inf, b"-Inf"), (math.nan, b"NaN"), (True, b"1"), (0, b"0"), (-3, b"-3"), (1.0, b"1"), (0.1, b"0.1"),
        (1e300, b"1e+300"), (5e-324, b"5e-324"), (2**64, b"18446744073709551616"), (b"12.50", b"12.50"),
    ],
)  # fmt: skip
def test_numbers_are_written_as_prometheus_reads_them(value: Value, text: bytes) -> None:
    assert number(value) == text


@given(st.floats(allow_nan=False))
def test_no_digit_of_a_float_is_lost(value: float) -> None:
    assert float(number(value)) == value


def test_a_metric_without_samples_has_no_header() -> None:
    assert page([render({gauge("a", "A."): {}})]) == b""


def test_two_targets_share_one_help_and_type() -> None:
    metric = gauge("sqlite_up", "Up.")
    text = page([render({metric: {(): 1}}, constants({"instance": name})) for name in ("one", "two")])
    assert text == b'# HELP sqlite_up Up.\n# TYPE sqlite_up gauge\nsqlite_up{instance="one"} 1\nsqlite_up{instance="two"} 1\n'
