"""The open transactions of one key in memory, as the store has them."""

from collections.abc import Iterable

from keeper.execute.model import Change, Transaction
from keeper.execute.states import TERMINAL, State
from keeper.ports import Receipt


class Roster:
    """Who is on the way. Whatever the store wrote is kept here at once, and changes are remembered."""

    def __init__(self) -> None:
        self._open: dict[int, Transaction] = {}
        self._changed: dict[int, Change] = {}
        self._held: set[int] = set()

    def load(self, transactions: Iterable[Transaction]) -> None:
        """Start from what the store holds."""
        self._open = {transaction.id: transaction for transaction in transactions}

    def keep(self, transaction: Transaction) -> Transaction:
        """Remember the newest form of a transaction; forget it once nothing follows."""
        if transaction.state in TERMINAL:
            self._open.pop(transaction.id, None)
            self._held.discard(transaction.id)
        else:
            self._open[transaction.id] = transaction
        return transaction

    def hold(self, transaction: Transaction, *, held: bool) -> None:
        """Whether a transaction keeps its fees and its place, come what may, from now on."""
        if held:
            self._held.add(transaction.id)
        else:
            self._held.discard(transaction.id)

    def is_held(self, transaction: Transaction) -> bool:
        """Whether it may be neither raised nor given up. Nothing is, after a restart."""
        return transaction.id in self._held

    def note(self, transaction: Transaction, receipt: Receipt | None = None) -> None:
        """Tell later stages of a change, or of how things stand."""
        self._changed[transaction.id] = Change(transaction, receipt)

    def note_all(self) -> None:
        """Tell how everything stands of which nothing is told yet."""
        for transaction in self._open.values():
            self._changed.setdefault(transaction.id, Change(transaction, None))

    def drain(self) -> list[Change]:
        """What was noted since the last time."""
        changes, self._changed = list(self._changed.values()), {}
        return changes

    def numbered(self) -> list[Transaction]:
        """Those that own a nonce, lowest first."""
        owners = (each for each in self._open.values() if each.state is not State.QUEUED)
        return sorted(owners, key=lambda each: each.nonce)

    def queued(self) -> list[Transaction]:
        """Those that wait for a place, first come first served."""
        return [each for each in self._open.values() if each.state is State.QUEUED]

    def waiting(self) -> list[Transaction]:
        """Those that own a nonce that no block has used for them yet, lowest nonce first."""
        return [each for each in self.numbered() if not each.is_settled]

    def unfinished(self) -> list[Transaction]:
        """Everything whose payload may still happen."""
        return [*self.waiting(), *self.queued()]
