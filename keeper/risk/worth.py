"""What an account holds and owes in dollars, whatever its market counts in.

A protocol judges health in units of its own: dollars, ether, a loan token. Sums over accounts and sentences
for people need one unit.
"""

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from keeper.protocols.base import Health, Market, Side


class Worth(NamedTuple):
    """Collateral that backs debt, and debt, in USD with 8 decimals."""

    collateral: int
    debt: int

    @property
    def uncovered(self) -> int:
        """What is owed above the collateral."""
        return max(0, self.debt - self.collateral)


NOTHING = Worth(0, 0)


def worth(market: Market, health: Health, frame: Any) -> Worth | None:
    """The account of `health` in dollars; None where a leg that counts has no price.

    Where health is judged in dollars these are the protocol's own sums, else the values of its legs.
    """
    if market.unit == "USD":
        return Worth(health.collateral, health.debt)
    sums = [0, 0]
    for holding in market.holdings(health.account, frame):
        if holding.side is Side.DEBT or holding.enabled:
            if holding.value is None:
                return None
            sums[holding.side] += holding.value
    return Worth(sums[Side.COLLATERAL], sums[Side.DEBT])


def uncovered(market: Market, healths: Iterable[Health], frame: Any) -> int:
    """What accounts owe above their collateral, USD with 8 decimals; nothing of those without prices."""
    return sum(value.uncovered for _, value in valued(market, healths, frame) if value)


def valued(market: Market, healths: Iterable[Health], frame: Any) -> Iterator[tuple[Health, Worth | None]]:
    """Each account's health with its worth."""
    for health in healths:
        yield health, worth(market, health, frame)
