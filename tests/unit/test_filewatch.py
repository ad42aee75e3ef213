"""Files as plain values: which names are watched, how differences are weighed, and calls that hang."""

from __future__ import annotations

import bz2
import gzip
import lzma
import threading
import time
from pathlib import Path

import pytest

from tocsin.event import Risk
from tocsin.filewatch import FileState, Watched, collect_paths, compare, heads, weigh
from tocsin.filewatch.beside import Beside, Hung
from tocsin.filewatch.directory import differences
from tocsin.filewatch.metrics import METRICS
from tocsin.filewatch.places import Places
from tocsin.filewatch.risk import is_secret_name
from tocsin.filewatch.rotation import rotated_from
from tocsin.filewatch.shelf import Shelf
from tocsin.filewatch.state import dump, load, shown
from tocsin.mounts import parse
from tocsin.source import Collector, Run
from tocsin.sources.files.scope import Earlier, Globs, Patterns


@pytest.mark.parametrize(
    ("name", "of"),
    [
        ("app.log.1", ("app.log", False)),
        ("app.log.2.gz", ("app.log", True)),
        ("app.log-20261121", ("app.log", False)),
        ("app.log-20261121-1795267691.xz", ("app.log", True)),
        ("app-2026-11-21.log", ("app.log", False)),
        ("syslog.old", ("syslog", False)),
        ("app.log", None),
        ("app.log.gz", None),
        ("app.conf.bak", None),
    ],
)
def test_rotated_names_are_known_by_their_form(name: str, of: tuple[str, bool] | None) -> None:
    assert rotated_from(name) == of


@pytest.mark.parametrize("name", ["id_rsa", "server.key", ".pgpass", "db-password", "my_secret.txt", ".env", "api_key", "shadow", "token"])
def test_names_of_secrets(name: str) -> None:
    assert is_secret_name(name)


@pytest.mark.parametrize("name", ["passwd", "id_rsa.pub", "app.conf", "README.md", "keyboard"])
def test_names_of_no_secrets(name: str) -> None:
    assert not is_secret_name(name)


@pytest.mark.parametrize(
    ("patterns", "path", "watched"),
    [
        (["/etc/app"], "/etc/app", True),
        (["/etc/app"], "/etc/app/a/b/c", True),
        (["/etc/app"], "/etc/apple", False),
        (["/etc/app/*.conf"], "/etc/app/x.conf", True),
        (["/etc/app/*.conf"], "/etc/app/sub/x.conf", False),
        (["/etc/**/*.conf"], "/etc/x.conf", True),
        (["/etc/**/*.conf"], "/etc/a/b/x.conf", True),
        (["/etc/**/*.conf"], "/etc/a/b/x.txt", False),
        (["/etc/**"], "/etc/a/b/x.txt", True),
        (["/srv/*/conf/**/x"], "/srv/a/conf/x", True),
        (["/srv/*/conf/**/x"], "/srv/a/b/conf/x", False),
        (["/etc/[ab]"], "/etc/b", True),
        (["/etc/*.d/*.conf", "/etc/x.d/y"], "/etc/x.d/y", True),
        (["/etc/app", "/etc/app/sub/*.yaml"], "/etc/app/sub/other", True),
    ],
)
def test_patterns(patterns: list[str], path: str, watched: bool) -> None:
    known = Patterns(patterns)
    folder, _, name = path.rpartition("/")
    scope = known.of(folder)
    assert (scope is not None and scope.owner(name) is not None) == watched


@pytest.mark.parametrize(
    ("glob", "directory", "name", "matches"),
    [
        ("*.log", "/var", "a.log", True),
        ("/var/log/**", "/var/log/x", "a", True),
        ("/var/log/**", "/var/lib", "a", False),
        ("**/cache/**", "/srv/cache", "a", True),
        ("/etc/*/a", "/etc/x/y", "a", False),
        ("[!a]*", "/etc", "b", True),
    ],
)
def test_globs(glob: str, directory: str, name: str, matches: bool) -> None:
    assert Globs([glob]).match(directory, name) == matches


