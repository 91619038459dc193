"""When the pool runs a release this keeper does not know: its own word for the accounts that owe.

Logs still tell who owes, health is asked for, and nothing can be planned. Prices other than the
oracle's make no difference to what was read.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from keeper.errors import Degraded
from keeper.protocols.aave_v3.model import AaveFrame
from keeper.protocols.aave_v3.position import AccountData, Position
from keeper.protocols.aave_v3.records import deployment
from keeper.protocols.base import Book, Floats, Reads, Side
from keeper.protocols.decode import call, uint
from keeper.types import WAD, Address

AT_ONCE = 2_000
"""Accounts asked for at a head besides the endangered ones: bounds what a block costs."""

ENDANGERED = 11 * WAD // 10


def account_data(position: Position, frame: AaveFrame) -> AccountData:
    """What the pool last said.

    Raises:
        Degraded: it was not asked about this account yet, or it refused to answer.
    """
    found = frame.read.get(position.account)
    if found is None:
        raise Degraded(f"{position.account} cannot be judged: the pool has not been asked about it yet")
    return found


def screen(book: Book, frame: AaveFrame) -> Floats:
    """Health factor by account row as last read; inf for accounts not read."""
    health = np.full(len(book.accounts()), np.inf)
    for account, data in frame.read.items():
        row = book.row(account)
        if row is not None and data.debt:
            health[row] = data.health_factor / WAD
    return health


def read_accounts(book: Book, known: Mapping[Address, AccountData]) -> Reads[dict[Address, AccountData]]:
    """Ask the pool about the endangered accounts and about those whose turn it is.

    Returns all that is known then, longest unasked first.
    """
    owing = _owing(book)
    unasked = [account for account in owing if account not in known]
    waiting = [account for account in known if account in owing]
    urgent = [account for account in waiting if known[account].health_factor < ENDANGERED]
    asked = list(dict.fromkeys([*urgent, *[*unasked, *waiting][:AT_ONCE]]))
    pool = deployment(book).pool
    answers = (
        (yield [call(pool, "getUserAccountData(address)", account) for account in asked]) if asked else ()
    )
    fresh = {account: _data(answer) for account, answer in zip(asked, answers, strict=True)}
    kept = {account: known[account] for account in waiting if account not in fresh}
    return kept | {account: data for account, data in fresh.items() if data}


def _owing(book: Book) -> dict[Address, None]:
    legs, accounts = book.columns(), book.accounts()
    rows: Sequence[int] = np.unique(legs.account[(legs.side == Side.DEBT) & (legs.quantity > 0)]).tolist()
    return dict.fromkeys(accounts[row] for row in rows)


def _data(answer: bytes | None) -> AccountData | None:
    words = [uint(answer, position) for position in (0, 1, 3, 4, 5)]
    known = [word for word in words if word is not None]
    return AccountData(*known) if len(known) == len(words) else None
