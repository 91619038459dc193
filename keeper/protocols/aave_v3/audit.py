"""The book against the pool's own view: what to ask, how to compare, how to mend.

Compares what the contracts store (scaled balances, flags, eMode, indexes, configuration) and what
they conclude (getUserAccountData). A position the book never heard of shows in a token's
scaledTotalSupply, which must equal the sum over all accounts.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice

from keeper.errors import Degraded
from keeper.protocols.aave_v3.health import health
from keeper.protocols.aave_v3.model import AaveFrame
from keeper.protocols.aave_v3.position import Position
from keeper.protocols.aave_v3.records import Accrual, Reserve, deployment, listed
from keeper.protocols.base import Book, Difference, Reads, Side
from keeper.protocols.decode import call, uint
from keeper.protocols.records import replace
from keeper.types import Address, Call

_BORROWING = int("01" * 128, 2)
"""Even bits of a UserConfigurationMap."""

_ACCOUNT_DATA = ("collateral", "debt", "available_borrows", "liquidation_threshold", "ltv", "health_factor")

RESERVE_DATA = {
    "configuration": 0,
    "liquidity_index": 1,
    "liquidity_rate": 2,
    "borrow_index": 3,
    "borrow_rate": 4,
    "updated": 6,
}
"""Words of DataTypes.ReserveDataLegacy, the same in every v3."""


def audit_accounts(book: Book, accounts: Sequence[Address], frame: AaveFrame) -> Reads[list[Difference]]:
    """Differences of `accounts` at the block read; `frame` is at that block's timestamp."""
    calls = [asked for account in accounts for asked in _account_calls(book, account)]
    answers = iter((yield calls))
    found: list[Difference] = []
    for account in accounts:
        words = list(islice(answers, len(_account_calls(book, account))))
        found += _account_differences(book, account, frame, words)
    return found


def _account_calls(book: Book, account: Address) -> list[Call]:
    pool = deployment(book).pool
    names = ("getUserAccountData(address)", "getUserConfiguration(address)", "getUserEMode(address)")
    balances = [call(_token(book, leg), "scaledBalanceOf(address)", account) for leg in book.legs(account)]
    return [*(call(pool, name, account) for name in names), *balances]


def _account_differences(
    book: Book, account: Address, frame: AaveFrame, answers: Sequence[bytes | None]
) -> Iterator[Difference]:
    data, configuration, category, *balances = answers
    bits = configuration_bits(book, account)
    for name, ours, theirs in (
        ("user_configuration", bits, meant(uint(configuration), bits)),
        ("emode", book.group(account), uint(category)),
    ):
        if theirs is not None and ours != theirs:
            yield Difference(account, name, ours, theirs)
    for leg, answer in zip(book.legs(account), balances, strict=True):
        side = "debt" if leg[1] is Side.DEBT else "collateral"
        scaled = uint(answer)
        if scaled is not None and leg[2] != scaled:
            yield Difference(account, f"scaled_{side}[{leg[0]}]", leg[2], scaled)
    yield from data_differences(book, account, frame, data)


def data_differences(
    book: Book, account: Address, frame: AaveFrame, answer: bytes | None
) -> Iterator[Difference]:
    """What `answer`, the pool's getUserAccountData, says otherwise than the book."""
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


def audit_reserves(book: Book, words: Mapping[str, int] = RESERVE_DATA) -> Reads[list[Difference]]:
    """Differences of every reserve: what it stores, and its tokens' totals against all accounts' sums.

    `words`: where getReserveData has what is compared.
    """
    reserves: list[Reserve] = [book.get(("reserve", number)) for number, _ in listed(book)]
    answers = yield [asked for reserve in reserves for asked in _reserve_calls(book, reserve)]
    sums = _sums(book)
    found: list[Difference] = []
    for place, reserve in enumerate(reserves):
        data, supplied, owed = answers[3 * place : 3 * place + 3]
        accrual: Accrual = book.get(("accrual", reserve.id))
        ours = {
            "configuration": book.get(("configuration", reserve.id)),
            **accrual._asdict(),
            "scaled_supply": sums.get((reserve.id, Side.COLLATERAL), 0),
            "scaled_debt": sums.get((reserve.id, Side.DEBT), 0),
            "total_debt": book.get(("scaled_debt", reserve.id), 0),
        }
        theirs = {
            **_read(data, words),
            "scaled_supply": uint(supplied),
            "scaled_debt": uint(owed),
            "total_debt": uint(owed),
        }
        found += [
            Difference(reserve.asset, name, ours[name], value)
            for name, value in theirs.items()
            if value is not None and value != ours[name]
        ]
    return found