@pytest.mark.parametrize(
    ("directory", "name", "covered"),
    [
        ("/etc/app", "x", True),
        ("/etc", "app", True),
        ("/etc", "apple", False),
        ("/etc/app/a", "x", True),
        ("/etc/app/a/b", "x", False),
        ("/etc/app", "x~", False),
        ("/etc/app/cache", "x", False),
        ("/srv/one", "x.conf", True),
        ("/srv/one", "x.txt", False),
        ("/srv", "one", True),
    ],
)
def test_what_an_earlier_configuration_watched(directory: str, name: str, covered: bool) -> None:
    assert (
        Earlier(["/etc/app", "/srv/*/*.conf"], ["*~", "cache"], 2).covered(directory, name, is_directory=name in ("app", "one")) == covered
    )


STATE = FileState("file", 0o644, 0, 0, 10, 1, 1, 7, 1, None, "a" * 64, rights="")


@pytest.mark.parametrize(
    ("changed", "risk", "security", "word"),
    [
        ({"mode": 0o646}, Risk.BREAKING, True, "everybody may write"),
        ({"mode": 0o664}, Risk.CAUTIOUS, True, "group may write"),
        ({"mode": 0o600}, Risk.CAUTIOUS, False, "fewer"),
        ({"mode": 0o4755}, Risk.BREAKING, True, "runs with"),
        ({"uid": 5}, Risk.BREAKING, True, "another user"),
        ({"digest": "b" * 64, "mtime_ns": 2}, Risk.CAUTIOUS, False, "something else"),
        ({"digest": "b" * 64}, Risk.BREAKING, True, "set back"),
        ({"digest": "b" * 64, "mtime_ns": 2, "size": 0}, Risk.DESTRUCTIVE, False, "empty"),
        ({"kind": "link", "target": "x"}, Risk.BREAKING, True, "another kind"),
        ({"inode": 8}, Risk.SAFE, False, "same content"),
        ({"rights": "capabilities=0x2000"}, Risk.BREAKING, True, "capabilities"),
        ({"rights": "acl=0123"}, Risk.CAUTIOUS, True, "access list"),
    ],
)
def test_each_difference_has_its_risk(changed: dict[str, object], risk: Risk, security: bool, word: str) -> None:
    difference = compare("/etc/app", STATE, STATE._replace(**changed))  # type: ignore[arg-type]
    assert difference is not None
    verdict = weigh(difference)
    assert (verdict.risk, verdict.security) == (risk, security)
    assert word in verdict.reason


def _told(old: dict[str, FileState], new: dict[str, FileState], *grows: str) -> list[str]:
    found = differences("/d", old, new, grows=grows)
    return [" ".join([d.path, d.change, *d.attributes, weigh(d).risk]) + " security" * weigh(d).security for d in found]


OTHER = "b" * 64
PIPE = STATE._replace(kind="fifo", size=0, digest=None)
LARGE = STATE._replace(digest=None, undigested="large")


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (STATE, STATE, ["/d/a renamed breaking"]),
        (STATE, STATE._replace(mode=0o4755), ["/d/a renamed mode breaking security"]),
        (STATE, STATE._replace(uid=5), ["/d/a renamed owner breaking security"]),
        (STATE, STATE._replace(digest=OTHER, mode=0o666), ["/d/a dropped destructive", "/d/b added cautious security"]),
        (PIPE, STATE._replace(mode=0o666), ["/d/a dropped breaking", "/d/b added cautious security"]),
        (PIPE, PIPE._replace(mtime_ns=2), ["/d/a dropped breaking", "/d/b added safe"]),
        (LARGE, LARGE, ["/d/a renamed breaking"]),
        (LARGE, LARGE._replace(size=11), ["/d/a dropped destructive", "/d/b added safe"]),
    ],
)
def test_a_name_that_comes_with_the_number_of_one_that_went_hides_nothing(old: FileState, new: FileState, expected: list[str]) -> None:
    assert _told({"a": old}, {"b": new}) == expected


EARLIER, NOW = (heads.of_text(word * 100) for word in (b"one day\n", b"another\n"))
LOG = STATE._replace(digest=None, undigested="growing", size=1000, mtime_ns=50 * 10**9, head=NOW)
EMPTIED = LOG._replace(size=0, mtime_ns=60 * 10**9, head="")
COPY = LOG._replace(inode=8, mtime_ns=60 * 10**9, head=None)


