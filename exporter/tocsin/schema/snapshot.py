"""What is remembered of one database's schema between runs: its objects by root, and a digest of each root.

Kept root by root, so that one changed table among ten thousand costs one small read and one small write.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator
from hashlib import sha256

from tocsin.schema.model import Object, combined, digest, dump, load, rotates
from tocsin.source import Run

_HEX = 64


class Snapshot:
    """One database's remembered schema, read and written through a run."""

    def __init__(self, run: Run, database: str) -> None:
        self._run = run
        self._database = database
        kept = recall(run, f"roots:{database}")
        self.marks: dict[str, str] = json.loads(zlib.decompress(kept)) if kept else {}
        """By root: the digest of its objects' canonical form, and one of the names and numbers that the form leaves out."""
        self.existed = kept is not None

    def part(self, root: str) -> list[Object]:
        """Return the objects of a root as they were remembered, none of an unknown one."""
        kept = recall(self._run, self._key(root)) if root in self.marks else None
        return load(kept) if kept else []

    def put(self, root: str, objects: list[Object]) -> None:
        """Remember a root's objects, or forget it where there are none."""
        if objects:
            self.marks[root] = mark(objects)
            self._run.remember(self._key(root), dump(objects))
        elif self.marks.pop(root, None) is not None:
            self._run.remember(self._key(root), None)

    def save(self) -> None:
        self._run.remember(f"roots:{self._database}", self._packed())

    def _packed(self) -> bytes:
        return zlib.compress(json.dumps(self.marks, ensure_ascii=False).encode(), 1)

    def fingerprint(self) -> str:
        return combined(m[:_HEX].strip() for m in self.marks.values())

    def objects(self) -> Iterator[Object]:
        """Yield everything that is remembered."""
        for root in self.marks:
            yield from self.part(root)

    def take(self) -> dict[str, bytes]:
        """Forget all of it, and return it as it was kept, by root."""
        found = {root: kept for root in self.marks if (kept := recall(self._run, self._key(root))) is not None}
        marks = self._packed()
        for key in (*map(self._key, found), f"roots:{self._database}"):
            self._run.remember(key, None)
        return {"": marks} | found if self.existed else {}

    def put_down(self, taken: dict[str, bytes]) -> None:
        """Remember what another one took up."""
        for root, kept in taken.items():
            self._run.remember(self._key(root) if root else f"roots:{self._database}", kept)

    def _key(self, root: str) -> str:
        return f"root:{self._database}:{root}"


def mark(objects: list[Object]) -> str:
    """Return by what a root is known to be the same: two digests, of what counts and of what only identifies."""
    rotating = any(map(rotates, objects))  # what the digest leaves out is told all the same
    rest = sorted(ascii((o.kind, o.parent, o.name, o.identity, *(o.traits if rotating else ()))) for o in objects)
    return digest(objects).ljust(_HEX) + sha256("\n".join(rest).encode()).hexdigest()[:16]


def recall(run: Run, key: str) -> bytes | None:
    """Return what this run has already set out to remember, else what an earlier one did."""
    return run.remembered[key] if key in run.remembered else run.recall(key)
