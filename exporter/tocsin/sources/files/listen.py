"""Hearing from the kernel that files changed, in a thread of the target's own."""

from __future__ import annotations

import threading
from collections.abc import Callable

from tocsin.sources.files.config import FilesOptions
from tocsin.sources.files.view import view_of


def listen(options: FilesOptions, wake: Callable[[], None], stopped: threading.Event) -> None:
    """Wake when something may have moved and has become quiet, until stopped. The watches are taken by who looks."""
    tree = view_of(options).tree
    tree.open()
    try:
        while tree.wait(stopped):
            wake()
    finally:
        tree.close()
