"""Sizes that hold while a transaction waits for its block.

A plan is sized for the next block, but behind a few full ones, or paying too little at first, it lands later,
with more interest on both sides of the account. By then the same request may leave dust, or meet another
close factor. Interest moves every limit one way only, so that what the protocol accepts in the first block
and in the last one it accepts in all between: but for its rounding, and for accounts at two limits at once,
of which one forbids what the other allows again a little later.

Where collateral is liquidated it has just become cheaper, and often goes on. Some limits are sums of money: a
rest that is just large enough to be left would be dust after the next fall, and whoever leaves it fails at
every block of a crash. So sizes also hold with the collateral a little cheaper.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Self

from keeper.errors import Degraded
from keeper.plan.size import Ranges
from keeper.protocols.base import AssetInfo, Market, Opportunity, Settlement
from keeper.types import BPS, Address

FALL = 100
"""Fall of the collateral's price that sizes hold for, in 1/10000: twice what makes most feeds answer anew."""

LESS = 10_000
"""A request that seizes less than it did by more than this fraction met another limit."""


class Horizon:
    """The last block that a transaction may wait for: `frame` with the prices of now, and cheaper collateral.

    `falling` makes the market's frame of the same block for prices (USD, 8 decimals) instead of the oracle's.
    """

    def __init__(self, frame: Any, falling: Callable[[dict[Address, int]], Any] | None = None) -> None:
        self.frame = frame
        self._falling = falling
        self._fallen: dict[Address, Any] = {}

    @classmethod
    def of(cls, market: Market, timestamp: int) -> Self:
        """A block at `timestamp`. Raises Degraded as `market.frame`."""
        return cls(market.frame(timestamp), partial(market.frame, timestamp))

    def frames(self, opportunity: Opportunity) -> Sequence[Any]:
        """All that an opportunity's size has to hold in."""
        collateral = opportunity.collateral
        if self._falling is None or not collateral.price or collateral.address == opportunity.debt.address:
            return [self.frame]
        if collateral.address not in self._fallen:
            self._fallen[collateral.address] = self._with_cheaper(collateral, self._falling)
        return [self.frame, self._fallen[collateral.address]]

    def _with_cheaper(self, asset: AssetInfo, falling: Callable[[dict[Address, int]], Any]) -> Any:
        try:
            return falling({asset.address: (asset.price or 0) * (BPS - FALL) // BPS})
        except Degraded:
            return self.frame  # a market that prices in dollars mean nothing to


def nearly(seized: int) -> int:
    """The least that a request has to seize later which seizes so much in the next block."""
    return seized - seized // LESS


def holds(market: Market, opportunity: Opportunity, request: int, least: int, later: Horizon) -> bool:
    """Whether `request` seizes `least` or more in all frames of `later`.

    So it is taken to be where a frame cannot tell, for want of a price.
    """
    return all(_seizes(market, opportunity, request, least, then) for then in later.frames(opportunity))


def _seizes(market: Market, opportunity: Opportunity, request: int, least: int, later: Any) -> bool:
    try:
        then = market.settle(opportunity, request, later)
    except Degraded:
        return True
    return isinstance(then, Settlement) and then.seize >= least


def ranges_until(market: Market, opportunity: Opportunity, later: Horizon) -> Ranges:
    """The opportunity's ranges as far as they are also those of its pair in all frames of `later`."""
    ranges = opportunity.ranges
    for then in later.frames(opportunity):
        ranges = tuple(shared(ranges, _ranges(market, opportunity, then)))
    return ranges


def _ranges(market: Market, opportunity: Opportunity, later: Any) -> Ranges:
    try:
        found = market.opportunities(opportunity.account, later)
    except Degraded:
        return opportunity.ranges
    same = [each.ranges for each in found if replace(each, ranges=opportunity.ranges) == opportunity]
    return same[0] if same else ()


def shared(ranges: Ranges, others: Ranges) -> Iterator[tuple[int, int]]:
    """What is in both, ascending; each is inclusive, disjoint and ascending itself."""
    for low, high in ranges:
        for first, last in others:
            if max(low, first) <= min(high, last):
                yield max(low, first), min(high, last)