@pytest.mark.parametrize(
    ("name", "before", "after", "rotated"),
    [
        ("app.log.1", None, COPY, True),
        ("app.log.1", COPY._replace(inode=9), COPY, True),
        ("app.log.1", COPY._replace(size=800, head=EARLIER), COPY._replace(head=NOW), True),
        ("app.log.1", COPY._replace(size=800, head=EARLIER), COPY._replace(head=EARLIER), False),
        ("app.log.1", COPY._replace(size=800), COPY, False),
        ("app.log.1", COPY._replace(size=1200, head=EARLIER), COPY._replace(head=NOW), True),
        ("app.log.1", None, COPY._replace(head=EARLIER), False),
        ("app.log.1", None, COPY._replace(head=heads.BINARY), False),
        ("app.log.1", None, COPY._replace(mtime_ns=LOG.mtime_ns), True),
        ("app.log.1.gz", None, COPY._replace(size=100, head=NOW), True),
        ("app.log.1.gz", None, COPY._replace(size=100, head=EARLIER), False),
        ("app.log.1.gz", None, COPY._replace(size=100, head=heads.BROKEN), False),
        ("app.log.1.gz", None, COPY._replace(size=1), True),
        ("app.log.1.gz", None, COPY._replace(size=100), True),
        ("app.log.1", COPY._replace(mtime_ns=1), COPY, False),
        ("app.log.1", None, COPY._replace(mtime_ns=1), False),
        ("app.log.1", None, COPY._replace(size=999), False),
        ("app.log.7.gz", None, COPY._replace(size=0), False),
        ("app.log.7.gz", COPY._replace(size=0, mtime_ns=1), COPY._replace(size=0), False),
        ("app.log.7.gz", COPY._replace(size=100, mtime_ns=1), COPY._replace(size=100), False),
    ],
)
def test_a_log_that_is_emptied_was_rotated_only_where_its_copy_was_made(
    name: str, before: FileState | None, after: FileState, rotated: bool
) -> None:
    old = {"app.log": LOG} | ({name: before} if before else {})
    told = _told(old, {"app.log": EMPTIED, name: after}, "app.log", name)
    assert ("/d/app.log rotated safe" in told) == rotated, told
    assert ("/d/app.log altered content destructive security" in told) != rotated, told


def test_a_log_of_megabytes_is_in_no_handful_of_bytes() -> None:
    large = LOG._replace(size=5 * 2**20)
    for size, rotated in ((100, False), (60_000, True)):
        told = _told({"app.log": large}, {"app.log": EMPTIED, "app.log.1.gz": COPY._replace(size=size)}, "app.log")
        assert ("/d/app.log rotated safe" in told) == rotated, told


NEW = LOG._replace(inode=9, size=0, head="", mtime_ns=60 * 10**9)


@pytest.mark.parametrize(
    ("fresh", "copy", "expected"),
    [
        ({}, {}, ["/d/app.log rotated safe"]),
        ({"mode": 0o600}, {"mode": 0o600}, ["/d/app.log rotated safe"]),
        ({"mode": 0o4777}, {}, ["/d/app.log rotated mode breaking security"]),
        ({"mode": 0o646}, {}, ["/d/app.log rotated mode breaking security"]),
        ({"uid": 5}, {}, ["/d/app.log rotated owner breaking security"]),
        ({"gid": 5}, {}, ["/d/app.log rotated group cautious security"]),
        ({"rights": "capabilities=0x1"}, {}, ["/d/app.log rotated rights breaking security"]),
        ({"kind": "link", "target": "/etc/shadow", "mode": 0o777}, {}, ["/d/app.log rotated type breaking security"]),
        ({}, {"mode": 0o4777}, ["/d/app.log rotated safe", "/d/app.log.1 altered mode breaking security"]),
        ({}, {"uid": 5}, ["/d/app.log rotated safe", "/d/app.log.1 altered owner breaking security"]),
        ({}, {"size": 10}, ["/d/app.log replaced content inode destructive security", "/d/app.log.1 added safe"]),
    ],
)
def test_a_rotation_excuses_nothing_but_the_rotation(fresh: dict[str, object], copy: dict[str, object], expected: list[str]) -> None:
    log = LOG._replace(rights="")
    new = NEW._replace(rights="")._replace(**fresh)  # type: ignore[arg-type]
    assert _told({"app.log": log}, {"app.log": new, "app.log.1": log._replace(**copy)}, "app.log") == expected  # type: ignore[arg-type]


