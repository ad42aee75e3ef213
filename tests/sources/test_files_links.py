"""Links to files: what they lead to is followed, however that changes; above all as Kubernetes changes what it mounts."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

import fuse
from test_files import files_options, said, watching
from test_files_told import told
from tocsin.event import Event
from tocsin.sources.files.view import view_of
from tools import lacking
from watching import Watch


class Mounted:
    """A volume of a ConfigMap: each file a link by way of `..data`, which is renamed over."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._turn = 0
        path.mkdir()

    def write(self, **files: str) -> None:
        """Change what is mounted, all at once."""
        self._turn += 1
        folder = self.path / f"..2026_11_21_15_09_{self._turn:02}.123456789"
        folder.mkdir()
        for name, text in files.items():
            (folder / name).write_text(text)
        (self.path / "..data_tmp").symlink_to(folder.name)
        before = self.path / "..data"
        old = before.readlink() if before.is_symlink() else None
        (self.path / "..data_tmp").rename(before)
        for name in files:
            if not (self.path / name).is_symlink():
                (self.path / name).symlink_to(f"..data/{name}")
        for path in [p for p in self.path.iterdir() if not p.name.startswith("..") and p.name not in files]:
            path.unlink()
        if old is not None:
            shutil.rmtree(self.path / old)


@pytest.fixture
def volume(tmp_path: Path) -> Mounted:
    mounted = Mounted(tmp_path / "config")
    mounted.write(app="port = 1\n", other="same\n", **{"x.conf": "a = 1\n"})
    return mounted


@pytest.mark.parametrize("pattern", ["", "/*", "/**", "/**/*"])
def test_what_kubernetes_changes_is_told_of_each_file_that_is_another(pattern: str, volume: Mounted, tmp_path: Path) -> None:
    with watching(tmp_path, f"{volume.path}{pattern}") as watch:
        volume.write(app="port = 2\n", other="same\n", **{"x.conf": "a = 2\n"})
        events = watch.check()
        assert sorted(said(events, volume.path)) == ["link /app altered content cautious", "link /x.conf altered content cautious"]
        (diff,) = [e.detail["diff"] for e in events if e.object.endswith("x.conf")]
        assert "+a = 2" in diff
        assert watch.check() == []
        volume.write(app="port = 2\n", more="new\n", **{"x.conf": "a = 2\n"})
        assert sorted(said(watch.check(), volume.path)) == ["link /more added safe", "link /other dropped breaking"]


def test_one_file_of_a_mounted_volume_is_followed(volume: Mounted, tmp_path: Path) -> None:
    with watching(tmp_path, volume.path / "app", volume.path / "other") as watch:
        volume.write(app="port = 2\n", other="same\n")
        (event,) = watch.check()
        assert said([event], volume.path) == ["link /app altered content cautious"]
        assert (event.old, event.new) == ("-> ..data/app, 9 bytes", "-> ..data/app, 9 bytes")
        assert event.detail["old_sha256"] != event.detail["new_sha256"]


def test_a_change_by_way_of_data_is_told_within_a_moment(volume: Mounted, tmp_path: Path) -> None:
    with told(tmp_path, volume.path / "app", volume.path / "*.conf") as watch:
        for turn in (2, 3):
            volume.write(app=f"port = {turn}\n", other="same\n", **{"x.conf": "a = 1\n"})
            assert watch.of(1) == ["link app altered"]


def test_a_file_elsewhere_is_followed_within_a_moment(tmp_path: Path) -> None:
    for release in ("one", "two"):
        (tmp_path / release).mkdir()
        (tmp_path / release / "app.conf").write_text(f"release = {release}\n")
    (tmp_path / "tree").mkdir()
    (tmp_path / "current").symlink_to("one")
    (tmp_path / "tree" / "app.conf").symlink_to("../current/app.conf")
    with told(tmp_path, tmp_path / "tree") as watch:
        (tmp_path / "one" / "app.conf").write_text("release = one and a bit\n")
        assert watch.of(1) == ["link app.conf altered"]
        (tmp_path / "next").symlink_to("two")
        (tmp_path / "next").rename(tmp_path / "current")
        assert watch.of(1) == ["link app.conf altered"]
        (tmp_path / "two" / "app.conf").write_text("release = three\n")
        assert watch.of(1) == ["link app.conf altered"]
        (tmp_path / "two" / "app.conf").unlink()
        assert watch.of(1) == ["link app.conf altered"]
        event = watch.watch.journal.events(limit=1, newest=True)[0]
        assert "no file" in (event.reason or "")


def test_a_file_that_goes_and_comes_back_behind_a_link_is_told_both_times(tmp_path: Path) -> None:
    end, tree = tmp_path / "x.yaml", tmp_path / "tree"
    end.write_text("port: 1\n")
    tree.mkdir()
    (tree / "x.yaml").symlink_to(end)
    with watching(tmp_path, tree) as watch:

        def told() -> Event:
            (event,) = watch.check() or watch.check()
            return event

        for text, expected, word in (
            ("port: 2\n", "link /x.yaml altered content cautious", "something else"),
            ("port: 2\n", "link /x.yaml altered content safe", "the same"),
        ):
            end.unlink()
            gone = told()
            assert said([gone], tree) == ["link /x.yaml altered content breaking"]
            assert "new_sha256" not in gone.detail
            assert "evidence" not in gone.detail
            assert watch.check() == []
            end.write_text(text)
            back = told()
            assert said([back], tree) == [expected]
            assert "leads to a file again" in (back.reason or "")
            assert word in (back.reason or "")
            assert watch.check() == []
            assert ("+port: 2" in back.detail.get("diff", "")) == (word == "something else")


