"""VAI owed: no event tells its interest, so loans are read after each change and the index at each head."""

from keeper.protocols.aave_v3.decode import call, uint
from keeper.protocols.base import Book, Reads
from keeper.protocols.venus.records import VaiIndex, VaiLoan, deployment, replace
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
    unread: tuple[Address, ...] = book.get(("vai_unread",), ())
    answers = yield [
        *(call(contracts.vai_controller, name) for name in _INDEX),
        *(asked for account in unread for asked in _loan_calls(book, account)),
    ]
    index, rate = (uint(answer) for answer in answers[:2])
    if index is not None:
        before: VaiIndex | None = book.get(("vai",))
        since: int = book.get(("vai_accrued",), block)
        if before and since <= before.block:
            since = before.block if before.mint_index == index else block
        replace(book, ("vai",), VaiIndex(index, rate or 0, since))
    missing = []
    for place, account in enumerate(unread):
        minted, past, then = (uint(answer) for answer in answers[2 + 3 * place : 5 + 3 * place])
        if minted is None or past is None or then is None:
            missing.append(account)
        else:
            replace(book, ("vai_loan", account), VaiLoan(minted, past, then))
    replace(book, ("vai_unread",), tuple(missing))


def _loan_calls(book: Book, account: Address) -> list[Call]:
    contracts = deployment(book)
    return [
        call(contracts.comptroller, "mintedVAIs(address)", account),
        call(contracts.vai_controller, "pastVAIInterest(address)", account),
        call(contracts.vai_controller, "getVAIMinterInterestIndex(address)", account),
    ]
