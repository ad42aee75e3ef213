"""In place of the reference exporters: their environment, their command line, their scrape configuration, as the README says."""

from __future__ import annotations

import re
import sys
import urllib.parse
from pathlib import Path

from mariadb import MariaDB
from servers import ROOT, Child, Postgres, free_port, get, get_json, until
from servers import tocsin as serving
from tools import need

HEADING = "## In place of postgres_exporter or mysqld_exporter"


def blocks(language: str) -> list[str]:
    """Return the code of one language under the heading."""
    text = (ROOT / "README.md").read_text().partition(HEADING)[2].partition("\n## ")[0]
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


def run(commands: str, folder: Path) -> Child:
    binaries = Path(sys.executable).parent
    return Child(
        ["sh", "-ec", f"cd {folder}\nPATH={binaries}:$PATH\n{commands.replace('tocsin serve', 'exec tocsin serve')}"], folder / "log"
    )


def test_commands_of_the_readme_replace_postgres_exporter(postgres: Postgres, tmp_path: Path) -> None:
    commands, *others = blocks("sh")
    port = free_port()
    (tmp_path / "password").write_text("any\n")
    commands = commands.replace("127.0.0.1:5432", f"127.0.0.1:{postgres.port}").replace(":9187", f":{port}").replace("tocsin@", "postgres@")
    child = run(commands, tmp_path)
    try:
        page = until(lambda: get(f"http://127.0.0.1:{port}/metrics")[1])
        assert "\npg_up 1\n" in page, child.text()
    finally:
        assert child.stop() == 0, child.text()
    (tmp_path / "postgres_exporter.yml").write_text(
        "auth_modules:\n  foo1:\n    type: userpass\n    userpass:\n      username: postgres\n      password: x\n"
    )
    (other,) = others
    child = run(other.replace(":9187", f":{port}"), tmp_path)
    try:
        url = f"http://127.0.0.1:{port}/probe?target=127.0.0.1:{postgres.port}/postgres&auth_module=foo1"
        assert "\npg_up 1\n" in until(lambda: get(url)[1])
    finally:
        assert child.stop() == 0, child.text()


# As the manuals of both exporters have it, but for the address of the exporter.
SCRAPES = """
global: {{scrape_interval: 1s, scrape_timeout: 1s}}
scrape_configs:
  - job_name: postgres
    static_configs:
      - targets: ['{postgres}']
    metrics_path: /probe
    params:
      auth_module: [foo1]
    relabel_configs: &relabel
      - source_labels: [__address__]
        target_label: __param_target
      - source_labels: [__param_target]
        target_label: instance
      - target_label: __address__
        replacement: {exporter}
  - job_name: mysql
    params:
      auth_module: [client.servers]
    static_configs:
      - targets: ['{mariadb}', '{nobody}']
    metrics_path: /probe
    relabel_configs: *relabel
"""


def test_public_scrape_configurations_of_many_targets_work_unchanged(postgres: Postgres, mariadb: MariaDB, tmp_path: Path) -> None:
    prometheus = need("prometheus")
    (tmp_path / ".my.cnf").write_text("[client]\nuser = exporter\npassword = x\n[client.servers]\nport = 3306\n")
    (tmp_path / "tocsin.yaml").write_text(
        f"server: {{listen: '127.0.0.1:0'}}\nstate_dir: {tmp_path}/state\nmy_cnf: .my.cnf\n"
        "auth_modules:\n  foo1:\n    type: userpass\n    userpass:\n      username: postgres\n      password: x\n"
        "    options:\n      sslmode: disable\n"
    )
    places = {
        "postgres": f"127.0.0.1:{postgres.port}", "mariadb": f"127.0.0.1:{mariadb.port}", "nobody": f"127.0.0.1:{free_port()}",
    }  # fmt: skip
    port = free_port()
    with serving(tmp_path / "tocsin.yaml", tmp_path) as (url, _):
        (tmp_path / "prometheus.yaml").write_text(SCRAPES.format(exporter=url.removeprefix("http://"), **places))
        child = Child(
            [prometheus, f"--config.file={tmp_path}/prometheus.yaml", f"--storage.tsdb.path={tmp_path}/tsdb",
             f"--web.listen-address=127.0.0.1:{port}"], tmp_path / "prometheus.log",
        )  # fmt: skip
        try:

            def value(expression: str) -> str | None:
                answer = get_json(f"http://127.0.0.1:{port}/api/v1/query?query={urllib.parse.quote(expression)}")
                return next((result["value"][1] for result in answer["data"]["result"]), None)

            for expression, expected in (
                (f'pg_up{{job="postgres",instance="{places["postgres"]}"}}', "1"),
                (f'mysql_up{{job="mysql",instance="{places["mariadb"]}"}}', "1"),
                (f'mysql_up{{job="mysql",instance="{places["nobody"]}"}}', "0"),
                ("min(up)", "1"),
            ):
                assert until(lambda expression=expression: value(expression), 60) == expected  # type: ignore[misc]
        finally:
            child.stop()
