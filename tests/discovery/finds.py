"""What tests let be found, and configurations that say something of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tocsin import config
from tocsin.config import Config
from tocsin.discovery.found import Found

ID = "a" * 64


def container(name: str = "orders", *addresses: str, **words: Any) -> Found:
    """A PostgreSQL server in a container, unless the words say something else."""
    usual = {
        "engine": "postgres", "name": name, "addresses": addresses or ("172.17.0.2:5432",), "origin": "container", "place": name,
        "key": (name.encode().hex() + ID)[:64], "image": "postgres:16", "evidence": ("the image is called postgres",),
    }  # fmt: skip
    return Found(**{**usual, **words})


def process(name: str, *addresses: str, **words: Any) -> Found:
    usual = {"engine": "postgres", "name": name, "addresses": addresses, "origin": "process", "place": "pid 7", "key": addresses[0]}
    return Found(**{**usual, **words})


def file(path: Path | str, engine: str = "sqlite") -> Found:
    name = Path(path).name
    return Found(engine=engine, name=name, addresses=(str(path),), origin="file", place=str(path), key=str(path))


def parse(text: str, folder: Path = Path("/etc/tocsin")) -> Config:
    return config.parse(text, "tocsin.yaml", folder, {})
