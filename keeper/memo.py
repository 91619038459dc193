"""Answers that come up again and again, kept as long as there is room."""

from collections.abc import Callable
from typing import TypeVar

K = TypeVar("K")
V = TypeVar("V")

ROOM = 1 << 15
"""Keys that a memo holds at most: a few megabytes."""


class Memo(dict[K, V]):
    """`memo[key]` is `of(key)`, computed once while there is room; at ROOM keys it starts afresh.

    For functions that cost more than a look into a dictionary and are asked for every log. What comes
    again is the same object, so that it is cheaper to hash and to compare too.
    """

    def __init__(self, of: Callable[[K], V]) -> None:
        super().__init__()
        self._of = of

    def __missing__(self, key: K) -> V:
        if len(self) >= ROOM:
            self.clear()
        value = self[key] = self._of(key)
        return value
