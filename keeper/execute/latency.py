"""How long an attempt took: head seen, decision, signed, sent, mined."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from keeper.execute.model import Attempt, Transaction
from keeper.types import BlockRef, Hash

HEADS = 64
"""Heads whose times are remembered: an attempt mined later is timed in blocks alone."""

MILLISECONDS = 1000


@dataclass(frozen=True, slots=True)
class Latency:
    """One attempt of transaction `batch`, in milliseconds since the head `block` it was made on was seen.

    `sent` is when its bytes were handed to the connection, `mined` when the block that took it had been
    read, and `blocks` by how many that was above `block`; None where that did not happen, or not in this run.
    """

    tx_hash: Hash
    batch: str
    number: int
    block: int
    decided: float
    signed: float
    sent: float | None = None
    mined: float | None = None
    blocks: int | None = None


class Stopwatch:
    """Takes the times of one daemon by a monotonic `clock` (seconds), in memory alone.

    Nothing waits for it on the way out; `drain` gives what is to be kept.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._heads: dict[int, Hash] = {}
        self._seen: dict[int, float] = {}
        self._decided: dict[int, float] = {}
        self._known: dict[Hash, Latency] = {}
        self._changed: dict[Hash, Latency] = {}

    def head(self, head: BlockRef) -> None:
        """`head` was seen now, unless that was said before."""
        if self._heads.get(head.number) != head.hash:
            self._heads[head.number] = head.hash
            self._seen[head.number] = self._clock()
        if len(self._seen) > HEADS:
            self._forget(min(self._seen))

    def decided(self, head: BlockRef) -> None:
        """The plans for `head` stand."""
        self._decided[head.number] = self._clock()

    def signed(self, transaction: Transaction, attempt: Attempt, asked: float) -> None:
        """An attempt has its signature, for which the signer was asked at `asked` (see `now`).

        Replacements follow from rules and not from plans: they are decided when they are signed.
        """
        since = self._seen.get(attempt.block)
        if since is None:
            return
        decided = self._decided.get(attempt.block, asked) if attempt.number == 0 else asked
        self._keep(
            Latency(
                tx_hash=attempt.hash,
                batch=transaction.key,
                number=attempt.number,
                block=attempt.block,
                decided=_milliseconds(decided - since),
                signed=_milliseconds(self._clock() - since),
            )
        )

    def sent(self, tx_hash: Hash) -> None:
        """An attempt goes out; sending it again changes nothing."""
        known = self._known.get(tx_hash)
        if known is not None and known.sent is None:
            self._keep(replace(known, sent=self._since(known)))

    def mined(self, tx_hash: Hash, block: int) -> None:
        """A receipt says that `block` took the attempt."""
        known = self._known.get(tx_hash)
        if known is not None and known.blocks != block - known.block:
            self._keep(replace(known, mined=self._since(known), blocks=block - known.block))

    def now(self) -> float:
        """The clock."""
        return self._clock()

    def drain(self) -> list[Latency]:
        """What changed since the last time."""
        changed, self._changed = list(self._changed.values()), {}
        return changed

    def _forget(self, block: int) -> None:
        del self._heads[block], self._seen[block]
        self._decided.pop(block, None)
        self._known = {name: each for name, each in self._known.items() if each.block > block}

    def _keep(self, latency: Latency) -> None:
        self._known[latency.tx_hash] = self._changed[latency.tx_hash] = latency

    def _since(self, known: Latency) -> float | None:
        since = self._seen.get(known.block)
        return None if since is None else _milliseconds(self._clock() - since)


def _milliseconds(seconds: float) -> float:
    return round(seconds * MILLISECONDS, 3)
