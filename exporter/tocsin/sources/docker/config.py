"""The options of a Docker target, and where its engine is."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from tocsin.options import LocalOptions, option

DEFAULT_URL = "unix:///var/run/docker.sock"


def _is_url(url: str | None) -> str | None:
    wanted = "unix:///path, tcp://host:port or https://host:port"
    known = url is None or (url.startswith(("unix:///", "tcp://", "http://", "https://")) and "@" not in url)
    return None if known else wanted


def _names(labels: tuple[str, ...]) -> tuple[str, ...]:
    return tuple("container_label_" + re.sub(r"[^a-zA-Z0-9_]", "_", label) for label in labels)


def _are_apart(labels: tuple[str, ...]) -> str | None:
    return None if len(set(_names(labels))) == len(labels) else "labels whose names stay different when . and - become _"


class Tls(NamedTuple):
    """Files in PEM format: who may sign the engine's certificate, and what we show it."""

    ca: Path | None
    cert: Path | None
    key: Path | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DockerOptions(LocalOptions):
    url: str | None = option(
        None,
        help=f"address of the engine, or of a proxy before it; without it DOCKER_HOST, else `{DEFAULT_URL}`",
        check=_is_url,
        example=DEFAULT_URL,
    )
    tls_ca: Path | None = option(None, help="certificates that may sign the engine's; switches TLS on for tcp")
    tls_cert: Path | None = option(None, help="certificate to show the engine")
    tls_key: Path | None = option(None, help="key of that certificate")
    container_labels: tuple[str, ...] = option(
        (), help="labels of containers that become `container_label_...` of cAdvisor's series; none without it", check=_are_apart,
        example=("com.docker.compose.project",),
    )  # fmt: skip
    cgroup_root: Path = option(Path("/sys/fs/cgroup"), help="where the host's cgroups are mounted")
    proc_root: Path = option(Path("/proc"), help="where the host's /proc is mounted; in a container needs the host's, read-only")

    @property
    def label_names(self) -> tuple[str, ...]:
        """What cAdvisor calls the chosen labels."""
        return _names(self.container_labels)

    @property
    def address(self) -> str:
        return where(self)


def where(options: DockerOptions, environment: Mapping[str, str] = os.environ) -> str:
    """Return the engine's address: the option's, else the environment's, else the usual one."""
    return options.url or environment.get("DOCKER_HOST") or DEFAULT_URL


def tls_of(options: DockerOptions, environment: Mapping[str, str] = os.environ) -> Tls | None:
    """Return the files for TLS, None without it. As for the docker command, the environment's count only for the environment's address."""
    if options.tls_ca or options.tls_cert or where(options, environment).startswith("https://"):
        return Tls(options.tls_ca, options.tls_cert, options.tls_key)
    if options.url is None and environment.get("DOCKER_TLS_VERIFY") and environment.get("DOCKER_HOST", "").startswith("tcp://"):
        folder = Path(environment.get("DOCKER_CERT_PATH") or Path.home() / ".docker")
        return Tls(folder / "ca.pem", folder / "cert.pem", folder / "key.pem")
    return None
