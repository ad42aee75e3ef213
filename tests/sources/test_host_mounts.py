"""File systems that hang, die, are full of blanks or can only be read: none holds up the others, and each says what it is."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

import fuse
from tocsin.mounts import below, parse, unescape
from tocsin.sources.host import session
from tocsin.sources.host.watchdog import Watchdog
from tools import lacking
from watching import Watch, eventually, host_options

MOUNTINFO = r"""22 1 254:0 / / rw,relatime shared:1 master:2 - ext4 /dev/vda rw,errors=remount-ro
30 22 0:44 / /srv/with\040blank\134slash\011tab ro,relatime - tmpfs none rw
31 22 0:45 / /srv/super rw,relatime - ext4 /dev/vdb ro
32 22 0:46 / /srv/caf\303\251 rw - ext4 /dev/vdc rw,emergency_ro
half a line
"""


@pytest.fixture(autouse=True)
def watchdog(monkeypatch: pytest.MonkeyPatch) -> Watchdog:
    """One of the test's own: what hangs elsewhere on this machine is none of its business."""
    found = Watchdog()
    monkeypatch.setattr(session, "WATCHDOG", found)
    return found


def options(*points: Path, timeout: float = 0.3, **more: object):
    """Look at these mounts alone, with all their types."""
    wanted = "|".join(str(p) for p in points)
    return host_options(mount_points_exclude=f"^(?!({wanted})$)", fs_types_exclude="^$", mount_timeout=timeout, **more)


def test_mountinfo_is_read_with_its_escapes_and_both_kinds_of_read_only() -> None:
    found = {m.point: m for m in parse(MOUNTINFO)}
    assert list(found) == ["/", "/srv/with blank\\slash\ttab", "/srv/super", "/srv/café"]
    assert [m.read_only for m in found.values()] == [False, True, True, True]
    assert (found["/"].device, found["/"].fs_type, found["/"].major, found["/"].minor) == ("/dev/vda", "ext4", "254", "0")


def test_names_that_are_no_utf8_lead_to_their_files() -> None:
    assert os.fsencode(unescape(r"/a\377b")) == b"/a\xffb"


def test_mount_points_are_named_without_the_root_that_they_lie_below() -> None:
    assert [below("/host", p) for p in ("/host", "/host/data", "/hosting", "/")] == ["/", "/data", "/hosting", "/"]
    assert below("/", "/host") == "/host"


def test_hung_file_system_shows_as_an_error_delays_nobody_and_recovers(tmp_path: Path, watchdog: Watchdog) -> None:
    good, hung = tmp_path / "good one", tmp_path / "hung"
    with tmpfs(good), fuse.mounted(hung) as mount, Watch(options(good, hung), tmp_path / "state") as watch:
        page = watch.scrape()
        labels = {"mountpoint": str(hung), "fstype": "fuse", "device": "tocsin-test", "device_error": "mountpoint timeout"}
        assert page.all("node_filesystem_device_error", mountpoint=str(hung)) == [(labels, 1)]
        assert page.value("node_filesystem_readonly", mountpoint=str(hung)) == 0
        assert page.value("node_filesystem_size_bytes", mountpoint=str(hung)) is None
        assert page.value("node_filesystem_size_bytes", mountpoint=str(good), device_error="") == 2**20
        assert page.value("node_scrape_collector_success", collector="filesystem") == 1
        for _ in range(5):  # known to hang: not waited for again, and not asked by another thread
            page = watch.scrape()
            assert page.value("node_filesystem_device_error", mountpoint=str(hung)) == 1
            assert page.value("node_scrape_collector_duration_seconds", collector="filesystem") < 0.3
        assert watchdog.threads == 1
        mount.serve()
        assert eventually(lambda: watch.scrape().value("node_filesystem_device_error", mountpoint=str(hung)) == 0, 20)
        page = watch.scrape()
        assert page.value("node_filesystem_size_bytes", mountpoint=str(hung), device_error="") == fuse.BLOCKS * fuse.BLOCK_SIZE
        assert page.value("node_filesystem_avail_bytes", mountpoint=str(hung)) == fuse.FREE * fuse.BLOCK_SIZE
        assert eventually(lambda: watchdog.threads == 0)


