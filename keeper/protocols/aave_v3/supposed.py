"""A market as it would be after a liquidation of its own: one account and two reserves differ."""

from copy import copy
from dataclasses import replace
from typing import Any, Protocol, TypeVar, cast

from keeper.protocols.aave_v3.model import AaveFrame, ReserveFrame
from keeper.protocols.aave_v3.position import Position
from keeper.protocols.base import Book, Opportunity
from keeper.types import Address


class HasBook(Protocol):
    """A market whose state is all in its book."""

    book: Book


M = TypeVar("M", bound=HasBook)
F = TypeVar("F", bound=AaveFrame)


class Supposed:
    """A book to read, in which one account has another position."""

    def __init__(self, book: Book, position: Position) -> None:
        self._book = book
        self._position = position

    def legs(self, account: Address) -> Any:
        return self._position.legs if account == self._position.account else self._book.legs(account)

    def group(self, account: Address) -> int:
        return self._position.category if account == self._position.account else self._book.group(account)

    def get(self, key: tuple[str | int, ...], default: Any = None) -> Any:
        return (
            self._position.loans if key == ("loans", self._position.account) else self._book.get(key, default)
        )

    def __getattr__(self, name: str) -> Any:
        return getattr(self._book, name)


def supposed(market: M, position: Position) -> M:
    """The same market with `position` in place of what its account has; only for questions."""
    other = copy(market)
    other.book = cast("Book", Supposed(market.book, position))
    return other


def paid_out(frame: F, opportunity: Opportunity, repay: int, seize: int) -> F:
    """The frame after `seize` left the collateral's reserve and `repay` came into the debt's."""
    reserves = list(frame.reserves)
    for number, change in ((opportunity.debt.asset, repay), (opportunity.collateral.asset, -seize)):
        reserves[number] = _changed(reserves[number], change)
    return replace(frame, reserves=tuple(reserves))


def _changed(reserve: ReserveFrame | None, change: int) -> ReserveFrame | None:
    if reserve is None or reserve.liquidity is None:
        return reserve
    return replace(reserve, liquidity=reserve.liquidity + change)
