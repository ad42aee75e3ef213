"""Mistakes that a newcomer made once, and what comes back now."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tocsin import config, once
from tocsin.errors import ConfigError


def loaded(text: str, folder: Path) -> config.Config:
    return config.parse(text, "tocsin.yaml", folder, {})


def test_database_pattern_that_is_none_is_told_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"tocsin.yaml:1: targets\[0\].databases.include: expected regular expressions"):
        loaded("targets: [{name: a, kind: postgres, dsn: x, databases: {include: ['[a']}}]", tmp_path)


def test_threshold_that_is_no_number_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="expected a finite number"):
        loaded("thresholds: {connections_ratio: {warning: nan}}", tmp_path)


def test_header_with_an_impossible_page_size_is_damage_and_no_mistake_of_ours(tmp_path: Path) -> None:
    (tmp_path / "a.db").write_bytes(b"SQLite format 3\0\0\0" + bytes(82))
    (report,) = once.check(loaded(f"targets: [{{name: a, kind: sqlite, path: {tmp_path}/a.db}}]", tmp_path), 5)
    assert "config: " in report.line
    assert "is damaged" in report.line


def test_healthcheck_takes_an_address_without_a_scheme() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tocsin.cli", "healthcheck", "--url", "127.0.0.1:1"], capture_output=True, text=True, timeout=30
    )
    assert done.returncode == 1
    assert "127.0.0.1:1 does not answer: [Errno 111]" in done.stderr


@pytest.mark.parametrize("place", ["garbage", "read-only"])
def test_demo_that_cannot_be_made_is_told_without_a_traceback(place: str, tmp_path: Path) -> None:
    if place == "garbage":
        (tmp_path / "tocsin-state" / "demo").mkdir(parents=True)
        (tmp_path / "tocsin-state" / "demo" / "shop.db").write_text("garbage" * 100)
    else:
        (tmp_path / "tocsin-state").write_text("a file in the way")
    done = subprocess.run([sys.executable, "-m", "tocsin.cli", "up"], capture_output=True, text=True, timeout=30, cwd=tmp_path)
    assert done.returncode == 2, done.stderr
    assert "the demo's database" in done.stderr
    assert "Traceback" not in done.stderr