def test_many_hung_file_systems_need_a_thread_each_up_to_the_bound_and_a_healthy_one_is_still_served(
    tmp_path: Path, watchdog: Watchdog
) -> None:
    points = [tmp_path / f"hung{i}" for i in range(6)]
    good = tmp_path / "zgood"
    watchdog._most = 8
    with ExitStack() as stack:
        for point in points:
            stack.enter_context(fuse.mounted(point))
        stack.enter_context(tmpfs(good))
        watch = stack.enter_context(Watch(options(*points, good, timeout=1.0), tmp_path / "state"))
        for _ in range(3):
            page = watch.scrape()
            assert sum(value for _, value in page.all("node_filesystem_device_error")) == len(points)
            assert page.value("node_filesystem_size_bytes", mountpoint=str(good)) == 2**20
        assert watchdog.threads == len(points)
    assert eventually(lambda: watchdog.threads == 0), "threads are left though every file system is gone"


def test_beyond_the_bound_nothing_is_asked_and_it_says_so(tmp_path: Path, watchdog: Watchdog) -> None:
    watchdog._most = 1
    good = tmp_path / "good"
    with fuse.mounted(tmp_path / "hung"), tmpfs(good), Watch(options(tmp_path / "hung", good), tmp_path / "state") as watch:
        page = watch.scrape()
        assert page.value("node_filesystem_device_error", mountpoint=str(good), device_error="mountpoint timeout") == 1
        assert watchdog.threads == 1
    assert eventually(lambda: watchdog.threads == 0)


def test_dead_file_system_tells_its_error_at_once(tmp_path: Path) -> None:
    with fuse.mounted(tmp_path / "dead") as mount, Watch(options(tmp_path / "dead"), tmp_path / "state") as watch:
        mount.die()
        page = watch.scrape()
        assert page.value("node_filesystem_device_error", device_error="transport endpoint is not connected") == 1
        assert page.all("node_filesystem_mount_info") == []


def test_scrape_with_less_time_than_a_file_system_may_take_fails_once_and_then_knows(tmp_path: Path) -> None:
    hung = tmp_path / "hung"
    with fuse.mounted(hung), Watch(options(hung, timeout=2.0), tmp_path / "state") as watch:
        first = watch.scrape(1.0)
        assert first.value("tocsin_collector_failing", collector="host.filesystem", reason="timeout") == 1
        assert first.value("node_load1") is not None
        time.sleep(1.5)
        assert watch.scrape(1.0).value("node_filesystem_device_error", mountpoint=str(hung)) == 1


def test_process_ends_though_a_file_system_hangs(tmp_path: Path) -> None:
    script = (
        "from pathlib import Path; from tocsin import config, once; import sys;"
        "text = '{targets: [{name: h, kind: host, mount_timeout: 300ms, fs_types_exclude: \"^$\"}]}';"
        "print(once.page(config.parse(text, 'x', Path('.'), {}), 10).decode())"
    )
    with fuse.mounted(tmp_path / "hung"):
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    assert f'mountpoint="{tmp_path}/hung",fstype="fuse",device_error="mountpoint timeout"}} 1' in done.stdout


def test_remount_to_read_only_is_seen(tmp_path: Path) -> None:
    point = tmp_path / "data"
    with tmpfs(point), Watch(options(point), tmp_path / "state") as watch:
        assert watch.scrape().value("node_filesystem_readonly") == 0
        subprocess.run(["mount", "-o", "remount,ro", point], check=True)
        assert watch.scrape().value("node_filesystem_readonly") == 1


def test_mount_anew_at_the_same_place_is_asked_though_the_old_one_hangs(tmp_path: Path, watchdog: Watchdog) -> None:
    point = tmp_path / "data"
    with fuse.mounted(point), Watch(options(point), tmp_path / "state") as watch:
        assert watch.scrape().value("node_filesystem_device_error", fstype="fuse") == 1
        subprocess.run(["umount", "-l", point], check=True)
        with tmpfs(point):
            assert watch.scrape().value("node_filesystem_size_bytes", fstype="tmpfs", device_error="") == 2**20


def test_many_file_systems_cost_no_thread_each(watchdog: Watchdog) -> None:
    seen: set[int] = set()
    original = os.statvfs

    def count(path: str) -> os.statvfs_result:
        seen.add(threading.get_ident())
        return original(path)

    os.statvfs = count  # type: ignore[assignment]
    try:
        questions = watchdog.ask([((i, "/"), "/") for i in range(500)])
        assert watchdog.wait(questions, 10, time.monotonic() + 20)
    finally:
        os.statvfs = original
    assert all(isinstance(q.answer, os.statvfs_result) for q in questions)
    assert len(seen) <= 4


@contextmanager
def tmpfs(point: Path) -> Iterator[None]:
    if os.geteuid() != 0:
        lacking("mounting needs root")
    point.mkdir(exist_ok=True)
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "none", point], capture_output=True).returncode:
        lacking("mounting needs the right to, which root of a container may not have")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", point], check=True)
