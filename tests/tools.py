"""The programs that tests call, found on PATH."""

from __future__ import annotations

import os
import shutil
from typing import NoReturn

import pytest


def need(*names: str) -> str:
    """Return the path of a program that goes by one of these names. Without it the test skips, and with CI=true it fails."""
    for name in names:
        if path := shutil.which(name):
            return path
    return lacking(f"{' or '.join(names)} is not installed")


def lacking(message: str) -> NoReturn:
    """Skip with the reason; with CI=true what is lacking is a failure."""
    if os.environ.get("CI") == "true":
        pytest.fail(message)
    pytest.skip(message)
