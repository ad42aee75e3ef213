"""The programs that tests call, found on PATH."""

from __future__ import annotations

import os
import shutil

import pytest


def need(*names: str) -> str:
    """Return the path of a program that goes by one of these names. Without it the test skips, and with CI=true it fails."""
    for name in names:
        if path := shutil.which(name):
            return path
    message = f"{' or '.join(names)} is not installed"
    if os.environ.get("CI") == "true":
        pytest.fail(message)
    pytest.skip(message)
