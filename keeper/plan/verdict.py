"""Plan or Rejection: the last word on an account, with the numbers that decided it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from keeper.plan.model import Plan, Reason, Rejection
from keeper.plan.profit import break_even
from keeper.plan.strategy import Strategy
from keeper.plan.terms import Offer, Terms, Trial
from keeper.protocols.base import AssetInfo, Opportunity, Refusal
from keeper.types import USD, WAD, Address, BlockRef, borrower

GWEI = 10**9


@dataclass(frozen=True, slots=True)
class Case:
    """What is known of a candidate before any quote: its pairs, and what became of each.

    `fault` says why the account's health cannot be told (a price is missing).
    """

    account: Address
    opportunities: Sequence[Opportunity] = ()
    unpriced: Sequence[Opportunity] = ()
    refusals: Sequence[Refusal] = ()
    offers: Sequence[Offer] = ()
    fault: str | None = None


def judge(
    case: Case, best: Trial | None, terms: Terms, strategy: Strategy, block: BlockRef
) -> Plan | Rejection:
    """The plan made of `best`, or the first reason against it."""
    market = terms.market
    plan = best and Plan(
        deployment=market.deployment,
        borrower=borrower(case.account),
        block=block,
        opportunity=best.opportunity,
        instruction=best.instruction,
        settlement=best.settlement,
        route=best.route,
        profit=best.profit,
        min_profit=break_even(best.profit, best.opportunity.debt, strategy.min_profit_usd),
        loan=best.loan,
        headroom=best.request - best.settlement.repay,
        lands=terms.frame.timestamp,
    )
    objections = _unprofitable(plan, strategy) if plan else _impossible(case, terms)
    objection = next(objections, None)
    if objection is None:
        assert plan is not None, "no plan, and nothing was said against it"
        return plan
    return Rejection(market.deployment, case.account, block, *objection, best=plan)


def _impossible(case: Case, terms: Terms) -> Iterator[tuple[Reason, str]]:
    """Why nothing could be tried, most basic first. Always says something."""
    if case.fault:
        yield Reason.PRICE_MISSING, case.fault
    if not case.opportunities:
        health = terms.market.health(case.account, terms.frame)
        if not health.liquidatable:
            yield Reason.HEALTHY, f"health factor {Decimal(health.health_factor) / WAD:.6f}"
        yield Reason.NO_PAIR, "no pair of debt and collateral can be liquidated"
    if case.offers and not any(terms.funded(offer) for offer in case.offers):
        wanted = {tokens(offer.most.repay, offer.opportunity.debt) for offer in case.offers}
        yield Reason.NO_FLASH_LIQUIDITY, f"nobody lends {', '.join(sorted(wanted))} now"
    if case.offers:
        pairs = sorted(
            {
                f"{offer.opportunity.collateral.symbol} for {offer.opportunity.debt.symbol}"
                for offer in case.offers
            }
        )
        locked = not any(terms.funded(offer, terms.pools.values()) for offer in case.offers)
        catch = ", besides those that would have to lend" if locked else ""
        yield Reason.NO_ROUTE, f"no pools buy {', '.join(pairs)} in the amounts needed{catch}"
    if case.refusals:
        yield Reason.PROTOCOL_REFUSES, f"{case.refusals[0].code}: {case.refusals[0].detail}"
    symbols = sorted({opportunity.debt.symbol for opportunity in case.unpriced})
    yield Reason.PRICE_MISSING, f"no price of {', '.join(symbols)}"


def _unprofitable(plan: Plan, strategy: Strategy) -> Iterator[tuple[Reason, str]]:
    """What speaks against a plan; says nothing about a good one."""
    profit = plan.profit
    if profit.gas_price > strategy.max_gas_price:
        now, limit = Decimal(profit.gas_price) / GWEI, Decimal(strategy.max_gas_price) / GWEI
        yield Reason.GAS_PRICE_TOO_HIGH, f"gas price {now:.9g} gwei exceeds the limit of {limit:.9g} gwei"
    if profit.gross <= 0:
        debt = plan.opportunity.debt
        owed = tokens(profit.repay + profit.flash_fee, debt)
        yield (
            Reason.UNPROFITABLE,
            f"the collateral sells for {tokens(profit.swap_out, debt)}, owed are {owed}",
        )
    if profit.net_usd < 0:
        yield Reason.UNPROFITABLE, f"gas {dollars(profit.gas_usd)} exceeds gross {dollars(profit.gross_usd)}"
    if profit.net_usd < strategy.min_profit_usd:
        yield (
            Reason.BELOW_MINIMUM,
            f"net {dollars(profit.net_usd)} is below the minimum of {dollars(strategy.min_profit_usd)}",
        )


def dollars(usd: int) -> str:
    """USD with 8 decimals for people; under a dollar with more digits."""
    digits = 2 if usd == 0 or abs(usd) >= USD else 4
    return f"{'-' if usd < 0 else ''}${Decimal(abs(usd)) / USD:,.{digits}f}"


def tokens(amount: int, asset: AssetInfo) -> str:
    """Token units for people."""
    return f"{Decimal(amount).scaleb(-asset.decimals):,.6f} {asset.symbol}"
