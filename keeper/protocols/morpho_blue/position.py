"""A borrower's position in one market, and what Morpho concludes from it.

Source: Morpho._isHealthy.
"""

from typing import NamedTuple

from keeper.errors import Degraded
from keeper.protocols.base import Book, Health, Side
from keeper.protocols.morpho_blue.frame import MarketFrame, MorphoFrame
from keeper.protocols.morpho_blue.math import PRICE_SCALE, borrowed_up, down
from keeper.protocols.morpho_blue.pre_liquidation import Allowance, allowance
from keeper.protocols.morpho_blue.records import Terms, number_of, pre_liquidations, split
from keeper.types import MAX_UINT256, WAD, Address


class Position(NamedTuple):
    """struct Position without the supply: borrow shares, collateral in token units."""

    account: Address
    market: int
    borrow_shares: int
    collateral: int

    @classmethod
    def of(cls, book: Book, account: Address) -> "Position":
        """The account's position.

        Raises:
            Degraded: no market of that id was ever created.
        """
        _, market_id = split(account)
        number = number_of(book, market_id)
        if number is None:
            raise Degraded(
                f"{account} names no market that the logs created; an account is ADDRESS:MARKET_ID"
            )
        terms: Terms = book.get(("market", number))
        return cls(
            account,
            number,
            book.quantity(account, terms.loan_number, Side.DEBT),
            book.quantity(account, terms.collateral_number, Side.COLLATERAL),
        )


def quoted(collateral: int, market: MarketFrame) -> int:
    """The collateral in loan units.

    Raises:
        Degraded: the product overflows; Morpho reverts too, so that nobody can liquidate.
    """
    if collateral * market.price > MAX_UINT256:
        raise Degraded(f"the oracle's price of market {market.terms.id} is so high that Morpho overflows")
    return down(collateral, market.price, PRICE_SCALE)


def most_borrowed(collateral: int, market: MarketFrame) -> int:
    """maxBorrow: the most that `collateral` lets one owe, loan units."""
    return down(quoted(collateral, market), market.terms.lltv, WAD)


def is_healthy(position: Position, market: MarketFrame) -> bool:
    """Whether Morpho refuses to liquidate: debt up to and including the limit is healthy."""
    if position.borrow_shares == 0:
        return True
    owed = borrowed_up(market.totals, position.borrow_shares)
    return most_borrowed(position.collateral, market) >= owed


def health(book: Book, account: Address, frame: MorphoFrame) -> Health:
    """Collateral and debt in loan token units as Morpho computes them; the factor is theirs, in wad.

    Liquidatable also where an authorised PreLiquidation contract would take a liquidation.

    Raises:
        Degraded: the market's oracle or rate model gives no answer. (Without debt neither is asked.)
    """
    position = Position.of(book, account)
    if position.borrow_shares == 0:
        return Health(account, 0, 0, MAX_UINT256, liquidatable=False, details=_details(position, 0, 0))
    market = frame.market(position.market)
    owed = borrowed_up(market.totals, position.borrow_shares)
    value, limit = quoted(position.collateral, market), most_borrowed(position.collateral, market)
    return Health(
        account=account,
        collateral=value,
        debt=owed,
        health_factor=limit * WAD // owed,
        liquidatable=limit < owed or bool(allowances(book, position, frame)),
        details=_details(position, limit, market.price),
    )


def allowances(book: Book, position: Position, frame: MorphoFrame) -> list[Allowance]:
    """What each PreLiquidation contract that the borrower authorised allows now."""
    found = []
    for contract in pre_liquidations(book, position.account, position.market):
        try:
            pre = frame.pre(contract)
        except Degraded:
            continue  # its oracle reverts, so it does too; Morpho itself and other contracts go on
        allowed = allowance(pre, frame.market(position.market), position.borrow_shares, position.collateral)
        if allowed is not None:
            found.append(allowed)
    return found


def _details(position: Position, limit: int, price: int) -> dict[str, int]:
    return {
        "max_borrow": limit,
        "borrow_shares": position.borrow_shares,
        "collateral_tokens": position.collateral,
        "price": price,
    }
