"""Derived prices against the oracle's own: what disagreed, and how often the oracle must be asked.

What is learnt here is trust, not state of the chain: it is neither undone with a block nor saved.
"""

from collections import deque
from typing import NamedTuple

from keeper.types import Address, BlockRef

AGREEMENTS = 100
"""Reads that must have agreed before a source is asked less often."""

KEPT = 1000


class Disagreement(NamedTuple):
    """A price derived from logs that was not the oracle's (USD, 8 decimals; 0 where there is none).

    `relearnt`: the source turned out to be made of other contracts than before, and is right again;
    otherwise it is only read from then on.
    """

    asset: Address
    source: Address
    derived: int
    read: int
    block: int
    relearnt: bool


class _Trust(NamedTuple):
    agreed: int = 0
    moved: bool = False
    price: int | None = None
    block: int = 0


AGGREGATOR_BLOCKS = 50
"""Old proxies replace their aggregator without a log: they are asked for it every so many blocks."""


class PriceChecks:
    """The comparisons of one market.

    `every`: once a source's price agreed AGREEMENTS times in a row and was seen to move, it is read
    every so many blocks only. 1 reads all at each head: nothing that happens without a log stays
    unnoticed for even a block.
    """

    def __init__(self, every: int = 1, agreements: int = AGREEMENTS) -> None:
        self._every = every
        self._agreements = agreements
        self._trust: dict[Address, _Trust] = {}
        self._proxies_asked: int | None = None
        self.disagreements: deque[Disagreement] = deque(maxlen=KEPT)
        """The latest ones, oldest first."""
        self.total = 0
        """How many there were since the start."""
        self._told = 0

    def due(self, source: Address, block: BlockRef) -> bool:
        """Whether the oracle must be asked for the price of `source` at `block`."""
        trust = self._trust.get(source, _Trust())
        trusted = trust.agreed >= self._agreements and trust.moved
        return not trusted or not trust.block < block.number < trust.block + self._every

    def proxies_due(self, block: BlockRef) -> bool:
        """Whether proxies must be asked at `block` which aggregator they have; taken as done when true."""
        last = self._proxies_asked
        due = last is None or not last <= block.number < last + AGGREGATOR_BLOCKS
        if due:
            self._proxies_asked = block.number
        return due

    def agreed(self, source: Address, price: int, block: BlockRef) -> None:
        """A price derived for `block` was the oracle's."""
        old = self._trust.get(source, _Trust())
        moved = old.moved or (old.price is not None and old.price != price)
        self._trust[source] = _Trust(old.agreed + 1, moved, price, block.number)

    def disagreed(self, found: Disagreement) -> None:
        """A derived price was not the oracle's."""
        self._trust.pop(found.source, None)
        self.disagreements.append(found)
        self.total += 1

    def untold(self) -> list[Disagreement]:
        """Disagreements since this was last asked; the latest KEPT of them."""
        fresh = min(self.total - self._told, len(self.disagreements))
        self._told = self.total
        return list(self.disagreements)[len(self.disagreements) - fresh :]