def test_a_configured_path_by_way_of_a_link_is_followed_within_a_moment(tmp_path: Path) -> None:
    for release in ("one", "two"):
        (tmp_path / release).mkdir()
        (tmp_path / release / "app.conf").write_text(f"release = {release}\n")
    (tmp_path / "current").symlink_to("one")
    with told(tmp_path, tmp_path / "current" / "app.conf") as watch:
        (tmp_path / "next").symlink_to("two")
        (tmp_path / "next").rename(tmp_path / "current")
        assert watch.of(1) == ["file app.conf replaced"]


def test_a_link_to_a_file_that_is_watched_tells_nothing_more(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "a").write_text("one")
    (tree / "l").symlink_to("a")
    with watching(tmp_path, tree) as watch:
        (tree / "a").write_text("other")
        assert said(watch.check(), tree) == ["file /a altered content cautious"]


def test_nobody_has_a_file_of_somebody_else_read_by_a_link_to_it(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        lacking("only root gives files away")
    tree = tmp_path / "tree"
    tree.mkdir()
    for name in ("one", "two"):
        (tmp_path / name).write_text(f"x = {name}\n")
        (tmp_path / name).chmod(0o600)
    link = tree / "x.conf"
    link.symlink_to(tmp_path / "one")
    os.lchown(link, 1, 1)
    with watching(tmp_path, tree) as watch:
        assert watch.page().all("tocsin_file_content_fingerprint") == []
        link.unlink()
        link.symlink_to(tmp_path / "two")
        os.lchown(link, 1, 1)
        (event,) = watch.check()
        assert "diff" not in event.detail
        assert "new_sha256" not in event.detail
        (tmp_path / "two").write_text("x = three and more\n")
        (event,) = watch.check()
    assert (event.change, "diff" in event.detail, "new_sha256" in event.detail) == ("altered", False, False)


def test_links_lead_in_circles_nowhere_and_into_what_hangs(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    tree.mkdir()
    for name, target in {
        "a": "b",
        "b": "a",
        "nowhere": "x",
        "self": "self/x",
        "dir": "..",
        "null": "/dev/null",
        "proc": "/proc/1/stat",
    }.items():
        (tree / name).symlink_to(target)
    (tree / "hung").symlink_to(tmp_path / "mnt" / "x")
    with fuse.mounted(tmp_path / "mnt"), watching(tmp_path, tree, patience=0.3) as watch:
        assert watch.page().value("tocsin_files", path=str(tree)) == 8
        (tree / "n").write_text("x")
        assert said(watch.check(), tree) == ["file /n added safe"]


def test_a_link_that_is_left_alone_from_now_on_tells_nothing_of_that(tmp_path: Path) -> None:
    tree, other = tmp_path / "tree", tmp_path / "other"
    for folder in (tree, other):
        folder.mkdir()
    (other / "a").write_text("one")
    (tree / "l").symlink_to(other / "a")
    with watching(tmp_path, tree):
        pass
    for more in ({"paths": (str(tree), str(other))}, {"grows": ("l",)}):
        with Watch(replace(files_options(tree), **more), tmp_path / "state") as watch:
            assert watch.check() == []


def test_only_so_many_links_are_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tree, other = tmp_path / "tree", tmp_path / "other"
    for folder in (tree, other):
        folder.mkdir()
    for i in range(30):
        (other / f"{i}").write_text("one")
        (tree / f"{i}").symlink_to(other / f"{i}")
    with watching(tmp_path, tree) as watch:
        assert watch.page().value("tocsin_files_limit_reached", limit="links") == 0
    monkeypatch.setattr("tocsin.sources.files.ways.MOST_LINKS", 20)
    with Watch(watch.options, tmp_path / "state") as watch:
        view_of(watch.options).forget()
        assert watch.check() == []
        assert watch.page().value("tocsin_files_limit_reached", limit="links") == 1
        for i in range(30):
            (other / f"{i}").write_text("other")
        assert len(watch.check()) == 20


def test_links_that_were_known_before_their_files_were_followed_tell_nothing(volume: Mounted, tmp_path: Path) -> None:
    from tocsin.filewatch import state
    from tocsin.filewatch.tell import key_of

    with watching(tmp_path, volume.path / "app") as watch:
        key = key_of("dir", str(volume.path))
        kept = state.load(watch.journal.recall("files", "files.files", key))
        plain = {name: s._replace(size=10, mtime_ns=1, ctime_ns=1, digest=None, undigested=None) for name, s in kept.items()}
        watch.journal.commit("files", "files.files", [], {key: state.dump(plain)})
    with Watch(watch.options, tmp_path / "state") as watch:
        view_of(watch.options).forget()
        assert watch.check() == []
        volume.write(app="port = 2\n")
        assert said(watch.check(), volume.path) == ["link /app altered content cautious"]
