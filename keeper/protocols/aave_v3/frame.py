"""Per-reserve numbers of a market at one timestamp: everything that accounts share."""

from collections.abc import Mapping
from dataclasses import dataclass

from keeper.protocols.aave_v3.configuration import Configuration
from keeper.protocols.aave_v3.records import Accrual, EModeCategory, Reserve, slots
from keeper.protocols.aave_v3.rules import Rules
from keeper.protocols.base import Book
from keeper.types import Address


@dataclass(frozen=True, slots=True)
class ReserveFrame:
    """One reserve at the frame's time: `income` and `debt_index` in ray.

    `price` is in USD with 8 decimals per `unit` token units, 0 where the oracle gives none; `liquidity`
    (payable token units) is None while unknown.
    """

    reserve: Reserve
    configuration: Configuration
    income: int
    debt_index: int
    price: int
    unit: int
    grace_until: int
    liquidity: int | None


@dataclass(frozen=True, slots=True)
class Limits:
    """Liquidation threshold and loan-to-value (bps) by reserve id, as one eMode category sees them."""

    threshold: tuple[int, ...]
    ltv: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class AaveFrame:
    """`reserves` by id, None where dropped; `limits[0]` holds for accounts outside of eMode."""

    rules: Rules
    timestamp: int
    reserves: tuple[ReserveFrame | None, ...]
    numbers: tuple[tuple[int, int, int, int], ...]  # (income, debt index, price, unit): the hot path's view
    emodes: Mapping[int, EModeCategory]
    limits: Mapping[int, Limits]
    sentinel_allows: bool

    def limits_of(self, category: int) -> Limits:
        """Limits of an eMode category; one that was never configured has no members."""
        return self.limits.get(category) or self.limits[0]


def build(book: Book, rules: Rules, timestamp: int, prices: Mapping[Address, int]) -> AaveFrame:
    """Project the book to `timestamp`; `prices` (USD, 8 decimals) replace the oracle's where given."""
    reserves = tuple(
        _reserve(book, rules, number, timestamp, prices) if asset else None
        for number, asset in enumerate(slots(book))
    )
    emodes = {number: book.get(("emode", number)) for number in book.get(("emodes",), ())}
    limits = {number: _limits(reserves, category) for number, category in emodes.items()}
    return AaveFrame(
        rules=rules,
        timestamp=timestamp,
        reserves=reserves,
        numbers=tuple((r.income, r.debt_index, r.price, r.unit) if r else (0, 0, 0, 1) for r in reserves),
        emodes=emodes,
        limits={0: _limits(reserves, EModeCategory()), **limits},
        sentinel_allows=bool(book.get(("sentinel_allows",), 1)),
    )


def _reserve(
    book: Book, rules: Rules, number: int, timestamp: int, prices: Mapping[Address, int]
) -> ReserveFrame:
    reserve: Reserve = book.get(("reserve", number))
    price = prices.get(reserve.asset)
    if price is None:
        price = book.get(("price", number)) or 0
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
    )


def normalized(accrual: Accrual, rules: Rules, timestamp: int) -> tuple[int, int]:
    """ReserveLogic.getNormalizedIncome and getNormalizedDebt at `timestamp` (ray).

    Views always accrue at the stored rate, whether or not the next update will store the result.
    """
    seconds = timestamp - accrual.updated
    if seconds <= 0:
        return accrual.liquidity_index, accrual.borrow_index
    return (
        rules.index_mul(rules.linear_interest(accrual.liquidity_rate, seconds), accrual.liquidity_index),
        rules.index_mul(rules.compound_interest(accrual.borrow_rate, seconds), accrual.borrow_index),
    )


def _limits(reserves: tuple[ReserveFrame | None, ...], category: EModeCategory) -> Limits:
    """GenericLogic.calculateUserAccountData and ValidationLogic.getUserReserveLtv as of v3.6."""
    threshold, ltv = [], []
    for number, reserve in enumerate(reserves):
        member = category.collateral >> number & 1
        own = reserve.configuration if reserve else Configuration.of(0)
        threshold.append(category.threshold if member else own.threshold)
        if member:
            ltv.append(0 if category.ltvzero >> number & 1 else category.ltv)
        else:
            ltv.append(own.ltv)
    return Limits(tuple(threshold), tuple(ltv))
