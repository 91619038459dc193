"""Sizes that hold while a transaction waits for its block.

A plan is sized for the next block, but behind a few full ones, or paying too little at first, it lands later,
with more interest on both sides of the account. By then the same request may leave dust, or meet another
close factor. Interest moves every limit one way only, so that what the protocol accepts in the first block
and in the last one it accepts in all between: but for its rounding, and for accounts at two limits at once,
of which one forbids what the other allows again a little later.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from keeper.errors import Degraded
from keeper.plan.size import Ranges
from keeper.protocols.base import Market, Opportunity, Settlement

LESS = 10_000
"""A request that seizes less than it did by more than this fraction met another limit."""


def holds(market: Market, opportunity: Opportunity, request: int, settlement: Settlement, later: Any) -> bool:
    """Whether `request`, which does `settlement` in the next block, still does as much at the frame `later`.

    So it is taken to be where that frame cannot tell, for want of a price.
    """
    try:
        then = market.settle(opportunity, request, later)
    except Degraded:
        return True
    return isinstance(then, Settlement) and then.seize >= settlement.seize - settlement.seize // LESS


def ranges_until(market: Market, opportunity: Opportunity, later: Any) -> Ranges:
    """The opportunity's ranges as far as they are also those of its pair at the frame `later`."""
    try:
        found = market.opportunities(opportunity.account, later)
    except Degraded:
        return opportunity.ranges
    same = [each.ranges for each in found if replace(each, ranges=opportunity.ranges) == opportunity]
    return tuple(shared(opportunity.ranges, same[0])) if same else ()


def shared(ranges: Ranges, others: Ranges) -> Iterator[tuple[int, int]]:
    """What is in both, ascending; each is inclusive, disjoint and ascending itself."""
    for low, high in ranges:
        for first, last in others:
            if max(low, first) <= min(high, last):
                yield max(low, first), min(high, last)
