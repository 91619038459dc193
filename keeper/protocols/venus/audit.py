"""The book against the protocol's own view: what to ask, how to compare.

Compares what the contracts store (vTokens, debts, membership, pool, totals, limits) and what they conclude
(getAccountLiquidity, which goes by what is stored). A position the book never heard of shows in a market's
totalSupply, which must equal the sum over all accounts.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice

from keeper.protocols import decode
from keeper.protocols.base import Book, Difference, Reads, Side
from keeper.protocols.decode import call, uint
from keeper.protocols.venus.frame import UNKNOWN, VenusFrame, address_of
from keeper.protocols.venus.heal import core_limits, stored, stored_calls
from keeper.protocols.venus.liquidity import NOTHING, liquidity
from keeper.protocols.venus.position import Position, vai_debt
from keeper.protocols.venus.records import (
    CORE,
    deployment,
    limits_of,
    state_of,
    vtokens,
)
from keeper.types import ZERO_ADDRESS, Address, Call


def audit_accounts(book: Book, accounts: Sequence[Address], frame: VenusFrame) -> Reads[list[Difference]]:
    """Differences of `accounts` at the block read."""
    positions = [Position.of(book, account) for account in accounts]
    calls = [_account_calls(each, frame) for each in positions]
    if not any(calls):
        return []
    answers = iter((yield [asked for each in calls for asked in each]))
    found: list[Difference] = []
    for position, asked in zip(positions, calls, strict=True):
        words = list(islice(answers, len(asked)))
        found += _account_differences(position, frame, words)
    return found


def _account_calls(position: Position, frame: VenusFrame) -> list[Call]:
    account, contracts = position.account, frame.contracts
    snapshots = [
        call(frame.markets[number].vtoken, "getAccountSnapshot(address)", account)
        for number in _numbers(position)
    ]
    return [
        call(contracts.comptroller, "getAccountLiquidity(address)", account),
        call(contracts.comptroller, "getAssetsIn(address)", account),
        call(contracts.comptroller, "userPoolId(address)", account),
        call(contracts.vai_controller, "getVAIRepayAmount(address)", account),
        *snapshots,
    ]


def _numbers(position: Position) -> list[int]:
    return sorted({*position.tokens, *position.loans})


def _account_differences(
    position: Position, frame: VenusFrame, answers: Sequence[bytes | None]
) -> Iterator[Difference]:
    account = position.account
    judged, entered, pool, vai, *snapshots = answers
    yield from _liquidity_differences(position, frame, judged)
    yield from _membership_differences(position, frame, decode.addresses(entered))
    values = [("pool", position.pool, uint(pool))]
    if frame.contracts.vai_controller != ZERO_ADDRESS:
        values.append(("vai", vai_debt(position, frame), uint(vai)))
    for number, snapshot in zip(_numbers(position), snapshots, strict=True):
        balance = position.balance(number, NOTHING, frame)
        values.append((f"tokens[{number}]", position.tokens.get(number, 0), uint(snapshot, 1)))
        values.append((f"borrow[{number}]", balance, uint(snapshot, 2)))
    for name, ours, theirs in values:
        if theirs is not None and ours != theirs:
            yield Difference(account, name, ours, theirs)


def _liquidity_differences(
    position: Position, frame: VenusFrame, answer: bytes | None
) -> Iterator[Difference]:
    error, left, missing = (uint(answer, place) for place in range(3))
    sums = liquidity(position, NOTHING, frame)
    if error != 0 or left is None or missing is None or sums is None:
        return  # without a price the comptroller concludes nothing
    for name, ours, theirs in (
        ("liquidity", max(-sums.shortfall, 0), left),
        ("shortfall", max(sums.shortfall, 0), missing),
    ):
        if ours != theirs:
            yield Difference(position.account, name, ours, theirs)


def _membership_differences(
    position: Position, frame: VenusFrame, entered: list[Address] | None
) -> Iterator[Difference]:
    """Membership of markets where the account has anything; elsewhere it makes no difference."""
    for number in _numbers(position) if entered is not None else ():
        market = frame.markets[number]
        ours, theirs = number in position.entered, market.vtoken in (entered or ())
        if market.listed and ours != theirs:
            yield Difference(position.account, f"entered[{number}]", int(ours), int(theirs))


def audit_markets(book: Book) -> Reads[list[Difference]]:
    """Differences of every market: what it stores, its limits, and its supply against all accounts' sum."""
    comptroller = deployment(book).comptroller
    calls = [
        [*stored_calls(vtoken), call(comptroller, "markets(address)", vtoken)] for vtoken in vtokens(book)
    ]
    answers = iter((yield [call(comptroller, "closeFactorMantissa()"), *(c for each in calls for c in each)]))
    close_factor = uint(next(answers))
    sums = _sums(book)
    found: list[Difference] = []
    for number, asked in enumerate(calls):
        *words, settings = islice(answers, len(asked))
        ours = _ours(book, number, sums)
        theirs = _theirs(book, number, words, settings) | {"close_factor": close_factor}
        found += [
            Difference(_subject(book, number), f"{name}[{number}]", ours[name], value)
            for name, value in theirs.items()
            if value is not None and value != ours[name]
        ]
    return found


def _subject(book: Book, number: int) -> Address:
    facts = book.get(("facts", number)) or UNKNOWN
    return address_of(facts, vtokens(book)[number])


def _ours(book: Book, number: int, sums: Mapping[int, int]) -> dict[str, int]:
    limits = limits_of(book, CORE, number)
    return {
        **state_of(book, number)._asdict(),
        "sum_of_balances": sums.get(number, 0),
        "listed": book.get(("listed", number), 0),
        "factor": limits.factor,
        "threshold": limits.threshold,
        "incentive": limits.incentive,
        "close_factor": book.get(("close_factor",), 0),
    }


def _theirs(
    book: Book, number: int, words: Sequence[bytes | None], settings: bytes | None
) -> dict[str, int | None]:
    before = state_of(book, number)
    state = stored(words, before)
    limits = core_limits(settings, limits_of(book, CORE, number))
    values: dict[str, int | None] = {}
    if state is not None:
        values |= {**state._asdict(), "sum_of_balances": state.supply}
    if limits is not None:
        values |= {
            "listed": uint(settings),
            "factor": limits.factor,
            "threshold": limits.threshold,
            "incentive": limits.incentive,
        }
    return values


def _sums(book: Book) -> dict[int, int]:
    sums: dict[int, int] = {}
    for account in book.accounts():
        for number, side, tokens, _ in book.legs(account):
            if side is Side.COLLATERAL:
                sums[number] = sums.get(number, 0) + tokens
    return sums
