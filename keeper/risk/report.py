"""The first risk view of a market: bad debt, the ladder, and a stress."""

from collections.abc import Sequence
from typing import NamedTuple

from keeper.protocols.base import Market
from keeper.risk.ladder import Rung, ladder
from keeper.risk.scan import borrowers
from keeper.risk.stress import Shock, Stress, shocked_prices, stress, usd_value
from keeper.risk.worth import valued


class RiskReport(NamedTuple):
    """A market's risk at one moment. Money in USD with 8 decimals.

    `deficit` is what the protocol has booked, `insolvency` what accounts owe above their collateral,
    `blind` counts accounts that no one can judge because a price is missing, `unvalued` those that can be
    judged and have no price in USD: they are in no sum.
    """

    accounts: int
    collateral: int
    debt: int
    deficit: int
    insolvency: int
    blind: int
    unvalued: int
    ladder: list[Rung]
    stress: Stress | None


def report(market: Market, timestamp: int, shocks: Sequence[Shock]) -> RiskReport:
    """Judge every account now and, if there are `shocks`, after them.

    Raises:
        ConfigError: a shock names an asset the market does not have.
    """
    frame = market.frame(timestamp)
    healths, blind = borrowers(market, frame)
    accounts = list(valued(market, healths, frame))
    worths = [worth for _, worth in accounts if worth]
    return RiskReport(
        accounts=len(healths),
        collateral=sum(worth.collateral for worth in worths),
        debt=sum(worth.debt for worth in worths),
        deficit=usd_value(market, market.bad_debt()),
        insolvency=sum(worth.uncovered for worth in worths),
        blind=len(blind),
        unvalued=len(accounts) - len(worths),
        ladder=ladder(accounts),
        stress=stress(market, timestamp, shocked_prices(market, shocks)) if shocks else None,
    )
