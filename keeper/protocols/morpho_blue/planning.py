"""Opportunities of an account, what each would do, and how the executor carries it out."""

from keeper.errors import Degraded
from keeper.protocols.base import (
    Book,
    Dialect,
    Exhaustion,
    Instruction,
    Opportunity,
    Refusal,
    Settlement,
)
from keeper.protocols.morpho_blue import offers
from keeper.protocols.morpho_blue.assets import asset, collateral_of
from keeper.protocols.morpho_blue.calls import words
from keeper.protocols.morpho_blue.frame import MorphoFrame
from keeper.protocols.morpho_blue.liquidation import Outcome
from keeper.protocols.morpho_blue.offers import Deal, MorphoOpportunity
from keeper.protocols.morpho_blue.position import Position, allowances
from keeper.protocols.morpho_blue.pre_liquidation import allowance
from keeper.protocols.morpho_blue.records import Terms, morpho, pre_liquidations, split
from keeper.types import Address


def opportunities(book: Book, account: Address, frame: MorphoFrame) -> list[Opportunity]:
    """Morpho's own liquidation of an unhealthy position, or what its pre-liquidation contracts allow.

    Raises:
        Degraded: the market's oracle or rate model gives no answer.
    """
    position = Position.of(book, account)
    if position.borrow_shares == 0:
        return []
    market = frame.market(position.market)
    found: list[Opportunity] = []
    deal = offers.morpho_deal(position, market)
    if deal is not None and (ranges := deal.ranges()):
        found.append(_opportunity(book, deal, morpho(book), ranges))
    for allowed in allowances(book, position, frame):
        deal = offers.pre_deal(position, market, allowed)
        if ranges := offers.ranges_pre(deal):
            found.append(_opportunity(book, deal, allowed.contract, ranges))
    return found


def _opportunity(book: Book, deal: Deal, venue: Address, ranges: tuple[offers.Range, ...]) -> Opportunity:
    debt, collateral = asset(book, deal.market.terms.loan_number), collateral_of(book, deal.market)
    account, shares = deal.position.account, deal.position.borrow_shares
    return MorphoOpportunity(account, debt, collateral, ranges, venue, deal.whole, shares)


def settle(book: Book, opportunity: Opportunity, repay: int, frame: MorphoFrame) -> Settlement | Refusal:
    """What at most `repay` loan tokens do, by the way `instruction` asks for it.

    Raises:
        Degraded: as `opportunities`.
    """
    position = Position.of(book, opportunity.account)
    market = frame.market(position.market)
    venue = opportunity.venue if isinstance(opportunity, MorphoOpportunity) else morpho(book)
    if venue == morpho(book):
        deal = offers.morpho_deal(position, market)
        if deal is None:
            return Refusal("position is healthy", "what is owed is not above what the collateral allows")
        outcome = offers.settle(deal, repay)
    else:
        outcome = _settle_pre(book, position, venue, repay, frame)
    return offers.settlement(outcome, market.terms.loan) if isinstance(outcome, Outcome) else outcome


def _settle_pre(
    book: Book, position: Position, venue: Address, repay: int, frame: MorphoFrame
) -> Outcome | Refusal:
    if venue not in pre_liquidations(book, position.account, position.market):
        return Refusal("not authorized", "the borrower does not let this contract act")
    market = frame.market(position.market)
    allowed = allowance(frame.pre(venue), market, position.borrow_shares, position.collateral)
    if allowed is None:
        return Refusal("not pre-liquidatable", "the debt is outside what the contract acts on")
    return offers.settle_pre(offers.pre_deal(position, market, allowed), repay)


def instruction(book: Book, opportunity: Opportunity, request: int, settlement: Settlement) -> Instruction:
    """By all shares where the request repays everything, else by the collateral to seize."""
    if not isinstance(opportunity, MorphoOpportunity):
        raise Degraded(f"{opportunity.account}: an opportunity that this market did not offer")
    whole = opportunity.whole and request >= opportunity.ranges[-1][1]
    amounts = (0, opportunity.shares) if whole else (settlement.seize, 0)
    if opportunity.venue != morpho(book):
        return Instruction(Dialect.PRE_LIQUIDATION, opportunity.venue, words(*amounts), self_funded=True)
    number = book.get(("number", split(opportunity.account)[1]))
    terms: Terms = book.get(("market", number))
    data = words(*terms.params, *amounts)
    return Instruction(Dialect.MORPHO, opportunity.venue, data, self_funded=True)


def exhaust(book: Book, account: Address, frame: MorphoFrame) -> Exhaustion:
    """One liquidation takes all that Morpho's rules allow: there is no close factor.

    Raises:
        Degraded: as `opportunities`.
    """
    position = Position.of(book, account)
    nothing = Exhaustion(0, {}, {}, {})
    deal = offers.morpho_deal(position, frame.market(position.market)) if position.borrow_shares else None
    ranges = deal.ranges() if deal else ()
    outcome = offers.settle(deal, ranges[-1][1]) if deal and ranges else None
    if not isinstance(outcome, Outcome) or deal is None:
        return nothing
    terms = deal.market.terms
    return Exhaustion(
        1,
        {terms.loan: outcome.repaid},
        {terms.collateral: outcome.seized},
        {terms.loan: outcome.bad_debt} if outcome.bad_debt else {},
    )
