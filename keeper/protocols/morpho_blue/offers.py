"""From a budget in the loan token to a liquidation: which amounts, and what to ask the contract for.

A partial liquidation names the collateral to seize: interest between planning and mining then changes what
is repaid by its rounding only. One that is limited by the debt names all shares, so that nothing is left
however much interest came on top. One that is limited by the collateral names all of the collateral, and
Morpho writes off what remains.
"""

from dataclasses import dataclass
from typing import NamedTuple

from keeper.protocols.base import Opportunity, Refusal, Settlement
from keeper.protocols.morpho_blue.frame import MarketFrame
from keeper.protocols.morpho_blue.liquidation import Outcome, liquidate, seized_for, shares_for
from keeper.protocols.morpho_blue.math import (
    PRICE_SCALE,
    borrow_shares_down,
    borrowed_down,
    borrowed_up,
    down,
)
from keeper.protocols.morpho_blue.position import Position, is_healthy
from keeper.protocols.morpho_blue.pre_liquidation import Allowance
from keeper.types import WAD, Address

Range = tuple[int, int]


@dataclass(frozen=True, slots=True)
class MorphoOpportunity(Opportunity):
    """`venue` takes it: Morpho, or a PreLiquidation contract. `whole`: all shares can be repaid.

    `shares` are then those; a request of the last range's end or more names them.
    """

    venue: Address
    whole: bool
    shares: int


class Deal(NamedTuple):
    """The terms on which a position may be liquidated: price, incentive (wad), most shares, all of them?"""

    position: Position
    market: MarketFrame
    price: int
    incentive: int
    most_shares: int
    whole: bool

    def shares(self, seized: int) -> int:
        return shares_for(seized, self.price, self.incentive, self.market)

    def cost(self, seized: int) -> int:
        """Loan tokens that seizing `seized` takes."""
        return borrowed_up(self.market.totals, self.shares(seized))

    def seizable(self, budget: int) -> int:
        """The most collateral that can be had for `budget` loan tokens.

        Each of Morpho's roundings up is undone by one down, so the result costs at most the budget and
        one unit more would not.
        """
        shares = min(borrow_shares_down(self.market.totals, budget), self.most_shares)
        if self.price == 0:
            return self.position.collateral
        value = down(borrowed_down(self.market.totals, shares), self.incentive, WAD)
        return min(down(value, PRICE_SCALE, self.price), self.position.collateral)

    def ranges(self) -> tuple[Range, ...]:
        """Budgets that buy something: from one unit of collateral to all that the rules allow."""
        owed = borrowed_up(self.market.totals, self.position.borrow_shares)
        first = self.cost(1)
        if self.whole:
            return ((min(first, owed), owed),)
        most = self.seizable(owed)
        return ((first, self.cost(most)),) if most else ()


def morpho_deal(position: Position, market: MarketFrame) -> Deal | None:
    """Morpho's own terms, None for a healthy position.

    Raises:
        Degraded: the oracle's price makes Morpho overflow.
    """
    if is_healthy(position, market):
        return None
    shares = position.borrow_shares
    full = seized_for(shares, market.price, market.incentive, market) if market.price else 0
    whole = 0 < full < position.collateral
    return Deal(position, market, market.price, market.incentive, shares, whole)


def pre_deal(position: Position, market: MarketFrame, allowed: Allowance) -> Deal:
    """The terms of a PreLiquidation contract."""
    return Deal(position, market, allowed.price, allowed.incentive, allowed.most_shares, whole=False)


def settle(deal: Deal, budget: int) -> Outcome | Refusal:
    """What Morpho does for at most `budget` loan tokens (see the module for how it is asked)."""
    if deal.whole and budget >= borrowed_up(deal.market.totals, deal.position.borrow_shares):
        return liquidate(deal.position, deal.market, 0, deal.position.borrow_shares)
    seized = deal.seizable(budget)
    if seized == 0:
        return _nothing(budget)
    return liquidate(deal.position, deal.market, seized, 0)


def settle_pre(deal: Deal, budget: int) -> Outcome | Refusal:
    """What a PreLiquidation contract does for at most `budget` loan tokens.

    It repays and then withdraws, which Morpho refuses where the rest is unhealthy by its own oracle.
    """
    seized = deal.seizable(budget)
    if seized == 0:
        return _nothing(budget)
    shares = deal.shares(seized)
    position, totals = deal.position, deal.market.totals
    repaid = borrowed_up(totals, shares)
    after = totals._replace(
        borrow_assets=max(totals.borrow_assets - repaid, 0), borrow_shares=totals.borrow_shares - shares
    )
    rest = position._replace(
        borrow_shares=position.borrow_shares - shares, collateral=position.collateral - seized
    )
    if not is_healthy(rest, deal.market._replace(totals=after)):
        return Refusal("insufficient collateral", "Morpho would not let go of so much collateral")
    return Outcome(repaid, shares, seized, 0, 0)


def ranges_pre(deal: Deal) -> tuple[Range, ...]:
    """Budgets that a PreLiquidation contract accepts.

    What is left is healthy or not by a sum that is linear in what is seized, so that where one end is
    refused the accepted budgets reach from the other to a point that bisection finds.
    """
    found = deal.ranges()
    if not found:
        return ()
    first, last = found[0]
    low, high = _accepts(deal, first), _accepts(deal, last)
    if low and high:
        return found
    if not low and not high:
        return ()
    good, bad = (first, last) if low else (last, first)
    while abs(good - bad) > 1:
        middle = (good + bad) // 2
        good, bad = (middle, bad) if _accepts(deal, middle) else (good, middle)
    return ((first, good),) if low else ((good, last),)


def settlement(outcome: Outcome, loan: Address) -> Settlement:
    """In the terms of the plan stage; Morpho takes no fee of a liquidation."""
    bad_debt = {loan: outcome.bad_debt} if outcome.bad_debt else {}
    return Settlement(outcome.repaid, outcome.seized, 0, bad_debt)


def _accepts(deal: Deal, budget: int) -> bool:
    return isinstance(settle_pre(deal, budget), Outcome)


def _nothing(budget: int) -> Refusal:
    return Refusal("too_little", f"{budget} buys no collateral")
