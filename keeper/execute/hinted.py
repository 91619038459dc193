"""Placing a liquidation right behind an update that only a relay knows: in one bundle, named by its hint."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from keeper.errors import ConfigError, Degraded
from keeper.execute.behind import Behind
from keeper.execute.executor import Executor
from keeper.execute.fees import Quote, first_fees
from keeper.execute.model import Fees, Transaction
from keeper.ports import AlteredRehearsal, PendingTransaction, Ran
from keeper.relay_ports import Relay
from keeper.types import Address, BlockRef, Hash


class Supposed:
    """A rehearsal as if some contracts had the code in `codes`."""

    def __init__(self, rehearsal: AlteredRehearsal, codes: Mapping[Address, bytes]) -> None:
        self._rehearsal = rehearsal
        self._codes = codes

    async def rehearse(
        self, transactions: Sequence[PendingTransaction], block: BlockRef, timestamp: int
    ) -> list[Ran]:
        """See `keeper.ports.Rehearsal`."""
        return await self._rehearsal.rehearse(transactions, block, timestamp, self._codes)

    async def raw_transaction(self, tx_hash: Hash) -> bytes | None:
        """See `keeper.ports.Rehearsal`."""
        return await self._rehearsal.raw_transaction(tx_hash)


@dataclass(slots=True)
class BehindHint(Behind):
    """The place behind the transactions that `relay` calls `front`; `quote` is what blocks take now."""

    quote: Quote = field(default_factory=lambda: Quote(0, 0))

    @property
    def alone(self) -> bool:
        """Relays take one transaction behind a hint."""
        return True

    async def takes(self, transaction: Transaction) -> bool:
        """Whether a transaction that is signed already, for the same block, would succeed here as well."""
        newest = transaction.newest
        if newest is None or newest.until != self.head.number + 1:
            return False
        call, gas = transaction.call, transaction.gas
        ours = PendingTransaction(
            newest.hash, transaction.sender, transaction.nonce, call, 0, gas, *newest.fees
        )
        try:
            [ran] = await self.rehearsal.rehearse([ours], self.head, self.timestamp)
        except (ConfigError, Degraded):  # nobody can tell
            return False
        return ran.succeeded and any(result.ok for result in self.executor.results(ran.data))

    def fees(self, ceiling: int) -> Fees | None:
        """The same, lower where `ceiling` wei per gas asks for it; None where that pays no base fee."""
        return first_fees(self.quote, ceiling)

    @property
    def pays(self) -> Fees:
        """What any private transaction pays."""
        return Fees(self.quote.tip, self.quote.cap)


def behind_hint(  # noqa: PLR0917 - what the rehearsal depends on
    name: Hash,
    relay: Relay,
    head: BlockRef,
    timestamp: int,
    rehearsal: Supposed,
    executor: Executor,
    operator: Address,
    nonce: int,
    tip: int,
) -> BehindHint:
    """The place behind the hint `name` of `relay`, on the state of `head`."""
    return BehindHint(
        (),
        head,
        timestamp,
        rehearsal,
        executor,
        operator,
        nonce,
        (name,),
        relay=relay,
        quote=Quote(tip, head.base_fee),
    )
