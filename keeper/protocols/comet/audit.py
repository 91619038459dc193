"""The book against the comet's own views: what to ask, how to compare, how to mend."""

from collections.abc import Mapping, Sequence

from keeper.errors import Degraded
from keeper.protocols.base import Book, Difference, Reads, Side
from keeper.protocols.comet import records
from keeper.protocols.comet.frame import CometFrame
from keeper.protocols.comet.health import liquidatable
from keeper.protocols.comet.math import Totals, accrued, present_value, reserves
from keeper.protocols.comet.poll import BATCH, principal_of, read_principals
from keeper.protocols.comet.position import Position
from keeper.protocols.comet.records import BASE, Base, comet, order, terms
from keeper.protocols.comet.refresh import answer_of, collateral_sums, read_state, totals_of
from keeper.protocols.decode import call, uint
from keeper.types import Address, Call

_VIEWS = ("userBasic(address)", "borrowBalanceOf(address)", "isLiquidatable(address)")


def audit_accounts(book: Book, accounts: Sequence[Address], frame: CometFrame) -> Reads[list[Difference]]:
    """Compare principal, debt, collateral and isLiquidatable, which goes by the index as stored."""
    if not accounts:
        return []
    numbers = order(book)
    calls = [asked for account in accounts for asked in _account_calls(book, account, numbers)]
    size = len(_VIEWS) + len(numbers)
    answers = yield calls
    return [
        difference
        for place, account in enumerate(accounts)
        for difference in _account(book, account, frame, answers[place * size : (place + 1) * size])
    ]


def _account_calls(book: Book, account: Address, numbers: Sequence[int]) -> list[Call]:
    contract = comet(book)
    return [
        *(call(contract, view, account) for view in _VIEWS),
        *(_collateral_call(book, account, number) for number in numbers),
    ]


def _collateral_call(book: Book, account: Address, number: int) -> Call:
    return call(comet(book), "userCollateral(address,address)", account, records.asset(book, number))


def _account(
    book: Book, account: Address, frame: CometFrame, answers: Sequence[bytes | None]
) -> list[Difference]:
    position = Position.of(book, account)
    ours: dict[str, int | None] = {}
    theirs: dict[str, int | None] = {}
    if book.group(account) == Base.KNOWN:  # what an account without collateral supplies nobody asks for
        ours = {
            "principal": position.principal,
            "borrow_balance": max(-present_value(position.principal, frame.indexes), 0),
            "is_liquidatable": _liquidatable(position, frame),
        }
        theirs = {
            "principal": principal_of(answers[0]),
            "borrow_balance": uint(answers[1]),
            "is_liquidatable": uint(answers[2]),
        }
    for number, answer in zip(order(book), answers[len(_VIEWS) :], strict=True):
        name = f"collateral_{records.asset(book, number)}"
        ours[name], theirs[name] = position.held.get(number, 0), uint(answer)
    return _differences(account, ours, theirs)


def _liquidatable(position: Position, frame: CometFrame) -> int | None:
    """None where the view reverts, too."""
    try:
        return int(liquidatable(position, frame, frame.stored))
    except Degraded:
        return None


def _differences(
    subject: Address, ours: Mapping[str, int | None], theirs: Mapping[str, int | None]
) -> list[Difference]:
    """Only what both sides could say."""
    return [
        Difference(subject, name, value, chain)
        for name, value in ours.items()
        if value is not None and (chain := theirs[name]) is not None and chain != value
    ]


def audit_reserves(book: Book, timestamp: int) -> Reads[list[Difference]]:
    """Compare totals, reserves at `timestamp`, prices, and the collateral with the sums over all accounts."""
    contract, numbers = comet(book), order(book)
    answers = yield [
        call(contract, "totalsBasic()"),
        call(contract, "getReserves()"),
        call(terms(book).feed, "latestRoundData()"),
        *(asked for number in numbers for asked in _asset_calls(book, number)),
    ]
    found = _base(book, timestamp, answers[:3])
    sums = collateral_sums(book)
    for place, number in enumerate(numbers):
        total, stock, price = answers[3 + 3 * place : 6 + 3 * place]
        ours = {
            "total_supply": sums.get(number, 0),
            "collateral_reserves": book.get(("stock", number)),
            "price": book.get(("price", number)),
        }
        theirs = {"total_supply": uint(total), "collateral_reserves": uint(stock), "price": answer_of(price)}
        found += _differences(records.asset(book, number), ours, theirs)
    return found


def _asset_calls(book: Book, number: int) -> tuple[Call, Call, Call]:
    address = records.asset(book, number)
    return (
        call(comet(book), "totalsCollateral(address)", address),
        call(comet(book), "getCollateralReserves(address)", address),
        call(book.get(("collateral", number)).feed, "latestRoundData()"),
    )


def _base(book: Book, timestamp: int, answers: Sequence[bytes | None]) -> list[Difference]:
    read = totals_of(answers[0])
    totals: Totals | None = book.get(("totals",))
    fixed = terms(book)
    if read is None or totals is None:
        return []
    now = accrued(totals, fixed.supply, fixed.borrow, timestamp)
    kept = reserves(now, book.get(("cash",)) or 0)
    ours = {**_flat(totals), "reserves": kept, "price": book.get(("price", BASE))}
    left = uint(answers[1])
    theirs = {
        **_flat(read[0]),
        "reserves": left - (1 << 256) if left is not None and left >> 255 else left,
        "price": answer_of(answers[2]),
    }
    return _differences(records.asset(book, BASE), ours, theirs)


def _flat(totals: Totals) -> dict[str, int | None]:
    return {
        "base_supply_index": totals.indexes.supply,
        "base_borrow_index": totals.indexes.borrow,
        "total_supply_base": totals.supply,
        "total_borrow_base": totals.borrow,
        "last_accrual_time": totals.updated,
    }


def heal_account(book: Book, account: Address) -> Reads[None]:
    """Take over everything the chain stores of `account`."""
    yield from read_principals(book, [account])
    numbers = order(book)
    answers = (yield [_collateral_call(book, account, number) for number in numbers]) if numbers else ()
    for number, answer in zip(numbers, answers, strict=True):
        _take_collateral(book, account, number, answer)


def heal_asset(book: Book, asset: Address) -> Reads[None]:
    """Take over what the chain stores of the base token, or of a collateral and all accounts' part of it."""
    yield from read_state(book)
    number = records.number_of(book, asset)
    accounts = list(book.accounts()) if number != BASE else []
    for start in range(0, len(accounts), BATCH):
        batch = accounts[start : start + BATCH]
        answers = yield [_collateral_call(book, account, number) for account in batch]
        for account, answer in zip(batch, answers, strict=True):
            _take_collateral(book, account, number, answer)


def _take_collateral(book: Book, account: Address, number: int, answer: bytes | None) -> None:
    amount = uint(answer)
    if amount is not None and amount != book.quantity(account, number, Side.COLLATERAL):
        records.set_collateral(book, account, number, amount)
