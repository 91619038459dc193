"""The book against the pool's own view: what to ask, how to compare, how to mend.

Compares what the contracts store (scaled balances, stable loans, flags, indexes, configuration) and what
they conclude (getUserAccountData). A position the book never heard of shows in a token's
scaledTotalSupply, which must equal the sum over all accounts. (The stable debt token's total is no such
sum: it accrues by an average rate.)
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from keeper.errors import Degraded
from keeper.protocols.aave_v2.frame import AaveV2Frame
from keeper.protocols.aave_v3.fold_loans import loan_of, put_loan
from keeper.protocols.aave_v3.health import health
from keeper.protocols.aave_v3.position import Position
from keeper.protocols.aave_v3.records import Accrual, Reserve, StableLoan, deployment, listed, replace
from keeper.protocols.base import Book, Difference, Reads, Side
from keeper.protocols.decode import call, uint
from keeper.types import Address, Call

_BORROWING = int("01" * 128, 2)
"""Even bits of a UserConfigurationMap."""

_ACCOUNT_DATA = ("collateral", "debt", "available_borrows", "liquidation_threshold", "ltv", "health_factor")
_HOLDINGS = ("scaled_collateral", "scaled_debt", "stable_principal", "stable_rate", "stable_updated")

_RESERVE_DATA = {
    "configuration": 0,
    "liquidity_index": 1,
    "borrow_index": 2,
    "liquidity_rate": 3,
    "borrow_rate": 4,
    "updated": 6,
}
"""Words of DataTypes.ReserveData; 5 is the rate of new loans at stable rates, which the book leaves out."""


def audit_accounts(book: Book, accounts: Sequence[Address], frame: AaveV2Frame) -> Reads[list[Difference]]:
    """Differences of `accounts` at the block read; `frame` is at that block's timestamp."""
    if not accounts:
        return []
    answers = yield [asked for account in accounts for asked in _account_calls(book, account)]
    each = _batches(answers, len(answers) // len(accounts))
    return [
        difference
        for account, words in zip(accounts, each, strict=True)
        for difference in _account_differences(book, account, frame, words)
    ]


def _account_calls(book: Book, account: Address) -> list[Call]:
    pool = deployment(book).pool
    return [
        call(pool, "getUserAccountData(address)", account),
        call(pool, "getUserConfiguration(address)", account),
        *(asked for number, _ in listed(book) for asked in _holding_calls(book, number, account)),
    ]


def _holding_calls(book: Book, number: int, account: Address) -> list[Call]:
    """In the order of _HOLDINGS."""
    reserve: Reserve = book.get(("reserve", number))
    stable: Address = book.get(("stable_token", number))
    return [
        call(reserve.a_token, "scaledBalanceOf(address)", account),
        call(reserve.v_token, "scaledBalanceOf(address)", account),
        call(stable, "principalBalanceOf(address)", account),
        call(stable, "getUserStableRate(address)", account),
        call(stable, "getUserLastUpdated(address)", account),
    ]


def _account_differences(
    book: Book, account: Address, frame: AaveV2Frame, answers: Sequence[bytes | None]
) -> Iterator[Difference]:
    data, configuration, *holdings = answers
    bits = _configuration(book, account)
    theirs = uint(configuration)
    if theirs is not None and bits != _meant(theirs, bits):
        yield Difference(account, "user_configuration", bits, _meant(theirs, bits))
    each = _batches(holdings, len(_HOLDINGS))
    for (number, _), words in zip(listed(book), each, strict=True):
        ours = _held(book, account, number)
        for name, value in zip(_HOLDINGS, map(uint, words), strict=True):
            if value is not None and ours[name] != value:
                yield Difference(account, f"{name}[{number}]", ours[name], value)
    yield from _data_differences(book, account, frame, data)


def _held(book: Book, account: Address, number: int) -> Mapping[str, int]:
    loan = loan_of(book, account, number)
    values = (
        book.quantity(account, number, Side.COLLATERAL),
        book.quantity(account, number, Side.DEBT),
        *loan[1:],
    )
    return dict(zip(_HOLDINGS, values, strict=True))


def _data_differences(
    book: Book, account: Address, frame: AaveV2Frame, answer: bytes | None
) -> Iterator[Difference]:
    try:
        judged = health(Position.of(book, account), frame)
    except Degraded:
        return  # without a price the pool reverts as well
    values = {
        "collateral": judged.collateral,
        "debt": judged.debt,
        "health_factor": judged.health_factor,
        **judged.details,
    }
    for position, name in enumerate(_ACCOUNT_DATA):
        theirs = uint(answer, position)
        if theirs is not None and values[name] != theirs:
            yield Difference(account, name, values[name], theirs)


def audit_reserves(book: Book) -> Reads[list[Difference]]:
    """Differences of every reserve: what it stores, and its tokens' totals against all accounts' sums."""
    reserves: list[Reserve] = [book.get(("reserve", number)) for number, _ in listed(book)]
    if not reserves:
        return []
    answers = yield [asked for reserve in reserves for asked in _reserve_calls(book, reserve)]
    sums = _sums(book)
    found: list[Difference] = []
    for reserve, (data, supplied, owed) in zip(reserves, _batches(answers, 3), strict=True):
        number = reserve.id
        accrual: Accrual = book.get(("accrual", number))
        ours = {
            "configuration": book.get(("configuration", number)),
            **accrual._asdict(),
            "scaled_supply": sums.get((number, Side.COLLATERAL), 0),
            "scaled_debt": sums.get((number, Side.DEBT), 0),
            "total_debt": book.get(("scaled_debt", number), 0),
        }
        total = uint(owed)
        theirs = {
            **_read(data),
            "scaled_supply": uint(supplied),
            "scaled_debt": total,
            "total_debt": total,
        }
        found += [
            Difference(reserve.asset, name, ours[name], value)
            for name, value in theirs.items()
            if value is not None and value != ours[name]
        ]
    return found


def heal_account(book: Book, account: Address) -> Reads[None]:
    """Take over everything the chain stores of `account`."""
    numbers = [number for number, _ in listed(book)]
    configuration, *holdings = yield [
        call(deployment(book).pool, "getUserConfiguration(address)", account),
        *(asked for number in numbers for asked in _holding_calls(book, number, account)),
    ]
    flags = uint(configuration)
    if flags is None:
        return
    for number, words in zip(numbers, _batches(holdings, len(_HOLDINGS)), strict=True):
        collateral, debt, *loan = map(uint, words)
        for side, scaled in ((Side.COLLATERAL, collateral), (Side.DEBT, debt)):
            if scaled is not None and scaled != book.quantity(account, number, side):
                book.set_quantity(account, number, side, scaled)
        principal, rate, updated = loan
        if principal is not None and rate is not None and updated is not None:
            read = StableLoan(number, principal, rate, updated)
            if read != loan_of(book, account, number):
                put_loan(book, account, read)
        used = bool(flags >> (2 * number + 1) & 1)
        if used != book.enabled(account, number):
            book.set_enabled(account, number, used)


def heal_reserve(book: Book, asset: Address) -> Reads[None]:
    """Take over what the chain stores of a reserve; the accounts behind its totals heal on their own."""
    number: int = book.get(("id", asset))
    data, _, owed = yield _reserve_calls(book, book.get(("reserve", number)))
    values = {name: value for name, value in _read(data).items() if value is not None}
    total = uint(owed)
    if len(values) == len(_RESERVE_DATA) and total is not None:
        replace(book, ("scaled_debt", number), total)
        replace(book, ("configuration", number), values.pop("configuration"))
        replace(book, ("accrual", number), Accrual(**values))


def _reserve_calls(book: Book, reserve: Reserve) -> list[Call]:
    return [
        call(deployment(book).pool, "getReserveData(address)", reserve.asset),
        call(reserve.a_token, "scaledTotalSupply()"),
        call(reserve.v_token, "scaledTotalSupply()"),
    ]


def _read(data: bytes | None) -> dict[str, int | None]:
    return {name: uint(data, place) for name, place in _RESERVE_DATA.items()}


def _sums(book: Book) -> dict[tuple[int, Side], int]:
    sums: dict[tuple[int, Side], int] = {}
    for account in book.accounts():
        for number, side, scaled, _ in book.legs(account):
            sums[number, side] = sums.get((number, side), 0) + scaled
    return sums


def _configuration(book: Book, account: Address) -> int:
    """UserConfigurationMap: two bits a reserve, borrowing and used as collateral."""
    bits = 0
    for number, _ in listed(book):
        loan = loan_of(book, account, number)
        borrowing = book.quantity(account, number, Side.DEBT) > 0 or loan.principal > 0
        bits |= (borrowing | book.enabled(account, number) << 1) << 2 * number
    return bits


def _meant(configuration: int, ours: int) -> int:
    """Without borrowing bits that outlived their debt, as they do after liquidations: they have no effect."""
    return configuration & ~(_BORROWING & ~ours)


def _batches(answers: Iterable[bytes | None], size: int) -> Iterator[tuple[bytes | None, ...]]:
    """Answers in runs of `size`, none left over."""
    return zip(*[iter(answers)] * size, strict=True)
