"""Tokens for people and for ranking: symbols, decimals, prices in USD.

Morpho knows no dollars. A token's USD price is what the contract configured as `usd_oracle` says, an
oracle of Aave's form; without one, or where it is silent, the price is unknown and nothing that would be
paid in that token is planned. Within one market the collateral is worth what the market's own oracle
says in loan tokens: good for showing and ranking, and never the other way round, because anyone can
create a market whose oracle calls a worthless loan token dear.
"""

from collections.abc import Sequence

from keeper.errors import Degraded
from keeper.protocols.base import AssetInfo, Book, Holding, Side
from keeper.protocols.morpho_blue.frame import MarketFrame, MorphoFrame, accrued_totals
from keeper.protocols.morpho_blue.math import PRICE_SCALE, borrowed_up, supplied_down
from keeper.protocols.morpho_blue.position import Position
from keeper.protocols.morpho_blue.records import Terms, markets, supply_shares, totals
from keeper.types import Address

USUAL_DECIMALS = 18
LONGEST_SYMBOL = 32


def plain(symbol: str | None) -> str:
    """A symbol as it may be shown: a hostile token's could steer a terminal or fill a screen."""
    return "".join(letter for letter in symbol or "" if letter.isprintable())[:LONGEST_SYMBOL]


def asset(book: Book, number: int) -> AssetInfo:
    """A token by its number."""
    token: Address = book.get(("token", number))
    decimals: int | None = book.get(("decimals", token))
    return AssetInfo(
        number,
        token,
        book.get(("symbol", token)) or token[:10],
        USUAL_DECIMALS if decimals is None else decimals,
        book.get(("usd", token)),
    )


def assets(book: Book) -> Sequence[AssetInfo]:
    """The tokens of every market that has borrowers and is not set aside, by number."""
    numbers = {
        number
        for market, terms in markets(book)
        if totals(book, market).borrow_shares and not book.get(("set_aside", market))
        for number in (terms.loan_number, terms.collateral_number)
    }
    return [asset(book, number) for number in sorted(numbers)]


def collateral_of(book: Book, market: MarketFrame) -> AssetInfo:
    """The market's collateral, priced through the loan token where it has no price of its own."""
    loan, held = asset(book, market.terms.loan_number), asset(book, market.terms.collateral_number)
    if held.price is not None or loan.price is None:
        return held
    price = loan.price * market.price * 10**held.decimals // (PRICE_SCALE * 10**loan.decimals)
    return AssetInfo(held.asset, held.address, held.symbol, held.decimals, price)


def holdings(book: Book, account: Address, frame: MorphoFrame) -> list[Holding]:
    """Collateral, debt and supply of an account, by token; what is supplied backs no debt."""
    position = Position.of(book, account)
    terms: Terms = book.get(("market", position.market))
    loan, held = asset(book, terms.loan_number), asset(book, terms.collateral_number)
    try:
        now = accrued_totals(book, position.market, frame.timestamp)
        held = collateral_of(book, frame.market(position.market))
    except Degraded:
        now = totals(book, position.market)  # without a rate or a price: amounts as last stored
    shares = supply_shares(book, account)
    found = []
    if position.collateral:
        found.append(_holding(held, Side.COLLATERAL, position.collateral, enabled=True))
    if shares:
        found.append(_holding(loan, Side.COLLATERAL, supplied_down(now, shares), enabled=False))
    if position.borrow_shares:
        owed = borrowed_up(now, position.borrow_shares)
        found.append(_holding(loan, Side.DEBT, owed, enabled=True))
    return sorted(found, key=lambda holding: holding.asset.asset)


def _holding(info: AssetInfo, side: Side, amount: int, *, enabled: bool) -> Holding:
    value = None if info.price is None else amount * info.price // 10**info.decimals
    return Holding(info, side, amount, value, enabled)
