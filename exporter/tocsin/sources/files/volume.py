"""How Kubernetes changes the files that it mounts, all at once: https://pkg.go.dev/k8s.io/kubernetes/pkg/volume/util#AtomicWriter."""

from __future__ import annotations

from collections.abc import Mapping

from tocsin.filewatch.state import LINK, FileState

DATA, _NEXT = "..data", "..data_tmp"


def plumbing(old: Mapping[str, FileState], new: Mapping[str, FileState]) -> set[str]:
    """Return the names in a mounted volume that are no files of its: they come and go with each change, and each file tells of itself.

    A file is a link by way of `..data`, which leads to a directory; another one is made, and `..data` renamed over to lead there.
    """
    links = [states[DATA] for states in (old, new) if DATA in states and states[DATA].kind == LINK]
    return {DATA, _NEXT, *(link.target or "" for link in links)} if links else set()
