"""Large plans rest on what several nodes say: one that lies or is out of its mind must not decide alone."""

from collections.abc import Sequence

from keeper.errors import Degraded, Transient
from keeper.index.conversation import converse
from keeper.plan.model import Plan, Reason, Rejection
from keeper.plan.profit import to_usd
from keeper.ports import BlockId, QuorumReader
from keeper.protocols.base import Market
from keeper.types import BlockRef, Call


class Confirmer:
    """Compares the accounts of large plans with the protocol's own view, as `nodes` of `chain` agree on it.

    Large is what repays `above_usd` (8 decimals) or more at the oracle's prices.
    """

    def __init__(self, chain: QuorumReader, nodes: int, above_usd: int) -> None:
        self._chain = chain
        self._nodes = nodes
        self._above_usd = above_usd

    async def sift(
        self, market: Market, block: BlockRef, outcomes: Sequence[Plan | Rejection]
    ) -> list[Plan | Rejection]:
        """The same outcomes with a rejection for each large plan that is not confirmed at exactly `block`."""
        large = {plan.account for plan in outcomes if isinstance(plan, Plan) and self._is_large(plan)}
        if not large:
            return list(outcomes)
        try:
            reads = market.audit_accounts(sorted(large), market.frame(block.timestamp))
            differences = await converse(reads, _Agreed(self._chain, self._nodes, block), block.number)
        except (Degraded, Transient) as error:
            doubts = dict.fromkeys(large, str(error))
        else:
            doubts = {
                found.subject: f"{self._nodes} nodes agree that {found.field} is {found.chain}, "
                f"not {found.book}"
                for found in differences
            }
        return [
            Rejection(each.deployment, each.account, block, Reason.UNCONFIRMED, doubts[each.account], each)
            if isinstance(each, Plan) and each.account in large & doubts.keys()
            else each
            for each in outcomes
        ]

    def _is_large(self, plan: Plan) -> bool:
        return to_usd(plan.settlement.repay, plan.opportunity.debt) >= self._above_usd


class _Agreed:
    """A `keeper.index.conversation.Caller` that several nodes answer for."""

    def __init__(self, chain: QuorumReader, nodes: int, block: BlockRef) -> None:
        self._chain = chain
        self._nodes = nodes
        self._block = block

    async def call_many(self, calls: Sequence[Call], block: BlockId = "latest") -> list[bytes | None]:
        del block  # one hash for all of them
        return await self._chain.quorum_call_many(calls, self._block, self._nodes)
