"""Whose base principal is read at a head, since no log says who may have come to owe.

Read are accounts that were named in a log since they were last read, and a slice of all others in turn.
Only accounts that owe or have collateral count: the comet lends to no other. All of them are read at the
first head after a start, and soon after interest accrued without a log: something silent has happened.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from keeper.protocols.base import Book, Reads, Side
from keeper.protocols.comet.records import BASE, Base, comet, mark, set_principal
from keeper.protocols.decode import call, uint
from keeper.types import Address

ROUND = 200
"""Accounts read in turn at every head."""
HURRY = 1_000
"""The same while there is a reason to think that something silent has happened."""
BATCH = 500
"""Calls made at once."""

_SIGN = 1 << 103
"""A principal is an int104."""


class Rota(NamedTuple):
    """Where the round stands: the row that is next, and how many to read in a hurry; None: all, at once."""

    next: int = 0
    hurried: int | None = None


def turn(book: Book, rota: Rota) -> tuple[list[Address], Rota]:
    """The accounts to read now, and the rota once they were read."""
    rows = _candidates(book)
    touched = rows[book.groups()[rows] == Base.TOUCHED]
    if rota.hurried is None:
        chosen, after = rows, Rota(0, 0)
    else:
        start = int(np.searchsorted(rows, rota.next))
        size = max(min(rota.hurried, HURRY), ROUND)
        chosen = rows[start : start + size]
        ended = start + size >= len(rows)
        after = Rota(0 if ended else int(chosen[-1]) + 1, max(rota.hurried - size, 0))
    accounts = book.accounts()
    return [accounts[row] for row in np.union1d(touched, chosen).tolist()], after


def hurry(book: Book, rota: Rota) -> Rota:
    """A whole round is due, as fast as HURRY allows."""
    return rota if rota.hurried is None else rota._replace(hurried=len(_candidates(book)))


def _candidates(book: Book) -> NDArray[np.int32]:
    """Rows of accounts that may owe, ascending."""
    legs = book.columns()
    backed = (legs.asset != BASE) | (legs.side == Side.DEBT)
    rows: NDArray[np.int32] = np.unique(legs.account[(legs.quantity > 0) & backed])
    return rows


def read_principals(book: Book, accounts: Sequence[Address]) -> Reads[None]:
    """Take over userBasic(account).principal of each account, in batches."""
    for start in range(0, len(accounts), BATCH):
        batch = accounts[start : start + BATCH]
        answers = yield [call(comet(book), "userBasic(address)", account) for account in batch]
        for account, answer in zip(batch, answers, strict=True):
            principal = principal_of(answer)
            if principal is not None:
                set_principal(book, account, principal)
                mark(book, account, Base.KNOWN)


def principal_of(answer: bytes | None) -> int | None:
    """The principal in UserBasic, None where the contract gave none."""
    value = uint(answer)
    if value is None:
        return None
    signed = value - (1 << 256) if value >> 255 else value
    return signed if -_SIGN <= signed < _SIGN else None
