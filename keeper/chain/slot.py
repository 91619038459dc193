"""Where what streams deliver waits for whoever reads it."""

import asyncio
from collections import deque
from typing import Generic, Self, TypeVar

T = TypeVar("T")

_REMEMBERED = 4096
"""Names remembered, so that what is told several times counts once."""


class Slot(Generic[T]):
    """Holds up to `capacity` items until somebody takes them, each given once.

    The oldest are dropped first: their time is over.
    """

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._waiting: deque[T] = deque()
        self._seen: dict[str, None] = {}
        self._filled = asyncio.Event()

    def has_seen(self, name: str) -> bool:
        """Whether an item of this name was put here lately."""
        return name in self._seen

    def put(self, name: str, item: T) -> T | None:
        """Let `item` wait; returns the one that was dropped for it."""
        self._seen[name] = None
        if len(self._seen) > _REMEMBERED:
            del self._seen[next(iter(self._seen))]
        self._waiting.append(item)
        self._filled.set()
        return self._waiting.popleft() if len(self._waiting) > self._capacity else None

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> T:
        while not self._waiting:
            self._filled.clear()
            await self._filled.wait()
        return self._waiting.popleft()
