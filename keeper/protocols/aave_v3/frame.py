"""Per-reserve numbers of a market at one timestamp: everything that accounts share."""

from collections.abc import Mapping

from keeper.protocols.aave_v3.configuration import Configuration
from keeper.protocols.aave_v3.emode import numbers_of, own_of
from keeper.protocols.aave_v3.fold_oracle import derive, price_at
from keeper.protocols.aave_v3.math import linear_interest, ray_mul
from keeper.protocols.aave_v3.model import AaveFrame, ReserveFrame, Rules
from keeper.protocols.aave_v3.position import AccountData
from keeper.protocols.aave_v3.records import Accrual, EModeCategory, Reserve, slots
from keeper.protocols.base import Book
from keeper.types import ZERO_ADDRESS, Address


def build(
    book: Book,
    rules: Rules,
    timestamp: int,
    prices: Mapping[Address, int],
    read: Mapping[Address, AccountData],
) -> AaveFrame:
    """Project the book to `timestamp`; `prices` (USD, 8 decimals) replace the oracle's where given."""
    reserves = tuple(
        _reserve(book, rules, number, timestamp, prices) if asset else None
        for number, asset in enumerate(slots(book))
    )
    numbers, own = numbers_of(reserves), own_of(reserves)
    limits = {0: rules.limits(numbers, own, 0, EModeCategory(), 0)}
    for number in book.get(("emodes",), ()):
        category: EModeCategory = book.get(("emode", number))
        price = _emode_price(book, number, category, timestamp)
        limits[number] = rules.limits(numbers, own, number, category, price)
    return AaveFrame(
        rules=rules,
        timestamp=timestamp,
        reserves=reserves,
        numbers=numbers,
        limits=limits,
        sentinel_allows=not rules.has_sentinel or bool(book.get(("sentinel_allows",), 1)),
        read=read,
    )


def _reserve(
    book: Book, rules: Rules, number: int, timestamp: int, prices: Mapping[Address, int]
) -> ReserveFrame:
    reserve: Reserve = book.get(("reserve", number))
    price = prices.get(reserve.asset)
    if price is None:
        price = price_at(book, number, timestamp) or 0
    income, debt_index = normalized(book.get(("accrual", number)), rules, timestamp)
    return ReserveFrame(
        reserve=reserve,
        configuration=Configuration.of(book.get(("configuration", number))),
        income=income,
        debt_index=debt_index,
        price=max(price, 0),
        unit=10**reserve.decimals,
        grace_until=book.get(("grace", number), 0),
        liquidity=book.get(("liquidity", number)),
        discounted=bool(book.get(("discounts", number))),
    )


def _emode_price(book: Book, number: int, category: EModeCategory, timestamp: int) -> int:
    """What the oracle says of the category's price source; 0 without one."""
    if category.price_source == ZERO_ADDRESS:
        return 0
    price = derive(book, category.price_source, timestamp)
    return price or book.get(("emode_price", number)) or 0


def normalized(accrual: Accrual, rules: Rules, timestamp: int) -> tuple[int, int]:
    """ReserveLogic.getNormalizedIncome and getNormalizedDebt at `timestamp` (ray).

    Views always accrue at the stored rate, whether or not the next update will store the result.
    """
    seconds = timestamp - accrual.updated
    if seconds <= 0:
        return accrual.liquidity_index, accrual.borrow_index
    return (
        ray_mul(linear_interest(accrual.liquidity_rate, seconds), accrual.liquidity_index),
        ray_mul(rules.compound_interest(accrual.borrow_rate, seconds), accrual.borrow_index),
    )
