from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from case import Case, Outcome, duckdb_database, mysql_database, postgres_database, run, sqlite_database


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
            elif path.parent.name == "mysql":
                place = mysql_database(request.getfixturevalue("mariadb"))
            elif path.parent.name == "duckdb":
                place = duckdb_database(folder / f"{path.stem}.duckdb")
            else:
                place = sqlite_database(folder / f"{path.stem}.db")
            with place as (execute, look):
                known[path] = run(case, execute, look)
        return known[path]

    return find