def test_each_copy_that_moves_up_keeps_its_permissions() -> None:
    one, two = COPY._replace(inode=21, head=EARLIER), COPY._replace(inode=22, size=300, head=EARLIER)
    old = {"app.log": LOG, "app.log.1": one, "app.log.2": two}
    new = {"app.log": NEW, "app.log.1": LOG, "app.log.2": one._replace(mode=0o666), "app.log.3": two}
    assert _told(old, new, "app.log") == ["/d/app.log rotated safe", "/d/app.log.2 altered mode breaking security"]


def test_a_copy_that_root_makes_is_roots() -> None:
    log = LOG._replace(uid=7, gid=7)
    copy = COPY._replace(uid=0, gid=0, head=NOW)
    assert _told({"app.log": log}, {"app.log": log._replace(size=0), "app.log.1": copy}, "app.log") == ["/d/app.log rotated safe"]
    copy = copy._replace(uid=8)
    assert "/d/app.log.1 altered owner breaking security" in _told({"app.log": log}, {"app.log": EMPTIED, "app.log.1": copy}, "app.log")


def test_a_copy_compressed_a_rotation_later_belongs_to_it() -> None:
    """With logrotate's `delaycompress` the older copy is compressed and moves up at once."""
    one = COPY._replace(inode=21, head=EARLIER)
    old = {"app.log": LOG, "app.log.1": one}
    new = {"app.log": NEW, "app.log.1": LOG, "app.log.2.gz": COPY._replace(inode=22, size=100, head=EARLIER)}
    assert _told(old, new, "app.log") == ["/d/app.log rotated safe"]


def test_a_copy_that_is_removed_is_not_excused_by_something_with_the_name_of_a_compressed_one() -> None:
    old = {"app.log": LOG, "app.log.1": COPY._replace(head=EARLIER)}
    new = {"app.log": LOG, "app.log.1.gz": COPY._replace(inode=22, size=5, head=heads.BROKEN)}
    assert _told(old, new, "app.log") == ["/d/app.log.1 dropped destructive", "/d/app.log.1.gz added safe"]


def test_a_log_that_gives_way_to_a_shorter_one_lost_content() -> None:
    assert _told({"app.log": LOG}, {"app.log": LOG._replace(inode=9, size=900), "kept": LOG}, "app.log") == [
        "/d/app.log replaced content inode destructive security",
        "/d/kept added safe",
    ]


def test_a_log_that_was_emptied_and_is_longer_by_now_was_rotated_all_the_same() -> None:
    grown = LOG._replace(size=2000, head=EARLIER, mtime_ns=60 * 10**9)
    assert _told({"app.log": LOG}, {"app.log": grown, "app.log.1": COPY._replace(head=NOW)}, "app.log") == ["/d/app.log rotated safe"]


@pytest.mark.parametrize(
    ("new", "expected"),
    [
        (LOG._replace(size=2000, head=EARLIER, mtime_ns=60 * 10**9), "altered content destructive security"),
        (LOG._replace(head=EARLIER, mtime_ns=60 * 10**9), "altered content destructive security"),
        (LOG._replace(inode=9, head=EARLIER), "replaced content inode destructive security"),
        (LOG._replace(inode=9), "replaced content inode cautious"),
    ],
)
def test_a_log_that_begins_otherwise_lost_content_whatever_its_size(new: FileState, expected: str) -> None:
    assert _told({"app.log": LOG}, {"app.log": new}, "app.log") == [f"/d/app.log {expected}"]


