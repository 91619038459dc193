"""The book against the pool's own view: what to ask, how to compare, how to mend.

Compares what the contracts store (scaled balances, stable loans, flags, indexes, configuration) and what
they conclude (getUserAccountData). A position the book never heard of shows in a token's
scaledTotalSupply, which must equal the sum over all accounts. (The stable debt token's total is no such
sum: it accrues by an average rate.)
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from keeper.protocols.aave_v2.frame import AaveV2Frame
from keeper.protocols.aave_v3 import audit as v3
from keeper.protocols.aave_v3.fold_loans import loan_of, put_loan
from keeper.protocols.aave_v3.records import Reserve, StableLoan, deployment, listed
from keeper.protocols.base import Book, Difference, Reads, Side
from keeper.protocols.decode import call, uint
from keeper.types import Address, Call

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
    bits = v3.configuration_bits(book, account)
    theirs = v3.meant(uint(configuration), bits)
    if theirs is not None and bits != theirs:
        yield Difference(account, "user_configuration", bits, theirs)
    each = _batches(holdings, len(_HOLDINGS))
    for (number, _), words in zip(listed(book), each, strict=True):
        ours = _held(book, account, number)
        for name, value in zip(_HOLDINGS, map(uint, words), strict=True):
            if value is not None and ours[name] != value:
                yield Difference(account, f"{name}[{number}]", ours[name], value)
    yield from v3.data_differences(book, account, frame, data)


def _held(book: Book, account: Address, number: int) -> Mapping[str, int]:
    loan = loan_of(book, account, number)
    values = (
        book.quantity(account, number, Side.COLLATERAL),
        book.quantity(account, number, Side.DEBT),
        *loan[1:],
    )
    return dict(zip(_HOLDINGS, values, strict=True))


def audit_reserves(book: Book) -> Reads[list[Difference]]:
    """Differences of every reserve: what it stores, and its tokens' totals against all accounts' sums."""
    return v3.audit_reserves(book, _RESERVE_DATA)


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
    return v3.heal_reserve(book, asset, _RESERVE_DATA)


def _batches(answers: Iterable[bytes | None], size: int) -> Iterator[tuple[bytes | None, ...]]:
    """Answers in runs of `size`, none left over."""
    return zip(*[iter(answers)] * size, strict=True)
