"""Write every dashboard to grafana/dashboards/: `python -m grafana.build`, a part of `make docs`."""

from __future__ import annotations

from pathlib import Path

from grafana.containers import containers
from grafana.embedded import embedded
from grafana.files import files
from grafana.fleet import fleet
from grafana.host import host
from grafana.mysql import mysql
from grafana.postgres import postgres
from grafana.schema import schema
from tocsin.bundle.dashboard import render

FOLDER = Path(__file__).parent / "dashboards"
DASHBOARDS = (fleet, postgres, mysql, schema, embedded, containers, host, files)


def built() -> dict[str, str]:
    """Return the text of every file in the folder of dashboards, by its name."""
    return {f"{build.__name__}.json": render(build()) for build in DASHBOARDS}


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    for name, text in built().items():
        (FOLDER / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