def test_a_copy_that_was_given_the_number_and_the_size_of_an_older_one_is_another() -> None:
    """With logrotate's `copytruncate`, `compress` and `delaycompress`, of logs of equal sizes."""
    one = COPY._replace(inode=21, head=EARLIER)
    old = {"app.log": LOG, "app.log.1": one}
    new = {"app.log": EMPTIED, "app.log.1": one._replace(head=NOW), "app.log.2.gz": COPY._replace(inode=22, size=100, head=EARLIER)}
    assert _told(old, new, "app.log", *new) == ["/d/app.log rotated safe"]


@pytest.mark.parametrize("suffix", heads.SUFFIXES)
def test_a_copy_begins_as_its_log_compressed_or_not(suffix: str, tmp_path: Path) -> None:
    text = b"".join(b"%05d something happened\n" % i for i in range(20_000))
    log, copy, other = (tmp_path / name for name in ("app.log", f"app.log.1{suffix}", f"app.log.2{suffix}"))
    log.write_bytes(text)
    copy.write_bytes(_packed(text, suffix))
    other.write_bytes(b"nothing compressed" * 100)
    head = heads.read(str(log), log.name, ())
    assert head is not None
    assert len(head) == 32
    assert heads.read(str(copy), copy.name, ()) in (head, "")
    assert (heads.read(str(copy), copy.name, ()) == head) == (suffix in (".gz", ".xz", ".bz2") and len(_packed(text, suffix)) < 2**17)
    assert heads.read(str(other), other.name, ()) == heads.BROKEN


def _packed(text: bytes, suffix: str) -> bytes:
    compress = {".gz": gzip.compress, ".xz": lzma.compress, ".bz2": bz2.compress}.get(suffix)
    magic = {".zst": b"\x28\xb5\x2f\xfd", ".lz4": b"\x04\x22\x4d\x18", ".Z": b"\x1f\x9d"}
    return compress(text) if compress is not None else magic[suffix] + text


def test_what_begins_a_log_is_known_as_it_grows() -> None:
    text = b"".join(b"%05d something happened\n" % i for i in range(1000))
    assert heads.of_text(text[:63]) == ""
    assert heads.of_text(text[:5000]).startswith(heads.of_text(text[:300]))
    assert not heads.differ(heads.of_text(text[:300]), heads.of_text(text))
    assert heads.differ(heads.of_text(text[:300]), heads.of_text(b"x" + text))
    assert heads.of_text(bytes(5000)) == heads.BINARY


def test_another_directory_of_the_name_is_not_called_a_file() -> None:
    folder = STATE._replace(kind="directory", digest=None)
    difference = compare("/etc/app.d", folder, folder._replace(inode=8))
    assert difference is not None
    assert weigh(difference).reason.startswith("another directory")


def test_rights_that_were_not_known_are_no_news_and_those_that_go_no_matter_of_security() -> None:
    assert compare("/a", STATE._replace(rights=None), STATE._replace(rights="acl=0123")) is None
    difference = compare("/a", STATE._replace(rights="acl=0123"), STATE)
    assert difference is not None
    assert not weigh(difference).security


def test_times_alone_are_no_difference_and_numbers_that_are_made_up_neither() -> None:
    assert compare("/a", STATE, STATE._replace(mtime_ns=9, ctime_ns=9, links=2)) is None
    assert compare("/a", STATE._replace(inode=0), STATE) is None


def test_a_secret_that_all_may_read_now_is_a_matter_of_security() -> None:
    difference = compare("/etc/server.key", STATE._replace(mode=0o600), STATE)
    assert difference is not None
    assert weigh(difference).security


def test_what_is_remembered_is_what_was_seen_whatever_the_names() -> None:
    states = {"a\udcff\nb": STATE, "ä": STATE._replace(kind="link", target="\udcfe")}
    assert load(dump(states)) == states
    assert shown("/a\udcff\nb") == r"/a\xff\nb"
    with pytest.raises(ValueError, match="not a memory"):
        load(b"something else")


