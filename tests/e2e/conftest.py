from __future__ import annotations

from collections.abc import Iterator

import pytest

from engine import Docker, engine


@pytest.fixture(scope="session")
def docker() -> Iterator[Docker]:
    with engine() as run:
        yield run
