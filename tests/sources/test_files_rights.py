"""What extended attributes allow beyond the permission bits: capabilities of programs, and access lists."""

from __future__ import annotations

import os
import struct
from pathlib import Path

import pytest

from test_files import said, watching
from tools import lacking

CAPABILITY, ACCESS_LIST = "security.capability", "system.posix_acl_access"
NET_RAW = struct.pack("<IIIII", 0x02000001, 1 << 13, 0, 0, 0)
"""Version 2, effective; what is permitted and what is inherited, in two halves. linux/capability.h"""


def _entries(*entries: tuple[int, int, int]) -> bytes:
    """Return an access list: tag, permissions and number of each entry. linux/posix_acl_xattr.h"""
    return struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in entries)


FOR_DAEMON = _entries((0x01, 6, 0xFFFFFFFF), (0x02, 6, 1), (0x04, 4, 0xFFFFFFFF), (0x10, 6, 0xFFFFFFFF), (0x20, 4, 0xFFFFFFFF))


def _set(path: Path, name: str, value: bytes) -> None:
    try:
        os.setxattr(path, name, value)
    except OSError as error:
        lacking(f"{name} may not be set here: {error.strerror}")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    root = tmp_path / "tree"
    root.mkdir()
    for name in ("tool", "conf"):
        (root / name).write_text(f"this is {name}\n")
        (root / name).chmod(0o755 if name == "tool" else 0o664)
    return root


def test_capabilities_are_told_when_they_come_and_when_they_go(tree: Path, tmp_path: Path) -> None:
    with watching(tmp_path, tree) as watch:
        _set(tree / "tool", CAPABILITY, NET_RAW)
        (event,) = watch.check()
        assert said([event], tree) == ["file /tool altered rights breaking security"]
        assert (event.old, event.new) == ("no capabilities and no access list", "capabilities=0x2000")
        os.removexattr(tree / "tool", CAPABILITY)
        assert said(watch.check(), tree) == ["file /tool altered rights cautious"]
        (tree / "new").write_text("x")
        _set(tree / "new", CAPABILITY, NET_RAW)
        (event,) = watch.check()
        assert (event.change, event.security) == ("added", True)
        assert "capabilities" in (event.reason or "")


def test_an_access_list_is_told(tree: Path, tmp_path: Path) -> None:
    with watching(tmp_path, tree) as watch:
        _set(tree / "conf", ACCESS_LIST, FOR_DAEMON)
        (event,) = watch.check()
        assert said([event], tree) == ["file /conf altered rights cautious security"]
        assert "acl=" in (event.new or "")
        assert watch.check() == []
        os.utime(tree / "conf")
        assert watch.check() == []
