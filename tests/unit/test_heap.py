"""What the C library keeps of free memory, in processes of their own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SERVICE = """
from pathlib import Path
from tocsin.config import parse
from tocsin.service import Service
service = Service(parse("targets: []", "x", Path("."), {{}}), listen="127.0.0.1:0", state_dir=Path("."))
"""
HEAPS = """
import re, threading
from contextlib import nullcontext
everyone, enough = threading.Barrier(9), threading.Event()
def work():
    held = [bytes(3000) for _ in range(300)]
    everyone.wait(20)
    enough.wait(20)
with {}:
    for _ in range(8):
        threading.Thread(target=work, daemon=True).start()
    everyone.wait(20)
    # glibc reserves 64 MiB for each heap beside the first: what is used of it, and the rest, which nobody may touch.
    maps = re.findall(r"^([0-9a-f]+)-([0-9a-f]+) (rw-p|---p) 0+ 00:00 0", open("/proc/self/maps").read(), re.MULTILINE)
    spans = [(int(a, 16), int(b, 16), mode) for a, b, mode in maps]
    print(sum(b == c and d - a == 64 << 20 for (a, b, m), (c, d, n) in zip(spans, spans[1:]) if (m, n) == ("rw-p", "---p")))
    enough.set()
"""
TRIMMED = """
from tocsin import heap
def resident():
    return int(open("/proc/self/statm").read().split()[1]) * 4096
held = [bytes(3000) for _ in range(20_000)]
del held[:-1]
before = resident()
heap.trim()
print(before - resident())
"""


def printed(script: str, folder: Path) -> int:
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=folder, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


@pytest.fixture
def of_glibc(tmp_path: Path) -> None:
    if printed("import ctypes; print(int(hasattr(ctypes.CDLL(None), 'mallopt')))", tmp_path) == 0:
        pytest.skip("not glibc")


@pytest.mark.usefixtures("of_glibc")
def test_threads_of_the_exporter_share_one_heap(tmp_path: Path) -> None:
    assert printed(HEAPS.format("nullcontext()"), tmp_path) > 0
    assert printed((SERVICE + HEAPS).format("service"), tmp_path) == 0


@pytest.mark.usefixtures("of_glibc")
def test_what_is_free_is_given_back(tmp_path: Path) -> None:
    assert printed(TRIMMED, tmp_path) > 30 * 2**20
