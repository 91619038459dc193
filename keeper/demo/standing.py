"""How all markets together stand at one moment."""

from collections.abc import Sequence
from typing import NamedTuple

from keeper.app.view import View
from keeper.protocols.base import Health, Market, Side
from keeper.risk.ladder import Rung, ladder
from keeper.risk.scan import borrowers
from keeper.risk.stress import usd_value


class Standing(NamedTuple):
    """Borrowers of all markets by health factor, and what is lost, in USD with 8 decimals.

    `deficit` is what protocols have booked, `insolvency` what accounts owe above their collateral.
    """

    ladder: Sequence[Rung]
    deficit: int
    insolvency: int


def standing(view: View) -> Standing:
    """The markets of `view` at its block; an account that has no price counts nowhere."""
    healths: list[Health] = []
    deficit = insolvency = 0
    for market in view.markets:
        found, _ = borrowers(market, view.frame(market))
        healths += found
        deficit += usd_value(market, market.bad_debt())
        insolvency += sum(
            _shortage(market, view, health) for health in found if health.debt > health.collateral
        )
    return Standing(ladder(healths), deficit, insolvency)


def _shortage(market: Market, view: View, health: Health) -> int:
    """What an account owes above its collateral, in dollars whatever the market counts in."""
    owed = held = 0
    for holding in market.holdings(health.account, view.frame(market)):
        if holding.side is Side.DEBT:
            owed += holding.value or 0
        elif holding.enabled:
            held += holding.value or 0
    return max(owed - held, 0)