MAX_CATEGORY = 255
"""eModes are numbered by a uint8; from a node that says more nothing is taken over."""


def heal_account(book: Book, account: Address) -> Reads[None]:
    """Take over everything the chain stores of `account`."""
    pool = deployment(book).pool
    numbers = [number for number, _ in listed(book)]
    reserves: list[Reserve] = [book.get(("reserve", number)) for number in numbers]
    answers = yield [
        call(pool, "getUserConfiguration(address)", account),
        call(pool, "getUserEMode(address)", account),
        *(call(reserve.a_token, "scaledBalanceOf(address)", account) for reserve in reserves),
        *(call(reserve.v_token, "scaledBalanceOf(address)", account) for reserve in reserves),
    ]
    flags, category = uint(answers[0]), uint(answers[1]) or 0
    if flags is None or category > MAX_CATEGORY:
        return
    book.set_group(account, category)
    supplied, owed = answers[2 : 2 + len(numbers)], answers[2 + len(numbers) :]
    for number, collateral, debt in zip(numbers, supplied, owed, strict=True):
        for side, scaled in ((Side.COLLATERAL, uint(collateral)), (Side.DEBT, uint(debt))):
            if scaled is not None and scaled != book.quantity(account, number, side):
                book.set_quantity(account, number, side, scaled)
        used = bool(flags >> (2 * number + 1) & 1)
        if used != book.enabled(account, number):
            book.set_enabled(account, number, used)


def heal_reserve(book: Book, asset: Address, words: Mapping[str, int] = RESERVE_DATA) -> Reads[None]:
    """Take over what the chain stores of a reserve; the accounts behind its totals heal on their own.

    `words` as in `audit_reserves`.
    """
    number: int = book.get(("id", asset))
    data, _, owed = yield _reserve_calls(book, book.get(("reserve", number)))
    values = {name: value for name, value in _read(data, words).items() if value is not None}
    total = uint(owed)
    if len(values) == len(words) and total is not None:
        replace(book, ("scaled_debt", number), total)
        replace(book, ("configuration", number), values.pop("configuration"))
        replace(book, ("accrual", number), Accrual(**values))


def _reserve_calls(book: Book, reserve: Reserve) -> list[Call]:
    return [
        call(deployment(book).pool, "getReserveData(address)", reserve.asset),
        call(reserve.a_token, "scaledTotalSupply()"),
        call(reserve.v_token, "scaledTotalSupply()"),
    ]


def _read(data: bytes | None, words: Mapping[str, int]) -> dict[str, int | None]:
    return {name: uint(data, place) for name, place in words.items()}


def _sums(book: Book) -> dict[tuple[int, Side], int]:
    sums: dict[tuple[int, Side], int] = {}
    for account in book.accounts():
        for number, side, scaled, _ in book.legs(account):
            sums[number, side] = sums.get((number, side), 0) + scaled
    return sums


def configuration_bits(book: Book, account: Address) -> int:
    """UserConfigurationMap: two bits a reserve, borrowing and used as collateral."""
    bits = 0
    for number, _ in listed(book):
        borrowing = book.quantity(account, number, Side.DEBT) > 0
        bits |= (borrowing | book.enabled(account, number) << 1) << 2 * number
    for loan in book.get(("loans", account), ()):
        bits |= 1 << 2 * loan.reserve
    return bits


def meant(configuration: int | None, ours: int) -> int | None:
    """`configuration` without borrowing bits that outlived their debt, as they may up to v3.3.

    They have no effect; `ours` are the bits that the book's debts make.
    """
    return None if configuration is None else configuration & ~(_BORROWING & ~ours)


def _token(book: Book, leg: tuple[int, Side, int, bool]) -> Address:
    reserve: Reserve = book.get(("reserve", leg[0]))
    return reserve.v_token if leg[1] is Side.DEBT else reserve.a_token