def test_a_shelf_writes_only_the_pieces_that_moved() -> None:
    memory: dict[str, bytes | None] = {}
    collector = Collector("x", "", (), lambda _session, _run: None)

    def run() -> Run:
        return Run(collector, time.monotonic() + 10, memory.get)

    first = run()
    shelf = Shelf(first, "/d")
    for i in range(5000):
        shelf.put(f"f{i}", STATE)
    shelf.save()
    memory |= first.remembered
    second = run()
    shelf = Shelf(second, "/d")
    assert shelf.some(["f7", "none"]) == {"f7": STATE}
    shelf.put("f7", None)
    shelf.save()
    assert len([key for key in second.remembered if key.startswith("dir:/d:")]) == 1
    memory |= second.remembered
    assert len(Shelf(run(), "/d").states()) == 4999


def test_a_call_that_hangs_is_left_behind_and_not_asked_again() -> None:
    beside, answer, calls = Beside(), threading.Event(), []

    def hang() -> str:
        calls.append(1)
        answer.wait(20)
        return "late"

    with pytest.raises(Hung):
        beside.do("/mnt", hang, 0.1)
    began = time.monotonic()
    with pytest.raises(Hung):
        beside.do("/mnt", hang, 5)
    assert time.monotonic() - began < 2
    assert beside.do("/other", lambda: "at once", 5) == "at once"
    answer.set()
    limit = time.monotonic() + 10
    while True:
        try:
            assert beside.do("/mnt", lambda: "again", 5) == "again"
            break
        except Hung:
            assert time.monotonic() < limit
            time.sleep(0.02)
    assert len(calls) == 1
    with pytest.raises(FileNotFoundError):
        beside.do("/mnt", lambda: Path("/does/not/exist").stat(), 5)


def test_no_more_threads_hang_than_may() -> None:
    beside, answer = Beside(most_threads=2), threading.Event()
    for i in range(4):
        with pytest.raises(Hung):
            beside.do(f"/mnt{i}", lambda: answer.wait(20), 0.05)
    assert sum(t.name == "tocsin-look" for t in threading.enumerate()) >= 2
    answer.set()


def test_places_are_known_by_the_text_of_a_path() -> None:
    mounts = "1 0 8:1 / / rw - ext4 /dev/sda rw\n2 1 0:5 / /mnt/nas rw - nfs4 nas:/ rw\n3 1 0:6 / /proc rw - proc proc rw\n"
    places = Places(list(parse(mounts)))
    assert places.of("/mnt/nas/a/b").may_hang
    assert not places.of("/mnt/nasty").may_hang
    assert places.of("/proc/1").of_the_kernel
    assert list(places.that_may_hang_in("/mnt")) == ["nas"]


# A few files that a source knows by name


class Memory:
    def __init__(self) -> None:
        self.kept: dict[str, bytes | None] = {}
        self.collector = Collector("files", "", METRICS, lambda _session, _run: None)

    def look(self, *paths: Watched) -> Run:
        run = Run(self.collector, time.monotonic() + 10, self.kept.get)
        collect_paths(run, paths)
        self.kept |= run.remembered
        return run


def test_named_files_are_a_baseline_first_and_told_once(tmp_path: Path) -> None:
    memory = Memory()
    app, wal, conf = (tmp_path / name for name in ("app.db", "app.db-wal", "app.conf"))
    app.write_bytes(b"SQLite format 3\0" + bytes(100))
    conf.write_text("port = 1\npassword = hunter2hunter2\n")
    paths = (Watched(app), Watched(wal, comes_and_goes=True), Watched(conf, content=True, diff=True))
    assert memory.look(*paths).events == []
    wal.write_bytes(b"x")
    app.write_bytes(b"SQLite format 3\0" + bytes(200))
    assert memory.look(*paths).events == [], "a log that comes, and a database that is written to"
    conf.write_text("port = 2\npassword = hunter3hunter3\n")
    wal.chmod(0o666)
    app.unlink()
    events = memory.look(*paths).events
    assert [(Path(e.object).name, e.change, e.security) for e in events] == [
        ("app.db", "dropped", False),
        ("app.db-wal", "altered", True),
        ("app.conf", "altered", False),
    ]
    assert "+port = 2" in events[2].detail["diff"]
    assert "hunter" not in str(events)
    assert memory.look(*paths).events == []
