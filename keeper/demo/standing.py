"""How all markets together stand at one moment."""

from collections.abc import Sequence
from typing import NamedTuple

from keeper.app.view import View
from keeper.protocols.base import Health
from keeper.risk.ladder import Rung, ladder
from keeper.risk.scan import borrowers
from keeper.risk.stress import usd_value
from keeper.risk.worth import Worth, valued


class Standing(NamedTuple):
    """Borrowers of all markets by health factor, and what is lost, in USD with 8 decimals.

    `deficit` is what protocols have booked, `insolvency` what accounts owe above their collateral.
    """

    ladder: Sequence[Rung]
    deficit: int
    insolvency: int


def standing(view: View) -> Standing:
    """The markets of `view` at its block; an account that has no price counts nowhere."""
    accounts: list[tuple[Health, Worth | None]] = []
    deficit = 0
    for market in view.markets:
        frame = view.frame(market)
        found, _ = borrowers(market, frame)
        accounts += valued(market, found, frame)
        deficit += usd_value(market, market.bad_debt())
    insolvency = sum(worth.uncovered for _, worth in accounts if worth)
    return Standing(ladder(accounts), deficit, insolvency)
