"""Who lends what a liquidation repays: the cheapest source of flash loans that has enough."""

from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple

from keeper.plan.model import Loan
from keeper.protocols.base import FlashKind, FlashSource, Instruction, Opportunity, Settlement
from keeper.types import ZERO_ADDRESS, Address


class Funding(NamedTuple):
    """Where the money comes from and what it costs. `fee` in debt-token units; no loan: none is needed."""

    loan: Loan | None
    fee: int


INVENTORY = Funding(Loan(FlashKind.NONE, ZERO_ADDRESS), 0)
"""The executor's owner pays, by allowance, and gets it back at once."""

UNNEEDED = Funding(None, 0)


def cheapest(
    sources: Sequence[FlashSource],
    opportunity: Opportunity,
    instruction: Instruction,
    amount: int,
    settlement: Settlement,
    avoid: Collection[Address] = (),
) -> Funding | None:
    """The source that asks least for `amount` of the debt asset; None when no source has enough.

    A reserve lends only what the liquidation leaves it: where one pool holds the collateral and lends the
    same asset, what is seized must stay there. Lenders to `avoid` take part in the sale, which locks
    them. Among equal fees the venue itself is preferred: one allowance serves both of its pulls.
    """
    offers = _offers(sources, opportunity, instruction, amount, settlement, avoid)
    return min(offers, key=lambda found: (found.fee, _lender(found) != instruction.venue), default=None)


def _offers(
    sources: Sequence[FlashSource],
    opportunity: Opportunity,
    instruction: Instruction,
    amount: int,
    settlement: Settlement,
    avoid: Collection[Address],
) -> Iterator[Funding]:
    token = opportunity.debt.address
    for source in sources:
        if source.lender in avoid:
            continue
        kept = 0
        if source.lender == instruction.venue and opportunity.collateral.address == token:
            kept = settlement.seize + settlement.protocol_fee
        if source.available(token) - kept >= amount:
            yield Funding(Loan(source.kind, source.lender), source.fee(token, amount))


def _lender(funding: Funding) -> Address | None:
    return funding.loan.lender if funding.loan else None
