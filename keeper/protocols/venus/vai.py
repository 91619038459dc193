"""VAI owed: no event tells its interest, so loans are read after each change and the index at each head."""

from collections.abc import Sequence

from keeper.protocols.base import Book, Reads
from keeper.protocols.decode import call, uint
from keeper.protocols.records import replace
from keeper.protocols.venus.records import VaiIndex, VaiLoan, deployment, include
from keeper.types import ZERO_ADDRESS, Address, Call

_INDEX = ("vaiMintIndex()", "getVAIRepayRatePerBlock()")


def refresh_vai(book: Book, block: int) -> Reads[None]:
    """Read the index at `block`, and the loans that changed since they were read.

    Of the block of the last accrual the controller does not speak: it is that of the last event which
    brings one about, or, where the index moved without any, that of the head.
    """
    contracts = deployment(book)
    borrowers: tuple[Address, ...] = book.get(("vai_borrowers",), ())
    if contracts.vai_controller == ZERO_ADDRESS or not borrowers:
        return
    index, rate = yield [call(contracts.vai_controller, name) for name in _INDEX]
    _take_index(book, uint(index), uint(rate) or 0, block)
    unread: tuple[Address, ...] = book.get(("vai_unread",), ())
    replace(book, ("vai_unread",), (yield from _read_loans(book, unread)))


def heal_vai(book: Book, account: Address) -> Reads[None]:
    """Read an account's loan again, whatever events said of it."""
    if deployment(book).vai_controller != ZERO_ADDRESS:
        include(book, ("vai_borrowers",), account, present=True)
        yield from _read_loans(book, [account])


def _take_index(book: Book, index: int | None, rate: int, block: int) -> None:
    if index is None:
        return
    before: VaiIndex | None = book.get(("vai",))
    since: int = book.get(("vai_accrued",), block)
    if before and since <= before.block:
        since = before.block if before.mint_index == index else block
    replace(book, ("vai",), VaiIndex(index, rate, since))


def _read_loans(book: Book, accounts: Sequence[Address]) -> Reads[tuple[Address, ...]]:
    """Take over what accounts owe; returns those that could not be read."""
    if not accounts:
        return ()
    answers = yield [asked for account in accounts for asked in _loan_calls(book, account)]
    missing = []
    for place, account in enumerate(accounts):
        minted, past, then = (uint(answer) for answer in answers[3 * place : 3 * place + 3])
        if minted is None or past is None or then is None:
            missing.append(account)
        else:
            replace(book, ("vai_loan", account), VaiLoan(minted, past, then))
    return tuple(missing)


def _loan_calls(book: Book, account: Address) -> list[Call]:
    contracts = deployment(book)
    return [
        call(contracts.comptroller, "mintedVAIs(address)", account),
        call(contracts.vai_controller, "pastVAIInterest(address)", account),
        call(contracts.vai_controller, "getVAIMinterInterestIndex(address)", account),
    ]
