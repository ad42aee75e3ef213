"""What configuration files said when they were last looked at, masked, so that an event can show what is another now."""

from __future__ import annotations

import zlib

from tocsin import mask
from tocsin.filewatch import textdiff
from tocsin.filewatch.tell import key_of
from tocsin.source import Run


class Texts:
    """The remembered texts of a target's files; a secret gets no further than to the mask."""

    def __init__(self, run: Run) -> None:
        self._run = run

    def diff(self, path: str, text: str | None, compared: bool) -> str | None:
        """Remember a text in place of the one before, None forgets it; return how they differ, None where that is not asked for."""
        return self.exchange(path, text, compared)[0]

    def exchange(self, path: str, text: str | None, compared: bool) -> tuple[str | None, int]:
        """Do so, and return too by how many the remembered texts have become more.

        The same text once more means that only what is masked differs, if its content differs at all.
        """
        key = key_of("text", path)
        kept = self._run.remembered[key] if key in self._run.remembered else self._run.recall(key)
        old = zlib.decompress(kept).decode() if kept is not None else None
        new = mask.text(text).encode("utf-8", "replace").decode() if text is not None else None
        if new != old:
            self._run.remember(key, zlib.compress(new.encode(), 6) if new is not None else None)
        more = int(new is not None) - int(old is not None)
        if not compared or old is None or new is None:
            return None, more
        return textdiff.unified(old, new), more
