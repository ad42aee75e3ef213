"""Declarations of metrics: a wrong one never comes to life."""

from __future__ import annotations

import pytest

from tocsin.metric import Metric, MetricFamily, counter, gauge, info


@pytest.mark.parametrize("name", ["", "1up", "a-b", "a b", "a\n", "é", "a{b}", "a.b"])
def test_a_name_that_prometheus_does_not_read_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="is not a metric name"):
        gauge(name, "Help.")


@pytest.mark.parametrize("name", ["up", "_x", "job:rate:5m", "A9"])
def test_every_name_that_prometheus_reads_is_taken(name: str) -> None:
    assert gauge(name, "Help.").name == name


@pytest.mark.parametrize("label", ["", "1a", "a-b", "a:b", "__name__", "__x", "a\n", "é"])
def test_a_label_that_prometheus_does_not_read_or_keeps_for_itself_is_refused(label: str) -> None:
    with pytest.raises(ValueError, match=r"up: .* is not a label name"):
        gauge("up", "Help.", ("good", label))


@pytest.mark.parametrize(
    ("name", "unit"),
    [("a_bytes", "bytes"), ("a_seconds_total", "seconds"), ("a_ratio", "ratio"), ("a_total", "count"), ("seconds", "count")],
)
def test_the_unit_is_taken_from_the_name(name: str, unit: str) -> None:
    assert gauge(name, "Help.").unit == unit


def test_a_unit_that_is_given_wins_over_the_name() -> None:
    assert counter("a_bytes", "Help.", unit="none").unit == "none"


def test_the_header_is_ready_and_escaped() -> None:
    assert gauge("a", "One\\two\nthree.").header == b"# HELP a One\\\\two\\nthree.\n# TYPE a gauge\n"


def test_two_declarations_of_one_name_are_two_metrics() -> None:
    assert gauge("a", "Help.") != gauge("a", "Help.")


def test_info_is_a_gauge() -> None:
    assert info("a_info", "Help.", ("version",)).type == "gauge"


@pytest.fixture
def family() -> MetricFamily:
    return MetricFamily("pg_settings_*", "gauge", "A setting.", r"pg_settings_[a-z_]+", ("server",))


def test_a_family_gives_the_same_metric_for_the_same_name(family: MetricFamily) -> None:
    one = family.metric("pg_settings_work_mem", "Memory.")
    assert family.metric("pg_settings_work_mem", "Memory.") is one
    assert (one.type, one.labels, one.help) == ("gauge", ("server",), "Memory.")


def test_a_family_refuses_a_name_outside_its_pattern(family: MetricFamily) -> None:
    with pytest.raises(ValueError, match="'pg_other' does not belong to pg_settings_"):
        family.metric("pg_other", "Other.")


def test_a_family_owns_what_it_made_and_nothing_else(family: MetricFamily) -> None:
    assert family.owns(family.metric("pg_settings_a", "A."))
    assert not family.owns(Metric("pg_settings_a", "gauge", "A."))
