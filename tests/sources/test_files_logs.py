"""Real logs that are rotated and tampered with: what a rotation explains, and what nobody can hide behind one."""

from __future__ import annotations

import gzip
import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from test_files import said, watching
from tools import lacking, need

TEXT = "".join(f"{i:05} a line of a log that is long enough\n" for i in range(300))
EARLIER = "".join(f"{i:05} a line of the day before\n" for i in range(600))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A log, an older copy of it, and one that is compressed."""
    root = tmp_path / "log"
    root.mkdir()
    (root / "app.log").write_text(TEXT)
    (root / "app.log.1").write_text(EARLIER)
    (root / "app.log.2.gz").write_bytes(gzip.compress(EARLIER.encode() * 9))
    for path in root.iterdir():
        path.chmod(0o640)
        if path.name != "app.log":
            os.utime(path, (time.time() - 86400,) * 2)
    return root


def _rotate(folder: Path, mode: int = 0o640) -> None:
    (folder / "app.log.1").rename(folder / "app.log.3")
    (folder / "app.log").rename(folder / "app.log.1")
    (folder / "app.log").write_text("")
    (folder / "app.log").chmod(mode)


def _link(folder: Path) -> None:
    _rotate(folder)
    (folder / "app.log").unlink()
    (folder / "app.log").symlink_to("/etc/shadow")


def _truncate(folder: Path) -> None:
    os.truncate(folder / "app.log", 0)


def _write(path: Path, data: bytes, *, more: bool = False) -> None:
    with path.open("ab" if more else "wb") as file:
        file.write(data)


def _copy(folder: Path, mode: int) -> None:
    shutil.copy(folder / "app.log", folder / "app.log.4")
    (folder / "app.log.4").chmod(mode)
    _truncate(folder)


def _shorten(folder: Path) -> None:
    (folder / "app.log").rename(folder / "elsewhere")
    (folder / "app.log").write_text(TEXT[: len(TEXT) // 2])
    (folder / "app.log").chmod(0o640)


def _anew(folder: Path) -> None:
    (folder / "app.log").rename(folder.parent / "gone")  # so that its number is not given away again
    (folder / "app.log").write_text("")
    (folder / "app.log").chmod(0o640)


LOST = "file /app.log altered content destructive security"
GONE = "file /app.log replaced content inode destructive security"
ROTATED = "file /app.log rotated safe"

TAMPERED = {
    "rotated as ever": (_rotate, {ROTATED}),
    "a new log that runs as its owner": (
        lambda f: _rotate(f, 0o4777), {"file /app.log rotated mode breaking security"}),
    "a new log that all may write to": (lambda f: _rotate(f, 0o666), {"file /app.log rotated mode breaking security"}),
    "a new log that fewer may read": (lambda f: _rotate(f, 0o600), {ROTATED}),
    "a link in place of the log": (_link, {"link /app.log rotated type breaking security"}),
    "a copy that runs as its owner": (
        lambda f: [_rotate(f), (f / "app.log.1").chmod(0o4777)], {ROTATED, "file /app.log.1 altered mode breaking security"}),
    "an older copy that moves up and runs as its owner": (
        lambda f: [_rotate(f), (f / "app.log.3").chmod(0o4777)], {ROTATED, "file /app.log.3 altered mode breaking security"}),
    "copied and truncated": (lambda f: _copy(f, 0o640), {ROTATED}),
    "a copy that all may write to": (
        lambda f: _copy(f, 0o666), {ROTATED, "file /app.log.4 altered mode breaking security"}),
    "a byte appended to the older copy": (
        lambda f: [_truncate(f), _write(f / "app.log.1", b"x", more=True)], {LOST, "file /app.log.1 altered content cautious"}),
    "a foreign file for a copy": (
        lambda f: [_truncate(f), shutil.copy("/bin/sh", f / "app.log.7"), (f / "app.log.7").chmod(0o640)],
        {LOST, "file /app.log.7 added safe"}),
    "zeros for a copy": (
        lambda f: [_truncate(f), _write(f / "app.log.7", bytes(50_000)), (f / "app.log.7").chmod(0o640)],
        {LOST, "file /app.log.7 added safe"}),
    "the older copy once more": (
        lambda f: [_truncate(f), _write(f / "app.log.7", EARLIER.encode() * 9)], {LOST, "file /app.log.7 added safe"}),
    "a byte for a compressed copy": (
        lambda f: [_anew(f), _write(f / "app.log.3.gz", b"x")], {GONE, "file /app.log.3.gz added safe"}),
    "nonsense for a compressed copy": (
        lambda f: [_truncate(f), _write(f / "app.log.3.gz", b"x" * 5000)], {LOST, "file /app.log.3.gz added safe"}),
    "something else compressed": (
        lambda f: [_truncate(f), _write(f / "app.log.3.gz", gzip.compress(EARLIER.encode()))], {LOST, "file /app.log.3.gz added safe"}),
    "a byte for a compressed older copy": (
        lambda f: [(f / "app.log.1").unlink(), _write(f / "app.log.1.gz", b"x")],
        {"file /app.log.1 dropped destructive", "file /app.log.1.gz added safe"}),
    "a shortened copy in place of the log": (_shorten, {GONE, "file /elsewhere added safe"}),
    "the log truncated, an older copy touched": (lambda f: [_truncate(f), os.utime(f / "app.log.1")], {LOST}),
}  # fmt: skip


@pytest.mark.parametrize("what", TAMPERED)
def test_a_rotation_explains_nothing_else(what: str, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.umask(0o022)
    monkeypatch.setattr("tocsin.sources.files.settle._ROTATION", 1.0)  # a copy that is no part of a rotation is told so soon
    act, expected = TAMPERED[what]
    with watching(tmp_path, folder) as watch:
        act(folder)
        told = said(watch.check(), folder)
        limit = time.monotonic() + 20
        while set(told) != expected and time.monotonic() < limit:
            time.sleep(0.2)
            told += said(watch.check(), folder)
        assert set(told) == expected
        assert len(told) == len(expected)


def test_a_link_in_place_of_a_log_is_told_with_where_it_leads(folder: Path, tmp_path: Path) -> None:
    with watching(tmp_path, folder) as watch:
        _link(folder)
        (event,) = watch.check()
    assert event.security
    assert event.new is not None
    assert "-> /etc/shadow" in event.new


def test_another_owner_behind_a_rotation_is_told(folder: Path, tmp_path: Path) -> None:
    if os.geteuid() != 0:
        lacking("only root gives files away")
    with watching(tmp_path, folder) as watch:
        _rotate(folder)
        os.chown(folder / "app.log", 1, 1)
        os.chown(folder / "app.log.1", 1, 1)
        assert said(watch.check(), folder) == [
            "file /app.log rotated owner group breaking security",
            "file /app.log.1 altered owner group breaking security",
        ]


def test_logrotate_with_delayed_compression_tells_of_one_rotation_for_good(folder: Path, tmp_path: Path) -> None:
    program = need("logrotate")
    config = tmp_path / "logrotate.conf"
    su = "su root root\n" if os.geteuid() == 0 else ""
    config.write_text(f"{folder}/app.log {{\n{su}create 0640\ncompress\ndelaycompress\nrotate 5\n}}\n")
    with watching(tmp_path, folder) as watch:
        for turn in range(3):
            _write(folder / "app.log", (TEXT + f"turn {turn}\n").encode(), more=True)
            told = said(watch.check(), folder)
            subprocess.run([program, "-f", "-s", tmp_path / "status", config], check=True)
            told += [line for _ in range(2) for line in said(watch.check(), folder)]
            assert told == [ROTATED], f"turn {turn}"
        view = watch.record("files")
        assert view.success
        time.sleep(11)  # what is no part of a rotation is held back for ten seconds
        assert said(watch.check(), folder) == []


def test_a_log_that_was_copied_and_emptied_while_nobody_watched_is_rotated_though_it_is_longer_now(folder: Path, tmp_path: Path) -> None:
    with watching(tmp_path, folder) as watch:
        shutil.copy(folder / "app.log", folder / "app.log.4")
        (folder / "app.log.4").chmod(0o640)
        (folder / "app.log").write_text("".join(f"{i:05} and the next day\n" for i in range(3000)))
        assert said(watch.check(), folder) == [ROTATED]


MISSED = {
    "create": "create",
    "create compress": "create\ncompress",
    "create delaycompress": "create\ncompress\ndelaycompress",
    "copytruncate": "copytruncate",
    "copytruncate compress": "copytruncate\ncompress",
    "copytruncate delaycompress": "copytruncate\ncompress\ndelaycompress",
}


@pytest.mark.parametrize("kept", [7, 2])
@pytest.mark.parametrize("way", MISSED)
def test_two_rotations_while_nobody_watched_are_one(way: str, kept: int, tmp_path: Path) -> None:
    program = need("logrotate")
    log = tmp_path / "log" / "app.log"
    log.parent.mkdir()
    config = tmp_path / "logrotate.conf"
    su = "su root root\n" if os.geteuid() == 0 else ""
    config.write_text(f"{log} {{\n{su}{MISSED[way]}\nnotifempty\nrotate {kept}\n}}\n")
    days = iter(range(10))

    def rotate() -> None:
        subprocess.run([program, "-f", "-s", tmp_path / "status", config], check=True)
        _write(log, f"day {next(days)}: something happened\n".encode() * 50, more=True)

    _write(log, b"before: something happened\n" * 50)
    for _ in range(3):
        rotate()
    with watching(tmp_path, log.parent, grows=(f"{log.parent}/**",)) as watch:
        for _ in range(2):
            rotate()
        told = [line for _ in range(2) for line in said(watch.check(), log.parent)]
        limit = time.monotonic() + 20
        while not told and time.monotonic() < limit:
            told += said(watch.check(), log.parent)
        assert told == [ROTATED]


def test_what_two_rotations_do_not_explain_is_told(tmp_path: Path) -> None:
    folder = tmp_path / "log"
    folder.mkdir()
    for number in range(5):
        _write(folder / f"app.log{f'.{number}' * bool(number)}", f"day {number}: something happened\n".encode() * 50)
    with watching(tmp_path, folder, grows=(f"{folder}/**",)) as watch:
        (folder / "app.log.2").rename(tmp_path / "gone")
        for number in (4, 3, 1, 0):
            (folder / f"app.log{f'.{number}' * bool(number)}").rename(folder / f"app.log.{number + 2}")
        for name, text in (("app.log.4", b"forged\n"), ("app.log.1", b"the day after\n"), ("app.log", b"today\n")):
            _write(folder / name, text * 50)
        told = [line for _ in range(2) for line in said(watch.check(), folder)]
        assert told == [ROTATED, "file /app.log.4 replaced content inode destructive security"]
