"""Debts of accounts, exact to 2^-31 of an asset unit (EVK: BorrowUtils.sol)."""

from keeper.protocols.base import Book, Side
from keeper.protocols.euler_v2.math import accrue, assets_up, is_dust, owed_now
from keeper.protocols.euler_v2.names import SHIFT
from keeper.protocols.euler_v2.records import Operation, Status, status, terms
from keeper.protocols.records import replace
from keeper.protocols.trust import gap
from keeper.types import Address


def touch(book: Book, number: int, timestamp: int) -> Status:
    """Accrue a vault's interest up to `timestamp`, as each of its operations does first."""
    accrued = accrue(status(book, number), terms(book, number).interest_fee, timestamp)
    replace(book, ("status", number), accrued)
    return accrued


def settle_operations(book: Book, number: int, timestamp: int, operations: tuple[Operation, ...]) -> None:
    """Apply Borrow and Repay events that were just that."""
    for account, change in operations:
        if change > 0:
            _increase(book, number, timestamp, account, change)
        else:
            decrease(book, number, timestamp, account, -change)


def _increase(book: Book, number: int, timestamp: int, account: Address, assets: int) -> None:
    vault_status = touch(book, number, timestamp)
    _write(book, number, account, debt_now(book, number, account, vault_status) + (assets << SHIFT))
    book.put(("status", number), vault_status._replace(borrows=vault_status.borrows + (assets << SHIFT)))


def decrease(book: Book, number: int, timestamp: int, account: Address, assets: int) -> None:
    """Repayment, or debt written off: the debt is first rounded up to whole asset units."""
    vault_status = touch(book, number, timestamp)
    owed = debt_now(book, number, account, vault_status)
    remaining = _at_least_0(book, account, assets_up(owed) - assets) << SHIFT
    _write(book, number, account, remaining)
    others = vault_status.borrows - owed
    borrows = others + remaining if others > 0 else remaining
    book.put(("status", number), vault_status._replace(borrows=borrows))


def transfer(  # noqa: PLR0917 - who owes whom how much
    book: Book, number: int, timestamp: int, source: Address, target: Address, assets: int
) -> None:
    """Debt that another account takes over. Less than an asset unit is never left behind."""
    vault_status = touch(book, number, timestamp)
    owed = debt_now(book, number, source, vault_status)
    moved = assets << SHIFT
    if moved != owed and is_dust(abs(moved - owed)):
        moved = owed
    _write(book, number, source, _at_least_0(book, source, owed - moved))
    _write(book, number, target, debt_now(book, number, target, vault_status) + moved)


def debt_now(book: Book, number: int, account: Address, vault_status: Status) -> int:
    """What an account owes to an accrued vault, 2^-31 assets."""
    owed = book.quantity(account, number, Side.DEBT)
    return owed_now(owed, vault_status.accumulator, book.get(("since", number, account))) if owed else 0


def _write(book: Book, number: int, account: Address, owed: int) -> None:
    if owed != book.quantity(account, number, Side.DEBT):
        book.set_quantity(account, number, Side.DEBT, owed)
    replace(book, ("since", number, account), status(book, number).accumulator)


def _at_least_0(book: Book, account: Address, amount: int) -> int:
    if amount < 0:
        gap(book, f"{account} repaid more than the logs since start_block say it owed")
    return max(amount, 0)
