"""Statements by digest: what each costs, and what all others add."""

from __future__ import annotations

from pathlib import Path

import pytest

from mariadb import MariaDB, MysqlServer, mysql_options
from watching import Page, Watch


def test_statements_are_told_with_what_they_cost(watch_all: Watch, server: MysqlServer, shop: str) -> None:
    server.execute("TRUNCATE performance_schema.events_statements_summary_by_digest")
    for _ in range(7):
        server.execute("SELECT COUNT(*) FROM orders WHERE id + 0 > 3", database="shop")
    page = watch_all.scrape()
    seen = page.all("mysql_perf_schema_events_statements_total", schema="shop")
    found = [labels for labels, value in seen if value == 7 and "`orders`" in labels["digest_text"]]
    assert len(found) == 1
    assert len(found[0]["digest_text"]) <= 120
    assert page.value("mysql_perf_schema_events_statements_rows_examined_total", digest=found[0]["digest"]) == 7 * 500
    assert 0 < (page.value("mysql_perf_schema_events_statements_seconds_total", digest=found[0]["digest"]) or 0) < 5


def statements(server: MysqlServer, names: range, times: int = 1) -> None:
    """Run statements that differ in their shape, so that each has a digest of its own."""
    with server.session(database="shop") as cursor:
        for number in names:
            for _ in range(times):
                cursor.execute("SELECT " + ", ".join(["id"] * (number + 1)) + " FROM orders LIMIT 1")
                cursor.fetchall()


def total(page: Page) -> float:
    return sum(value for _, value in page.all("mysql_perf_schema_events_statements_total"))


def test_many_statements_have_few_series_and_the_others_are_summed(
    server: MysqlServer, shop: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tocsin.sources.mysql.session.STATEMENTS_KEPT", 10)
    server.execute("TRUNCATE performance_schema.events_statements_summary_by_digest")
    statements(server, range(30))
    with Watch(mysql_options(server.dsn(), collectors={"perf_schema.eventsstatements": True}), tmp_path / "state") as watch:
        first = watch.scrape()
        kept = {labels["digest"] for labels, _ in first.all("mysql_perf_schema_events_statements_total")} - {"other"}
        assert len(kept) == 10
        assert first.value("mysql_perf_schema_events_statements_total", digest="other") == 0
        statements(server, range(30), 3)
        second = watch.scrape()
        # Who is followed from now on comes with all that it has counted, which was once each.
        assert 30 * 3 <= total(second) - total(first) <= 30 * 3 + 5
        other = {"schema": "", "digest": "other", "digest_text": ""}
        # A few more where the scrape's own statements take others' places.
        assert 20 * 3 <= (second.value("mysql_perf_schema_events_statements_rows_sent_total", **other) or 0) <= 20 * 3 + 10
        assert 0 < (second.value("mysql_perf_schema_events_statements_seconds_total", **other) or 0) < 5
        after = {labels["digest"] for labels, _ in second.all("mysql_perf_schema_events_statements_total")}
        assert len(after & kept) >= 5
        measured = isinstance(server, MariaDB)
        assert (second.value("mysql_perf_schema_events_statements_cpu_time_seconds_total", **other) is None) == measured
        server.execute("TRUNCATE performance_schema.events_statements_summary_by_digest")
        statements(server, range(30))
        assert (watch.scrape().value("mysql_perf_schema_events_statements_total", **other) or 0) >= 20 * 3
