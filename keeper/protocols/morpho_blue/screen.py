"""A float64 lower bound of every account's health factor, in one pass over the book's columns.

The bound. With collateral C, price p, limit l = lltv/10^18, borrow shares s and totals A, S (with their
virtual amounts), let V = C*p/10^36 and D = s*A/S. Morpho rounds the value down, then the limit, and the
debt up, each by less than one loan token unit, so

    maxBorrow > (V - 1)*l - 1          borrowed < D + 1

and N/(D + 1) with N = max((V - 1)*l - 1, 0) is at most the exact maxBorrow/borrowed. That is what the
screen computes; a borrower whom a PreLiquidation contract may liquidate gets the smallest of the same
fraction for each such contract, with its oracle's price and its preLltv for l.

The margin. Let e = 2^-53 and maxBorrow < borrowed. Then V*l < maxBorrow + 2 <= borrowed + 1 <= D + 2, so
that every intermediate of N is at most D + 4. C, p, l, s, A, S are rounded once on their way to float64,
and at most four operations follow, hence N is off by less than 10e*(D + 4) and D + 1 by less than
10e*(D + 1). N < D + 1 holds exactly, so the computed fraction is below 1 + 60e < 1 + 10^-14.
SCREEN_MARGIN is far more than that, so an account that Morpho would liquidate always screens below
1 + SCREEN_MARGIN. Nothing overflows: C and s are below 2^128, p below 2^256.

A market that is set aside screens as infinite: nobody can liquidate in it, or it is not wanted.
"""

import numpy as np

from keeper.errors import Degraded
from keeper.protocols.base import Book, Floats, Side
from keeper.protocols.morpho_blue.frame import MarketFrame, MorphoFrame
from keeper.protocols.morpho_blue.math import PRICE_SCALE, VIRTUAL_ASSETS, VIRTUAL_SHARES
from keeper.protocols.morpho_blue.position import Position
from keeper.protocols.morpho_blue.records import pre_liquidations, totals, used_pre_liquidations
from keeper.types import WAD, Address

SCREEN_MARGIN = 1e-9


def screen(book: Book, frame: MorphoFrame) -> Floats:
    """Lower bound of the health factor by account row; inf without debt or where nobody can liquidate."""
    count: int = book.get(("markets",), 0)
    price, limit, debt_per_share = np.zeros(count), np.zeros(count), np.full(count, np.nan)
    for number in range(count):
        market = _market(book, frame, number)
        if market is not None:
            price[number] = float(market.price) / PRICE_SCALE
            limit[number] = float(market.terms.lltv) / WAD
            debt_per_share[number] = _debt_per_share(market)
    accounts, legs, groups = len(book.accounts()), book.columns(), book.groups()
    held, owed = np.zeros(accounts), np.zeros(accounts)
    is_debt = legs.side == Side.DEBT
    owed[legs.account[is_debt]] = legs.quantity[is_debt]
    held[legs.account[~is_debt]] = legs.quantity[~is_debt]
    health = np.full(accounts, np.inf)
    if count:
        power = np.maximum((held * price[groups] - 1.0) * limit[groups] - 1.0, 0.0)
        debt = owed * debt_per_share[groups] + 1.0
        np.divide(power, debt, out=health, where=(owed > 0) & ~np.isnan(debt))
    _lower_for_pre_liquidations(book, frame, health)
    return health


def _market(book: Book, frame: MorphoFrame, number: int) -> MarketFrame | None:
    if not totals(book, number).borrow_shares:
        return None
    try:
        return frame.market(number)
    except Degraded:
        return None


def _debt_per_share(market: MarketFrame) -> float:
    now = market.totals
    return float(now.borrow_assets + VIRTUAL_ASSETS) / float(now.borrow_shares + VIRTUAL_SHARES)


def _lower_for_pre_liquidations(book: Book, frame: MorphoFrame, health: Floats) -> None:
    """Few borrowers authorise such contracts, so these are looked at one by one."""
    numbers = [key[1] for key, _ in book.items("pres") if used_pre_liquidations(book, int(key[1]))]
    if not numbers:
        return
    rows = np.flatnonzero(np.isin(book.groups(), numbers) & np.isfinite(health))
    accounts = book.accounts()
    for row in rows.tolist():
        account = accounts[row]
        number = book.groups().item(row)
        for contract in pre_liquidations(book, account, number):
            health[row] = min(health[row], _before(frame, Position.of(book, account), contract))


def _before(frame: MorphoFrame, position: Position, contract: Address) -> float:
    """The bound at which pre-liquidation begins; infinite while the contract's oracle gives no price."""
    try:
        pre = frame.pre(contract)
    except Degraded:
        return float("inf")
    value = float(position.collateral) * (float(pre.price) / PRICE_SCALE)
    power = max((value - 1.0) * (float(pre.terms.lltv) / WAD) - 1.0, 0.0)
    return power / (float(position.borrow_shares) * _debt_per_share(frame.market(position.market)) + 1.0)
