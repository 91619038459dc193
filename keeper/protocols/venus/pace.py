"""Block numbers that are not known yet, from the pace of the chain."""

from collections import deque
from fractions import Fraction

REMEMBERED = 64
"""Moments kept: on a busy chain the last few minutes, on a quiet one the last hours."""

SOON = 15
"""Seconds in which a transaction that is planned now should be mined."""

USUAL = Fraction(12)
"""Seconds a block until two moments were seen."""


class Pace:
    """Remembers (block number, timestamp) of blocks seen and extends them.

    An estimate and nothing else: nothing in the book depends on it.
    """

    def __init__(self) -> None:
        self._seen: deque[tuple[int, int]] = deque(maxlen=REMEMBERED)

    def see(self, number: int, timestamp: int) -> None:
        """Note a block. One that is not newer means that the chain went back."""
        while self._seen and self._seen[-1][0] >= number:
            self._seen.pop()
        self._seen.append((number, timestamp))

    def number_at(self, timestamp: int) -> int:
        """Number of the block at `timestamp`: of the last one seen, or at least one more after its time.

        For a moment that is SOON it is the next block: a transaction may land in it, and what is allowed
        there stays allowed, for debts only grow.
        """
        if not self._seen:
            return 0
        number, last = self._seen[-1]
        if timestamp <= last:
            return number
        if timestamp <= last + SOON:
            return number + 1
        return number + max(1, int((timestamp - last) / self._seconds()))

    def _seconds(self) -> Fraction:
        (first, begun), (last, now) = self._seen[0], self._seen[-1]
        if last == first or now <= begun:
            return USUAL
        return Fraction(now - begun, last - first)
