"""Undo entries by block, so that a reorganisation rolls the book back exactly."""

from collections import deque
from collections.abc import Callable
from typing import Any, NamedTuple

from keeper.types import BlockRef

DEPTH = 128
"""Blocks kept: twice what Ethereum needs to finalise. A deeper fork restores a snapshot."""

Undo = tuple[Callable[[Any, Any], None], Any, Any]


class Entry(NamedTuple):
    """The changes of one block and the block the book stood at before them."""

    previous: BlockRef
    changes: list[Undo]


class Journal:
    """Records how to undo each change made since `open_block`, for the last DEPTH blocks."""

    def __init__(self) -> None:
        self._entries: deque[Entry] = deque(maxlen=DEPTH)
        self._open: list[Undo] | None = None

    def note(self, restore: Callable[[Any, Any], None], where: Any, old: Any) -> None:
        """Remember that `restore(where, old)` undoes the change about to be made."""
        if self._open is not None:
            self._open.append((restore, where, old))

    def open_block(self, previous: BlockRef) -> None:
        """From now on changes belong to the block that follows `previous` in the book."""
        self._open = []
        self._entries.append(Entry(previous, self._open))

    def undo_last(self) -> BlockRef | None:
        """Undo the newest block; return the block the book stands at now, None if nothing is left."""
        if not self._entries:
            return None
        entry = self._entries.pop()
        for restore, where, old in reversed(entry.changes):
            restore(where, old)
        # What is learnt now belongs to the block the book stands at, and goes when that goes.
        self._open = self._entries[-1].changes if self._entries else None
        return entry.previous
