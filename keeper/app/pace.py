"""How fast the chain moves: when the next block will be, which is the one a plan lands in."""

from math import ceil

from keeper.types import BlockRef

SMOOTHING = 8
"""Weight of the past against the newest interval: slow enough for a missed slot, quick to learn."""

PATIENCE = 12
"""Blocks after the next one that a transaction may wait for; by then it counts as stuck."""


class Pace:
    """Learns the seconds between blocks from the heads it is shown."""

    def __init__(self) -> None:
        self._last: BlockRef | None = None
        self._seconds = 0.0

    def observe(self, head: BlockRef) -> None:
        """Take note of a head; blocks skipped in between count."""
        last, self._last = self._last, head
        if last is None or head.number <= last.number:
            return
        seconds = (head.timestamp - last.timestamp) / (head.number - last.number)
        weight = SMOOTHING if self._seconds else 0
        self._seconds = (self._seconds * weight + seconds) / (weight + 1)

    @property
    def next_timestamp(self) -> int:
        """Seconds; when the block after the last head is expected, at least one second later."""
        if self._last is None:
            raise ValueError("no head has been observed")
        return self._last.timestamp + max(1, round(self._seconds))

    @property
    def patience(self) -> int:
        """Seconds after the next block in which a transaction may still be mined."""
        return max(PATIENCE, ceil(PATIENCE * self._seconds))
