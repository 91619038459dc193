"""What the questions about one account need of the book."""

from typing import NamedTuple

from keeper.protocols.base import Book, Side
from keeper.protocols.euler_v2.records import controllers, ltvs
from keeper.types import Address


class Position(NamedTuple):
    """An account as its controller sees it.

    `controller` is the number of its only one, -1 where there is none of ours; `owed` (2^-31 assets) was
    written at accumulator `since`; `collaterals` are (vault number, shares) of what it enabled and holds;
    `enabled` are the numbers of what it enabled and its controller recognises; `checked` is the time of its
    last status check.
    """

    account: Address
    controller: int
    controllers: int
    owed: int
    since: int
    collaterals: tuple[tuple[int, int], ...]
    enabled: frozenset[int]
    checked: int

    @classmethod
    def of(cls, book: Book, account: Address) -> "Position":
        """The account as the book has it; empty for one never heard of."""
        controller = book.group(account) - 1
        owed = book.quantity(account, controller, Side.DEBT) if controller >= 0 else 0
        recognised = ltvs(book, controller) if controller >= 0 else ()
        held = [
            (number, shares)
            for number, side, shares, enabled in book.legs(account)
            if side is Side.COLLATERAL and enabled
        ]
        return cls(
            account=account,
            controller=controller,
            controllers=len(controllers(book, account)),
            owed=owed,
            since=book.get(("since", controller, account), 0),
            collaterals=tuple(held),
            enabled=frozenset(number for number in recognised if book.enabled(account, number)),
            checked=book.get(("checked", account), 0),
        )
