"""One attempt at a transaction: priced, signed, stored, offered to the network, in this order."""

from collections.abc import Callable

from keeper.errors import Transient
from keeper.execute.fees import bumped_fees, first_fees
from keeper.execute.model import Attempt, Fees, Transaction
from keeper.execute.signer import Signer, UnsignedTx
from keeper.execute.store import TransactionStore
from keeper.ports import ChainWriter, SendError, SendOutcome

TOO_CHEAP = frozenset({SendOutcome.UNDERPRICED, SendOutcome.REPLACEMENT_UNDERPRICED})
REFUSED = frozenset({SendOutcome.FATAL, SendOutcome.FEE_CAP_EXCEEDED})


def next_fees(transaction: Transaction, *, tip: int, base_fee: int, overdue: int) -> Fees | None:
    """What another attempt should pay, None while the newest one may stand or nothing more is worth it.

    Args:
        transaction: not on chain.
        tip: what blocks take now, wei per gas.
        base_fee: of the head, wei per gas.
        overdue: an attempt priced on this block or an earlier one has waited long enough.
    """
    if not transaction.attempts:
        return first_fees(tip, base_fee, transaction.ceiling) or Fees(0, transaction.ceiling)
    newest = transaction.attempts[-1]
    # Without funds no price helps, a higher one least of all (T29).
    waited = newest.block <= overdue and newest.outcome != SendOutcome.INSUFFICIENT_FUNDS
    if waited or newest.outcome in TOO_CHEAP:
        return bumped_fees(newest.fees, tip, base_fee, transaction.ceiling)
    return None


class Attempts:
    """Makes attempts. `keep` is told of every form that a transaction takes as soon as it is stored."""

    def __init__(
        self,
        writer: ChainWriter,
        signer: Signer,
        store: TransactionStore,
        keep: Callable[[Transaction], Transaction],
    ) -> None:
        self._writer = writer
        self._signer = signer
        self._store = store
        self._keep = keep

    async def make(self, transaction: Transaction, fees: Fees, block: int) -> Transaction:
        """Sign with `fees` on head `block`, store, send.

        Raises:
            Halt: the signer refused.
            Transient: the holder of the key did not answer; the nonce stays reserved.
        """
        signed = await self._signer.sign(
            UnsignedTx(
                chain_id=transaction.chain_id,
                nonce=transaction.nonce,
                to=transaction.to,
                data=transaction.data,
                gas=transaction.gas,
                tip=fees.tip,
                cap=fees.cap,
            )
        )
        attempt = Attempt(len(transaction.attempts), signed.hash, signed.raw, fees, block)
        return await self.offer(self._keep(await self._store.signed(transaction, attempt)))

    async def offer(self, transaction: Transaction) -> Transaction:
        """Send the newest attempt, perhaps again; an answer that got lost leaves it in flight."""
        try:
            await self._writer.send_raw(transaction.attempts[-1].raw)
            outcome = SendOutcome.ACCEPTED
        except SendError as error:
            outcome = error.outcome
        except Transient:
            outcome = SendOutcome.UNKNOWN
        return self._keep(await self._store.sent(transaction, outcome))
