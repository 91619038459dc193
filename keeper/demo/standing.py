"""How all markets together stand at one moment."""

from collections.abc import Iterator, Sequence
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
    accounts = list(_accounts(view))
    return Standing(
        ladder(accounts),
        deficit=sum(usd_value(market, market.bad_debt()) for market in view.markets),
        insolvency=sum(worth.uncovered for _, worth in accounts if worth),
    )


def _accounts(view: View) -> Iterator[tuple[Health, Worth | None]]:
    for market in view.markets:
        frame = view.frame(market)
        found, _ = borrowers(market, frame)
        yield from valued(market, found, frame)
