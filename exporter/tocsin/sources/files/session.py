"""A session with a target's files: there is nothing to open, only what is known of them."""

from __future__ import annotations

from tocsin.source import Run
from tocsin.sources.files.config import FilesOptions
from tocsin.sources.files.view import view_of


class FilesSession:
    def __init__(self, options: FilesOptions) -> None:
        self.options = options
        self.view = view_of(options)

    def begin(self, runs: list[Run]) -> None:
        """Nothing: a path that is not there is a finding, and no failure."""

    def close(self) -> None:
        """Nothing is open."""
