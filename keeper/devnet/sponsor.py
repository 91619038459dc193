"""Who pays for the positions of generated borrowers, and how those are opened, group by group."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol, TypeVar

from keeper.devnet.borrowers import Borrower
from keeper.devnet.node import Node, Tx
from keeper.devnet.tokens import approve, mint
from keeper.types import Address

SPONSOR = Address("0x" + "5b" * 20)
"""Supplies on behalf of every borrower, so that borrowers need no tokens."""

Progress = Callable[[int, int], None]
"""Called with how many borrowers are done, and of how many."""


class _Account(Protocol):
    @property
    def address(self) -> Address: ...


B = TypeVar("B", bound=_Account)


def pledged(borrowers: Iterable[Borrower]) -> Counter[str]:
    """All collateral of all borrowers, by symbol."""
    amounts: Counter[str] = Counter()
    for borrower in borrowers:
        for symbol, amount in borrower.collateral:
            amounts[symbol] += amount
    return amounts


def sponsored(token: Address, spender: Address, amount: int) -> list[Tx]:
    """Give the sponsor `amount` of a token for `spender` to take."""
    # A silent token refuses to replace an allowance, which a sponsor of earlier borrowers has.
    return [
        mint(token, SPONSOR, amount),
        approve(token, SPONSOR, spender, 0),
        approve(token, SPONSOR, spender, amount),
    ]


async def open_in_groups(
    node: Node,
    borrowers: Sequence[B],
    funding: Sequence[Tx],
    opening: Callable[[Sequence[B]], Sequence[Tx]],
    progress: Progress,
    *,
    size: int,
) -> None:
    """Send `funding`, then the `opening` of `size` borrowers after the other; all of them get gas first.

    Meanwhile a block takes one second of chain time: the same borrowers on a fresh market end up with the
    same health factors.

    Raises:
        DevnetError: a step reverted.
    """
    await node.fund([SPONSOR, *(borrower.address for borrower in borrowers)])
    await node.request("anvil_setBlockTimestampInterval", 1)
    try:
        await node.send_many(funding)
        for start in range(0, len(borrowers), size):
            group = borrowers[start : start + size]
            await node.send_many(opening(group))
            progress(start + len(group), len(borrowers))
    finally:
        await node.request("anvil_removeBlockTimestampInterval")
