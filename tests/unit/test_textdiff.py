from __future__ import annotations

import subprocess
import time
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tocsin import mask
from tocsin.filewatch.textdiff import LONGEST_LINE, MOST_BYTES, MOST_LINES, unified


def numbered(count: int) -> list[str]:
    return [f"line {i}" for i in range(count)]


def test_one_changed_line_is_told_with_three_lines_around():
    old = numbered(20)
    new = [*old[:10], "another", *old[11:]]
    assert unified("\n".join(old), "\n".join(new)).split("\n") == [
        "@@ -8,7 +8,7 @@", " line 7", " line 8", " line 9", "-line 10", "+another", " line 11", " line 12", " line 13",
    ]  # fmt: skip


def test_what_changed_in_masked_values_alone_is_said():
    old, new = (mask.text(f"user = bob\npassword = {word}\n") for word in ("hunter2", "hunter3"))
    assert unified(old, new) == mask.ONLY_MASKED


def test_only_ends_of_lines_are_said():
    assert unified("a\nb", "a\nb\n") == "(ends of lines)"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (numbered(3000), []),
        ([], numbered(3000)),
        (numbered(10_000), [f"other {i}" for i in range(10_000)]),
        (["x" * 10**6], ["y" * 10**6]),
        (["é" * 290] * 150, ["ü" * 290] * 150),
        (["a", "b"] * 5000, ["b", "a"] * 5000),
    ],
)
def test_a_diff_is_bounded_however_much_changed(old, new):
    began = time.process_time()
    lines = unified("\n".join(old), "\n".join(new)).split("\n")
    assert time.process_time() - began < 5
    assert len(lines) <= MOST_LINES + 1
    assert len("\n".join(lines).encode()) <= MOST_BYTES + 100
    assert max(map(len, lines)) <= LONGEST_LINE + 60
    assert lines[-1].endswith(("lines more)", "characters more)"))


TEXTS = st.lists(st.sampled_from(["a", "b", "c", "d", "", "e e"]), max_size=30).map(lambda lines: "".join(f"{line}\n" for line in lines))


@settings(max_examples=150, deadline=None)
@given(TEXTS, TEXTS)
@example("a\na\na\nb\nb\nb\na\na\n", "a\na\na\nc\nb\nb\nb\nb\na\na\n")
def test_patch_makes_the_new_text_of_the_old_one(tmp_path_factory, old, new):
    if old == new:
        return
    folder: Path = tmp_path_factory.mktemp("patch")
    (folder / "a").write_text(old)
    (folder / "p").write_text(f"--- a\n+++ a\n{unified(old, new)}\n")
    done = subprocess.run(["patch", "-s", "-f", "-o", "-", "a", "p"], cwd=folder, capture_output=True, text=True, timeout=20)
    assert done.stdout == new, done.stderr + unified(old, new)
