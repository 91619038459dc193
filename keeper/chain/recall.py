"""Taking back from builders what they were offered: eth_cancelBundle and eth_cancelPrivateTransaction."""

from collections.abc import Hashable
from typing import Generic, NamedTuple, Self, TypeVar

from eth_utils.crypto import keccak

from keeper.chain.relay_json import Request, replacement_uuid
from keeper.config.relay import RelayMethod
from keeper.types import Hash

B = TypeVar("B", bound=Hashable)

REMEMBERED = 256
"""Transactions of which is known who holds them; older ones have expired."""


def cancel_requests(method: RelayMethod, raw: bytes, *, head: int, until: int) -> list[Request]:
    """How what `method` offered is taken back for the blocks after `head` up to `until`.

    Empty where nothing is documented that could: mev_sendBundle and raw sends have no counterpart.
    """
    if head >= until:
        return []
    if method is RelayMethod.PRIVATE:
        return [Request("eth_cancelPrivateTransaction", [{"txHash": "0x" + keccak(raw).hex()}])]
    if method is not RelayMethod.BUNDLE:
        return []
    names = (replacement_uuid(raw, block) for block in range(head + 1, until + 1))
    return [Request("eth_cancelBundle", [{"replacementUuid": name}]) for name in names]


class Offer(NamedTuple):
    """A transaction of ours that goes to builders, and how it is taken back."""

    name: Hash
    undo: tuple[Request, ...]

    @classmethod
    def of(cls, method: RelayMethod, raw: bytes, *, head: int, until: int) -> Self:
        """The offer of `raw` for the blocks after `head` up to `until`."""
        undo = cancel_requests(method, raw, head=head, until=until)
        return cls(Hash("0x" + keccak(raw).hex()), tuple(undo))


class Holders(Generic[B]):
    """Who took what. What is taken back is remembered as well: who takes it late has to forget it, too."""

    def __init__(self) -> None:
        self._taken: dict[Hash, set[B]] = {}
        self._recalled: set[Hash] = set()

    def offered(self, name: Hash) -> None:
        """`name` goes out, perhaps again after it was taken back."""
        self._recalled.discard(name)
        self._taken.setdefault(name, set())
        if len(self._taken) > REMEMBERED:
            oldest = next(iter(self._taken))
            del self._taken[oldest]
            self._recalled.discard(oldest)

    def took(self, name: Hash, builder: B) -> bool:
        """`builder` has it; whether it may keep it."""
        if name in self._recalled:
            return False
        self._taken.setdefault(name, set()).add(builder)
        return True

    def recall(self, name: Hash) -> set[B]:
        """Everyone who holds it and was not asked yet to forget it."""
        holders = self._taken.get(name)
        if holders is None:
            return set()
        self._recalled.add(name)
        self._taken[name] = set()
        return holders
