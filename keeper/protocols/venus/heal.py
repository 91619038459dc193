"""Taking over what the chain stores of an account or a market."""

from collections.abc import Sequence

from keeper.protocols import decode
from keeper.protocols.base import Book, Reads, Side
from keeper.protocols.decode import call, uint
from keeper.protocols.records import replace
from keeper.protocols.venus.fold_market import owe
from keeper.protocols.venus.math import owed
from keeper.protocols.venus.records import CORE, Limits, Loan, State, deployment, limits_of, state_of, vtokens
from keeper.types import Address, Call

STORED = (
    "getCash()",
    "totalBorrows()",
    "totalReserves()",
    "totalSupply()",
    "borrowIndex()",
    "reserveFactorMantissa()",
    "accrualBlockNumber()",
    "accrualBlockTimestamp()",
)
"""Getters of State's fields, in their order."""

MOST_POOLS = 2**31 - 1
"""Accounts' groups are 32-bit numbers; from a node that says more nothing is taken over."""


def stored_calls(vtoken: Address) -> list[Call]:
    """What to ask a market for all it stores."""
    return [call(vtoken, name) for name in STORED]


def stored(answers: Sequence[bytes | None], before: State) -> State | None:
    """The answers as a State, None where the market gave none. A moment not told is as `before`."""
    words = [uint(answer) for answer in answers]
    known = [word for word in words[:6] if word is not None]
    if len(known) < 6:
        return None
    block, time = words[6], words[7]
    cash, borrows, reserves, supply, index, factor = known
    return State(cash, borrows, reserves, supply, index, factor, block or before.block, time or before.time)


def heal_market(book: Book, number: int) -> Reads[None]:
    """Take over what a market and the comptroller store of it."""
    vtoken, comptroller = vtokens(book)[number], deployment(book).comptroller
    *answers, settings, model = yield [
        *stored_calls(vtoken),
        call(comptroller, "markets(address)", vtoken),
        call(vtoken, "interestRateModel()"),
    ]
    state = stored(answers, state_of(book, number))
    if state is not None:
        replace(book, ("state", number), state)
    limits = core_limits(settings, limits_of(book, CORE, number))
    if limits is not None:
        replace(book, ("limits", CORE, number), limits)
        replace(book, ("listed", number), uint(settings) or 0)
    found = decode.address(model)
    if found is not None:
        replace(book, ("model", number), found)


def core_limits(settings: bytes | None, before: Limits) -> Limits | None:
    """Comptroller.markets as Limits: of Venus, or of Compound v2, which has one factor."""
    factor, threshold, incentive = uint(settings, 1), uint(settings, 3), uint(settings, 4)
    if factor is None:
        return None
    if threshold is None:
        return before._replace(factor=factor, threshold=factor)
    return before._replace(factor=factor, threshold=threshold, incentive=incentive or 0)


def heal_account(book: Book, account: Address) -> Reads[None]:
    """Take over everything the chain stores of `account`.

    A loan that differs is entered as what is owed now at the index of now: its own principal and index
    cannot be read, so it may be a token unit off until the account is next touched.
    """
    contracts, addresses = deployment(book), vtokens(book)
    entered, pool, *answers = yield [
        call(contracts.comptroller, "getAssetsIn(address)", account),
        call(contracts.comptroller, "userPoolId(address)", account),
        *(call(vtoken, "getAccountSnapshot(address)", account) for vtoken in addresses),
        *(call(vtoken, "borrowIndex()") for vtoken in addresses),
    ]
    snapshots, indexes = answers[: len(addresses)], answers[len(addresses) :]
    markets, group = decode.addresses(entered), uint(pool) or 0
    if markets is None or group > MOST_POOLS:
        return
    if book.group(account) != group:
        book.set_group(account, group)
    for number, vtoken in enumerate(addresses):
        tokens, balance, index = uint(snapshots[number], 1), uint(snapshots[number], 2), uint(indexes[number])
        if tokens is not None and tokens != book.quantity(account, number, Side.COLLATERAL):
            book.set_quantity(account, number, Side.COLLATERAL, tokens)
        if balance is not None and index:
            _heal_loan(book, account, number, Loan(balance, index))
        if (vtoken in markets) != book.enabled(account, number):
            book.set_enabled(account, number, vtoken in markets)


def _heal_loan(book: Book, account: Address, number: int, now: Loan) -> None:
    """The index is the chain's: the book's may be what is wrong."""
    loan: Loan | None = book.get(("loan", account, number))
    if now.principal != (owed(loan, now.interest_index) if loan else 0):
        owe(book, account, number, now)


def heal_comptroller(book: Book) -> Reads[None]:
    """Take over what holds for all markets."""
    comptroller = deployment(book).comptroller
    names = ("closeFactorMantissa()", "treasuryPercent()", "liquidationIncentiveMantissa()")
    close_factor, fee, incentive = yield [call(comptroller, name) for name in names]
    for key, answer in (("close_factor", close_factor), ("redeem_fee", fee), ("incentive", incentive)):
        value = uint(answer)
        if value is not None:
            replace(book, (key,), value)
