"""Per-asset numbers of a market at one timestamp: everything that accounts share."""

from collections.abc import Mapping
from dataclasses import dataclass, fields

from keeper.protocols.aave_v2.dollars import in_usd, in_wei
from keeper.protocols.aave_v2.rules import RULES
from keeper.protocols.aave_v3 import frame as v3
from keeper.protocols.aave_v3.model import AaveFrame, ReserveFrame
from keeper.protocols.aave_v3.records import Accrual
from keeper.protocols.base import Book
from keeper.types import Address


@dataclass(frozen=True, slots=True)
class AaveV2Frame(AaveFrame):
    """As v3's, with prices in wei.

    By reserve id: `stored_debt`, the borrow index (ray) that the next update stores, and `usd`, the price
    in USD with 8 decimals, None where there is none.
    """

    stored_debt: tuple[int, ...]
    usd: tuple[int | None, ...]
    paused: bool


def build(book: Book, timestamp: int, prices: Mapping[Address, int]) -> AaveV2Frame:
    """Project the book to `timestamp`; `prices` (USD, 8 decimals) replace the oracle's where given.

    Raises:
        Degraded: prices were given, but what a dollar is worth is not known.
    """
    wei, dollar = in_wei(book, timestamp, prices)
    base = v3.build(book, RULES, timestamp, wei, {})
    reserves = [reserve for reserve in base.reserves if reserve]  # v2 drops none
    return AaveV2Frame(
        **{field.name: getattr(base, field.name) for field in fields(base)},
        stored_debt=tuple(_stored(book, reserve) for reserve in reserves),
        usd=tuple(in_usd(reserve.price, dollar) for reserve in reserves),
        paused=bool(book.get(("paused",), 0)),
    )


def _stored(book: Book, reserve: ReserveFrame) -> int:
    """ReserveLogic._updateIndexes: without income for suppliers debt does not grow, only views say so."""
    accrual = book.get(("accrual", reserve.reserve.id))
    assert isinstance(accrual, Accrual)
    return reserve.debt_index if accrual.liquidity_rate else accrual.borrow_index
