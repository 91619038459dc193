"""Oracle updates that wait for a block, in the order they were seen."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from keeper.execute.behind import precedes
from keeper.execute.model import Transaction
from keeper.ports import PendingTransaction
from keeper.protocols.oracles.transmit import Transmission
from keeper.types import Address, Hash

CAPACITY = 64
"""Updates expected at once; the oldest is forgotten first."""


@dataclass(slots=True)
class Expected:
    """An update under way, seen at block `since`; `ours` were sent behind it, last at block `sent`.

    `obstacle` is why it cannot be mined in the next block; None while it can, empty before anybody looked.
    """

    update: PendingTransaction
    transmission: Transmission
    since: int
    obstacle: str | None = ""
    ours: list[Transaction] = field(default_factory=list)
    sent: int = 0

    @property
    def executable(self) -> bool:
        """Whether it was found fit for the next block."""
        return self.obstacle is None


class Expectations:
    """A bounded list of them. Of one sender and nonce only the newest can be mined."""

    def __init__(self) -> None:
        self._expected: dict[Hash, Expected] = {}

    def __iter__(self) -> Iterator[Expected]:
        return iter(list(self._expected.values()))

    def __len__(self) -> int:
        return len(self._expected)

    def add(self, new: Expected) -> list[Expected]:
        """Expect `new`; returns what no longer is: replaced by it, or crowded out."""
        gone = self.rivals(new.update)
        for each in gone:
            self.remove(each)
        self._expected[new.update.hash] = new
        if len(self._expected) > CAPACITY:
            oldest = next(iter(self._expected.values()))
            self.remove(oldest)
            gone.append(oldest)
        return gone

    def remove(self, gone: Expected) -> None:
        """Expect it no longer."""
        self._expected.pop(gone.update.hash, None)

    def rivals(self, transaction: PendingTransaction) -> list[Expected]:
        """Expected updates of which `transaction` takes the place."""
        return [
            each
            for each in self
            if (each.update.sender, each.update.nonce) == (transaction.sender, transaction.nonce)
            and each.update.hash != transaction.hash
        ]

    def front(self, of: Expected) -> list[Expected]:
        """Executable ones that a block has in front of `of`, in the block's order."""
        found = []
        earlier = True
        for each in self:
            earlier = earlier and each is not of
            mine = each.update.sender == of.update.sender
            before = each.update.nonce < of.update.nonce if mine else earlier
            if each is not of and before and each.executable and precedes(each.update, of.update):
                found.append(each)
        return _by_nonce(found)

    def next_nonce(self, sender: Address, mined: int, front: list[Expected]) -> int:
        """The sender's next nonce when `front` is mined on top of `mined` transactions."""
        nonces = {each.update.nonce for each in front if each.update.sender == sender}
        while mined in nonces:
            mined += 1
        return mined


def _by_nonce(found: list[Expected]) -> list[Expected]:
    """The same order, but for those of one sender, which can only come by nonce."""
    turns: dict[Address, list[Expected]] = {}
    for each in sorted(found, key=lambda each: each.update.nonce, reverse=True):
        turns.setdefault(each.update.sender, []).append(each)
    return [turns[each.update.sender].pop() for each in found]
