"""Who lends what a liquidation repays: the cheapest source of flash loans that has enough."""

from collections.abc import Collection, Mapping, Sequence
from math import inf
from typing import NamedTuple, Self

from keeper.plan.model import Loan
from keeper.protocols.base import FlashKind, FlashSource, Instruction, Opportunity, Settlement
from keeper.types import ZERO_ADDRESS, Address


class Need(NamedTuple):
    """What has to be borrowed: `amount` of `token`; `kept` must stay at `venue` to pay what is seized.

    `in_swap`: the sale takes one way, and leaves a flash swap its slack.
    """

    token: Address
    amount: int
    venue: Address
    kept: int
    in_swap: bool = False

    @classmethod
    def of(
        cls,
        opportunity: Opportunity,
        amount: int,
        settlement: Settlement,
        instruction: Instruction,
        *,
        in_swap: bool = False,
    ) -> Self:
        """The loan for repaying `amount` with this settlement."""
        debt, collateral = opportunity.debt.address, opportunity.collateral.address
        kept = settlement.seize + settlement.protocol_fee if debt == collateral else 0
        return cls(debt, amount, instruction.venue, kept, in_swap)


class Funding(NamedTuple):
    """Where the money comes from and what it costs. `fee` in debt-token units; no loan: none is needed."""

    loan: Loan | None
    fee: int


INVENTORY = Funding(Loan(FlashKind.NONE, ZERO_ADDRESS), 0)
"""The executor's owner pays, by allowance, and gets it back at once."""

UNNEEDED = Funding(None, 0)

NOTHING: Mapping[FlashKind, float] = {}


def cheapest(
    sources: Sequence[FlashSource],
    need: Need,
    avoid: Collection[Address] = (),
    spared: Mapping[FlashKind, float] = NOTHING,
) -> Funding | None:
    """The source that costs least; None when no source has enough.

    `spared` is what the gas is worth that a kind needs less than others, units of the token.

    A reserve lends only what the liquidation leaves it: where one pool holds the collateral and lends the
    same asset, what is seized must stay there. Lenders to `avoid` take part in the sale, which locks
    them. Among equal costs the venue itself is preferred: one allowance serves both of its pulls.
    """
    chosen: tuple[FlashSource, int] | None = None
    least = (inf, True)
    for source in sources:
        if source.lender in avoid or not _suffices(source, need):
            continue
        fee = source.fee(need.token, need.amount)
        cost = fee - spared.get(source.kind, 0), source.lender != need.venue
        if cost < least:
            chosen, least = (source, fee), cost
    return chosen and Funding(Loan(chosen[0].kind, chosen[0].lender), chosen[1])


def lends(sources: Sequence[FlashSource], need: Need, loan: Loan) -> bool:
    """Whether who was chosen for `loan` still has enough; a flash swap's pool is looked at with the sale."""
    if loan.kind is FlashKind.FLASH_SWAP:
        return True
    return any(loan == Loan(source.kind, source.lender) and _suffices(source, need) for source in sources)


def _suffices(source: FlashSource, need: Need) -> bool:
    if source.kind is FlashKind.FLASH_SWAP:
        return need.in_swap
    kept = need.kept if source.lender == need.venue else 0
    return source.available(need.token) - kept >= need.amount
