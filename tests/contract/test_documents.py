"""Documents, the example and the wheel's file list equal what is declared."""

from __future__ import annotations

import json
import re
import tomllib

import pytest
import yaml
from jsonschema import Draft202012Validator

from servers import ROOT
from tocsin import catalog, config
from tocsin.bundle import docs
from tocsin.metric import Metric

EXAMPLE = ROOT / "exporter" / "tocsin.example.yaml"


@pytest.mark.parametrize("path", docs.pages())
def test_generated_document_is_up_to_date(path: str) -> None:
    assert (ROOT / path).read_text("utf-8") == docs.pages()[path], "mend with: make docs"


def test_example_loads_and_its_schema_accepts_it() -> None:
    loaded = config.load(EXAMPLE, {})
    assert [t.kind for t in loaded.targets] == ["postgres", "postgres", "mysql", "sqlite", "duckdb", "endpoint", "docker", "files", "host"]
    problems = list(Draft202012Validator(docs.config_schema()).iter_errors(yaml.safe_load(EXAMPLE.read_text())))
    assert not problems, problems


def test_example_shows_every_option() -> None:
    text = EXAMPLE.read_text()
    rows = re.findall(r"^\| `([\w.]+)` \|", docs.config_page(), re.MULTILINE)
    missing = [name for name in rows if not re.search(rf"\b{name.rpartition('.')[2]}:", text)]
    assert not missing


def test_schema_refuses_what_the_loader_refuses() -> None:
    validator = Draft202012Validator(docs.config_schema())
    for wrong in ({"nonsense": 1}, {"targets": [{"name": "a", "kind": "nope"}]}, {"targets": [{"name": "a", "kind": "sqlite"}]}):
        assert not validator.is_valid(wrong)
        with pytest.raises(config.ConfigError):
            config.parse(json.dumps(wrong), "x.yaml", ROOT, {})


def test_one_declaration_a_name() -> None:
    seen: dict[str, object] = {}
    everything = [m for s in catalog.SOURCES for m in (s.up, *(m for c in s.collectors for m in c.metrics))]
    for metric in everything:
        assert seen.setdefault(metric.name, metric) is metric, f"{metric.name} is declared twice"


def test_our_own_names_are_in_base_units() -> None:
    ours = [m for m in catalog.metrics() if isinstance(m, Metric) and m.name.startswith(("tocsin_", "sqlite_", "duckdb_"))]
    assert len(ours) > 20
    for metric in ours:
        assert not re.search(r"_(ms|milliseconds|kb|mb|percent|minutes|hours)(_|$)", metric.name)
        assert (metric.type == "counter") == metric.name.endswith("_total"), metric.name
        assert metric.help.endswith((".", "`.")) or metric.help[-1].isalnum(), metric.name


def test_wheel_carries_every_rule_file_and_no_secret() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    carried = project["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    assert {f"rules/{f.name}" for f in (ROOT / "rules").glob("*.yaml")} <= carried.keys()
    assert not any(path.startswith("compose") for path in carried)
