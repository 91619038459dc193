"""The book against the contracts' own views: what to ask and how to compare.

Compares what the contracts store (shares, premium, keys, flags, totals, configurations) and what they
conclude (getUserAccountData). A position the book never heard of shows in what the hubs keep of the
spoke, which must equal the sums over all accounts.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from keeper.errors import Degraded
from keeper.protocols.aave_v4 import answers
from keeper.protocols.aave_v4.frame import SpokeFrame
from keeper.protocols.aave_v4.health import account_data, check_prices
from keeper.protocols.aave_v4.position import Position
from keeper.protocols.aave_v4.records import (
    Asset,
    DynamicConfig,
    Line,
    LiquidationConfig,
    Reserve,
    Terms,
    config_of,
    deployment,
    listed,
    reserves,
    terms_of,
)
from keeper.protocols.base import Book, Difference, Reads, Side
from keeper.types import Address, Call

_ACCOUNT_DATA = (
    "risk_premium",
    "average_factor",
    "health_factor",
    "collateral",
    "debt",
    "collaterals",
    "borrows",
)


def audit_accounts(book: Book, accounts: Sequence[Address], frame: SpokeFrame) -> Reads[list[Difference]]:
    """Differences of `accounts` at the block read; `frame` is at that block's timestamp."""
    calls = [asked for account in accounts for asked in _account_calls(book, account)]
    if not calls:
        return []
    results = iter((yield calls))
    found: list[Difference] = []
    for account in accounts:
        words = list(islice(results, len(_account_calls(book, account))))
        found += _account_differences(book, account, frame, words)
    return found


def _account_calls(book: Book, account: Address) -> list[Call]:
    spoke = deployment(book).spoke
    positions = [answers.get_position(spoke, number, account) for number in _used(book, account)]
    return answers.get_account(spoke, account) + [asked for pair in positions for asked in pair]


def _used(book: Book, account: Address) -> list[int]:
    """Reserves the book knows anything of the account in."""
    held = {leg[0] for leg in book.legs(account)}
    return [
        reserve.id
        for reserve in reserves(book)
        if reserve.id in held
        or book.enabled(account, reserve.id)
        or terms_of(book, account, reserve.id) != Terms()
    ]


def _account_differences(
    book: Book, account: Address, frame: SpokeFrame, results: Sequence[bytes | None]
) -> Iterator[Difference]:
    data, risk_premium, *positions = results
    stored = answers.words(risk_premium, 1)
    ours = book.get(("risk_premium", account), 0)
    if stored is not None and stored[0] != ours:
        yield Difference(account, "stored_risk_premium", ours, stored[0])
    for place, number in enumerate(_used(book, account)):
        found = answers.position(positions[2 * place : 2 * place + 2])
        if found is None:
            continue
        for name, theirs in position_fields(found).items():
            mine = position_fields(position_of(book, account, number))[name]
            if mine != theirs:
                yield Difference(account, f"{name}[{number}]", mine, theirs)
    yield from _data_differences(book, account, frame, answers.words(data, len(_ACCOUNT_DATA)))


def position_of(book: Book, account: Address, number: int) -> tuple[int, int, bool, Terms]:
    """The book's counterpart of `answers.position`."""
    return (
        book.quantity(account, number, Side.COLLATERAL),
        book.quantity(account, number, Side.DEBT),
        book.enabled(account, number),
        terms_of(book, account, number),
    )


def position_fields(position: tuple[int, int, bool, Terms]) -> dict[str, int]:
    """A position's numbers by name."""
    supplied, drawn, used, terms = position
    return {
        "supplied_shares": supplied,
        "drawn_shares": drawn,
        "using_as_collateral": int(used),
        "dynamic_config_key": terms.key,
        "premium_shares": terms.premium_shares,
        "premium_offset_ray": terms.premium_offset,
    }


def _data_differences(
    book: Book, account: Address, frame: SpokeFrame, theirs: list[int] | None
) -> Iterator[Difference]:
    position = Position.of(book, account)
    try:
        check_prices(book, position, frame)
        ours = account_data(position, frame)
    except Degraded:
        return  # without a price the spoke reverts as well
    for name, mine, value in zip(_ACCOUNT_DATA, ours, theirs or (), strict=False):
        if mine != value:
            yield Difference(account, name, mine, value)


def audit_reserves(book: Book) -> Reads[list[Difference]]:
    """Differences of every reserve, its hub's asset and the spoke's part of it, and of the spoke's own rules.

    What is the spoke's own goes by its address.
    """
    spoke = deployment(book).spoke
    known = listed(book)
    calls = [asked for reserve, _, _ in known for asked in _reserve_calls(spoke, reserve)]
    rules, *results = yield [answers.get_liquidation(spoke), *calls]
    found = _differing(spoke, book.get(("liquidation",), LiquidationConfig()), answers.liquidation(rules))
    drawn, supplied, premium = _sums(book)
    for place, (reserve, asset, line) in enumerate(known):
        theirs = results[4 * place : 4 * place + 4]
        part = answers.line(theirs[1])
        found += _differing(asset.underlying, asset, answers.asset(theirs[0]))
        found += _differing(asset.underlying, line, part)
        found += _differing(asset.underlying, reserve, answers.reserve(theirs[2], reserve.id))
        config = config_of(book, reserve.id, reserve.key)
        found += _differing(asset.underlying, config, answers.dynamic(theirs[3]))
        if part is not None:
            sums = [("sum_drawn", drawn, part.drawn_shares), ("sum_premium", premium, part.premium_shares)]
            surplus = book.get(("surplus", reserve.id), 0)
            if surplus is not None:
                sums.append(("sum_supplied", supplied, part.added_shares - surplus))
            found += [
                Difference(asset.underlying, f"{name}[{reserve.id}]", ours.get(reserve.id, 0), total)
                for name, ours, total in sums
                if ours.get(reserve.id, 0) != total
            ]
    return found


def _reserve_calls(spoke: Address, reserve: Reserve) -> list[Call]:
    return [
        answers.get_asset(reserve),
        answers.get_line(reserve, spoke),
        answers.get_reserve(spoke, reserve.id),
        answers.get_dynamic(spoke, reserve.id, reserve.key),
    ]


Record = Asset | Line | Reserve | DynamicConfig | LiquidationConfig


def _differing(subject: Address, ours: Record, theirs: Record | None) -> list[Difference]:
    if theirs is None:
        return []
    kind = type(ours).__name__.lower()
    values: Mapping[str, Any] = theirs._asdict()
    return [
        Difference(subject, f"{kind}_{name}", _number(mine), _number(values[name]))
        for name, mine in ours._asdict().items()
        if mine != values[name]
    ]


def _number(value: int | str) -> int:
    return value if isinstance(value, int) else int(value or "0", 16)


def _sums(book: Book) -> tuple[Mapping[int, int], Mapping[int, int], Mapping[int, int]]:
    """Drawn, supplied and premium shares by reserve over all accounts."""
    drawn: dict[int, int] = {}
    supplied: dict[int, int] = {}
    premium: dict[int, int] = {}
    for account in book.accounts():
        for number, side, shares, _ in book.legs(account):
            sums = drawn if side is Side.DEBT else supplied
            sums[number] = sums.get(number, 0) + shares
    for (_, _, reserve), terms in book.items("terms"):
        number = int(reserve)
        premium[number] = premium.get(number, 0) + terms.premium_shares
    return drawn, supplied, premium
