"""Bids on plans, where the executor can pay them."""

from collections.abc import Sequence

from eth_utils.abi import function_signature_to_4byte_selector

from keeper.errors import CallReverted
from keeper.plan.bid import with_bid
from keeper.plan.model import Plan, Rejection
from keeper.ports import ChainReader
from keeper.types import ZERO_ADDRESS, Address, Call

WRAPPED_NATIVE = Call(ZERO_ADDRESS, function_signature_to_4byte_selector("wrapped_native()"))


class Bidder:
    """Bids `share` (1/10000) of the profit of plans whose debt is the token that the executor can unwrap."""

    def __init__(self, chain: ChainReader, executor: Address, share: int) -> None:
        self._chain = chain
        self._executor = executor
        self._share = share
        self._token: Address | None = None

    async def bid(self, outcomes: Sequence[Plan | Rejection]) -> list[Plan | Rejection]:
        """The same outcomes, plans with their bid.

        Raises:
            Transient: no node answered.
        """
        if not any(isinstance(each, Plan) for each in outcomes):
            return list(outcomes)
        if self._token is None:
            self._token = await bid_token(self._chain, self._executor)
        return [self._one(each) for each in outcomes]

    def _one(self, outcome: Plan | Rejection) -> Plan | Rejection:
        if isinstance(outcome, Plan) and outcome.opportunity.debt.address == self._token:
            return with_bid(outcome, self._share)
        return outcome


async def bid_token(chain: ChainReader, executor: Address) -> Address:
    """The wrapped native token of `executor`, in which it pays bids; the zero address when it pays none.

    Raises:
        Transient: no node answered.
    """
    try:
        word = await chain.call(WRAPPED_NATIVE._replace(to=executor))
    except CallReverted:
        return ZERO_ADDRESS
    return Address("0x" + word[12:].hex()) if len(word) == 32 else ZERO_ADDRESS
