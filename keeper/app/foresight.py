"""Everything that is expected before it is mined, from the mempool and from relays, under one name."""

from typing import Self

from keeper.app.backrun import Backrunner, Prospect
from keeper.app.hinted import HintProspect, HintRunner
from keeper.chain.hints import Told
from keeper.execute.model import Transaction
from keeper.ports import PendingTransaction
from keeper.types import BlockRef

AnyProspect = Prospect | HintProspect


class Foresight:
    """Asks `pending` about what the mempool shows and `hinted` about what relays tell; either may be None."""

    def __init__(self, pending: Backrunner | None, hinted: HintRunner | None) -> None:
        self._pending = pending
        self._hinted = hinted

    @classmethod
    def of(cls, pending: Backrunner | None, hinted: HintRunner | None) -> Self | None:
        """None where nothing is watched."""
        return None if pending is None and hinted is None else cls(pending, hinted)

    async def meet(
        self, seen: PendingTransaction | Told, head: BlockRef, timestamp: int
    ) -> AnyProspect | None:
        """See `Backrunner.meet` and `HintRunner.meet`."""
        if isinstance(seen, Told):
            return None if self._hinted is None else await self._hinted.meet(seen, head, timestamp)
        return None if self._pending is None else await self._pending.meet(seen, head, timestamp)

    async def on_head(self, head: BlockRef) -> None:
        """See `Backrunner.on_head` and `HintRunner.on_head`."""
        if self._pending is not None:
            await self._pending.on_head(head)
        if self._hinted is not None:
            await self._hinted.on_head(head)

    async def again(self, head: BlockRef, timestamp: int) -> list[AnyProspect]:
        """See `Backrunner.again` and `HintRunner.again`."""
        pending = [] if self._pending is None else await self._pending.again(head, timestamp)
        hinted = [] if self._hinted is None else await self._hinted.again(head, timestamp)
        return [*pending, *hinted]

    async def spread(self, head: BlockRef, timestamp: int) -> None:
        """See `HintRunner.spread`."""
        if self._hinted is not None:
            await self._hinted.spread(head, timestamp)

    def sent(self, prospect: AnyProspect, transaction: Transaction) -> None:
        """`transaction` carries plans of `prospect` and is on its way."""
        if isinstance(prospect, HintProspect):
            if self._hinted is not None:
                self._hinted.sent(prospect, transaction)
        elif self._pending is not None:
            self._pending.sent(prospect, transaction)
