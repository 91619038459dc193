"""The first risk view of a market: bad debt, the ladder, and a stress."""

from collections.abc import Sequence
from typing import NamedTuple

from keeper.protocols.base import Market
from keeper.risk.ladder import Rung, ladder
from keeper.risk.scan import borrowers
from keeper.risk.stress import Shock, Stress, shocked_prices, stress, usd_value


class RiskReport(NamedTuple):
    """A market's risk at one moment. Money in USD with 8 decimals.

    `deficit` is what the protocol has booked, `insolvency` what accounts owe above their collateral,
    `blind` counts accounts that no one can judge because a price is missing.
    """

    accounts: int
    collateral: int
    debt: int
    deficit: int
    insolvency: int
    blind: int
    ladder: list[Rung]
    stress: Stress | None


def report(market: Market, timestamp: int, shocks: Sequence[Shock]) -> RiskReport:
    """Judge every account now and, if there are `shocks`, after them.

    Raises:
        ConfigError: a shock names an asset the market does not have.
    """
    healths, blind = borrowers(market, market.frame(timestamp))
    return RiskReport(
        accounts=len(healths),
        collateral=sum(health.collateral for health in healths),
        debt=sum(health.debt for health in healths),
        deficit=usd_value(market, market.bad_debt()),
        insolvency=sum(max(0, health.debt - health.collateral) for health in healths),
        blind=len(blind),
        ladder=ladder(healths),
        stress=stress(market, timestamp, shocked_prices(market, shocks)) if shocks else None,
    )
