from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from case import Case, Outcome, postgres_database, run, sqlite_database


@pytest.fixture(scope="session")
def outcome(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Callable[[Path], Outcome]:
    """Return a case's outcome; the engine is asked once."""
    known: dict[Path, Outcome] = {}
    folder = tmp_path_factory.mktemp("cases")

    def find(path: Path) -> Outcome:
        if path not in known:
            case = Case.load(path)
            if path.parent.name == "postgres":
                place = postgres_database(request.getfixturevalue("postgres"))
            else:
                place = sqlite_database(folder / f"{path.stem}.db")
            with place as (execute, look):
                known[path] = run(case, execute, look)
        return known[path]

    return find
