"""From a result to samples: columns match exactly, values stay as the server wrote them."""

from __future__ import annotations

import pytest

from tocsin.errors import SetupError, Unsupported
from tocsin.metric import Metric, gauge
from tocsin.source import Collector, Run
from tocsin.sql import Ask, Query, Result, emit_rows

SIZE = gauge("db_size_bytes", "Size.", ("datname",))
READS = gauge("db_reads", "Reads.", ("datname", "mode"))
TURNED = gauge("db_turned", "Labels in another order.", ("mode", "datname"))
ALONE = gauge("db_alone", "No labels.")


def ignore(_session: object, _run: Run) -> None: ...


def run_of(*metrics: Metric, limit: int = 100) -> Run:
    return Run(Collector("c", "C.", metrics, ignore), deadline=0.0, limit=limit)


def query(**values: Metric) -> Query:
    return Query("sizes", ((0, "SELECT 1"),), values)


def test_a_column_that_nobody_asked_for_is_an_error_that_names_query_and_column() -> None:
    with pytest.raises(SetupError, match=r"^query sizes: nobody asked for the column owner$"):
        emit_rows(query(size=SIZE), run_of(SIZE), ["datname", "owner", "size"], [[b"a", b"b", b"1"]])


def test_a_value_column_that_is_missing_is_an_error_that_names_query_and_column() -> None:
    with pytest.raises(SetupError, match=r"^query sizes: the result has no column size$"):
        emit_rows(query(size=SIZE), run_of(SIZE), ["datname"], [[b"a"]])


def test_a_label_column_that_is_missing_is_an_error_that_names_query_metric_and_column() -> None:
    with pytest.raises(SetupError, match=r"^query sizes: db_size_bytes needs the label column datname$"):
        emit_rows(query(size=SIZE), run_of(SIZE), ["size"], [[b"1"]])


def test_a_column_that_is_there_twice_is_an_error_because_nobody_knows_which_is_meant() -> None:
    with pytest.raises(SetupError, match=r"^query sizes: the result has the column datname twice$"):
        emit_rows(query(size=SIZE), run_of(SIZE), ["datname", "datname", "size"], [[b"a", b"b", b"1"]])


def test_wrong_columns_are_an_error_without_any_row() -> None:
    with pytest.raises(SetupError):
        emit_rows(query(size=SIZE), run_of(SIZE), ["datname"], [])


def test_a_metric_that_the_collector_does_not_declare_is_an_error() -> None:
    with pytest.raises(ValueError, match="c emits db_size_bytes without declaring it"):
        emit_rows(query(size=SIZE), run_of(READS), ["datname", "size"], [])


def test_null_gives_no_sample() -> None:
    run = run_of(SIZE)
    emit_rows(query(size=SIZE), run, ["datname", "size"], [[b"a", None], [b"b", b"0"]])
    assert run.points == {SIZE: {("b",): b"0"}}
    assert (run.series, run.dropped) == (1, 0)


def test_null_in_a_label_is_the_empty_string() -> None:
    run = run_of(SIZE)
    emit_rows(query(size=SIZE), run, ["datname", "size"], [[None, b"1"], [b"", b"2"]])
    assert run.points == {SIZE: {("",): b"1"}}
    assert run.dropped == 1


@pytest.mark.parametrize("text", [b"12345678901234567890.5", b"1e400", b"NaN", b"-Infinity", b"007"])
def test_a_number_stays_the_text_that_the_server_sent(text: bytes) -> None:
    run = run_of(ALONE)
    emit_rows(query(n=ALONE), run, ["n"], [[text]])
    assert run.points == {ALONE: {(): text}}


def test_a_label_that_is_no_utf8_loses_its_character_and_not_the_row() -> None:
    run = run_of(SIZE)
    emit_rows(query(size=SIZE), run, ["datname", "size"], [[b"caf\xe9", b"1"]])
    assert run.points == {SIZE: {("caf\N{REPLACEMENT CHARACTER}",): b"1"}}


def test_each_metric_takes_its_labels_in_its_own_order_wherever_the_columns_stand() -> None:
    run = run_of(SIZE, READS, TURNED)
    emit_rows(query(s=SIZE, r=READS, t=TURNED), run, ["t", "mode", "s", "datname", "r"], [[b"1", b"fast", b"2", b"shop", b"3"]])
    assert run.points == {SIZE: {("shop",): b"2"}, READS: {("shop", "fast"): b"3"}, TURNED: {("fast", "shop"): b"1"}}


def test_a_series_that_comes_twice_keeps_its_first_value_and_is_counted() -> None:
    run = run_of(SIZE)
    emit_rows(query(size=SIZE), run, ["datname", "size"], [[b"a", b"1"], [b"a", b"2"]])
    assert run.points == {SIZE: {("a",): b"1"}}
    assert (run.series, run.dropped) == (1, 1)


def test_series_beyond_the_budget_are_left_out_and_counted() -> None:
    run = run_of(SIZE, READS, limit=3)
    run.emit(READS, 1, ("x", "y"))
    emit_rows(query(size=SIZE), run, ["datname", "size"], [[b"%d" % i, b"1"] for i in range(10)])
    assert list(run.points[SIZE]) == [("0",), ("1",)]
    assert (run.series, run.dropped) == (3, 8)


def test_samples_emitted_one_by_one_share_the_budget_and_the_rules() -> None:
    run = run_of(SIZE, limit=2)
    run.emit(SIZE, None, ("null",))
    for name in ("a", "a", "b", "c"):
        run.emit(SIZE, 1, (name,))
    assert (list(run.points[SIZE]), run.series, run.dropped) == ([("a",), ("b",)], 2, 2)
    with pytest.raises(ValueError, match="not 0 of them"):
        run.emit(SIZE, 1)
    with pytest.raises(ValueError, match="c emits db_reads without declaring it"):
        run.emit(READS, 1, ("a", "b"))


VERSIONS = Query("io", ((170000, "new"), (140000, "old")), {})


@pytest.mark.parametrize(("version", "text"), [(180001, "new"), (170000, "new"), (169999, "old"), (140000, "old")])
def test_a_server_gets_the_newest_sql_that_it_understands(version: int, text: str) -> None:
    assert VERSIONS.for_version(version) == text


def test_a_server_older_than_all_sql_is_unsupported_and_told_so() -> None:
    with pytest.raises(Unsupported, match="io needs server version 140000, this one is 130010"):
        VERSIONS.for_version(130010)


class Answering:
    """A session that has the answer already."""

    def __init__(self, result: Result) -> None:
        self.result = result

    def answer(self, _run: Run) -> Result:
        return self.result


def test_a_collector_that_is_one_query_emits_what_the_session_answers() -> None:
    run = run_of(SIZE)
    Ask(query(size=SIZE))(Answering(Result(["datname", "size"], [[b"a", b"1"]])), run)
    assert run.points == {SIZE: {("a",): b"1"}}


def test_a_collector_with_code_of_its_own_emits_what_that_code_makes_of_the_answer() -> None:
    run = run_of(ALONE)
    ask = Ask(query(n=ALONE), lambda _session, own, result: own.emit(ALONE, len(list(result.rows))))
    ask(Answering(Result(["whatever"], [[b"a"], [b"b"]])), run)
    assert run.points == {ALONE: {(): 2}}
