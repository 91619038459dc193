"""How borrowers of Venus come to be: what they may borrow, and the transactions that get them there."""

from collections.abc import Mapping, Sequence

from keeper.devnet.aave.terms import EMode, Listing, Terms
from keeper.devnet.borrowers import Borrower
from keeper.devnet.exchange.ticks import PricedToken
from keeper.devnet.node import Tx
from keeper.devnet.sponsor import SPONSOR, Progress, open_in_groups, pledged, sponsored
from keeper.devnet.venus.core import VenusCore
from keeper.devnet.venus.specs import DEFAULT_MARKETS, DEFAULT_POOLS

_GROUP = 100


def terms(tokens: Mapping[str, PricedToken]) -> Terms:
    """What accounts may borrow; an e-mode pool is to Venus what an eMode is to Aave."""
    listings = {
        spec.symbol: Listing(
            symbol=spec.symbol,
            decimals=tokens[spec.symbol].decimals,
            price=tokens[spec.symbol].price,
            ltv=spec.factor,
            threshold=spec.threshold,
            borrowable=True,
            isolation_borrowable=False,
            debt_ceiling=0,
        )
        for spec in DEFAULT_MARKETS
    }
    emodes = {
        number: EMode(number, pool.factor, pool.threshold, frozenset(pool.symbols), frozenset(pool.symbols))
        for number, pool in enumerate(DEFAULT_POOLS, 1)
    }
    return Terms(listings, emodes)


async def open_positions(core: VenusCore, borrowers: Sequence[Borrower], progress: Progress) -> None:
    """Supply for every borrower, and let them enter and borrow.

    Raises:
        DevnetError: a step reverted.
    """

    def opening(group: Sequence[Borrower]) -> list[Tx]:
        return [tx for borrower in group for tx in _opening(core, borrower)]

    funding = [
        tx
        for symbol, amount in pledged(borrowers).items()
        for tx in sponsored(core.listings[symbol].token, core.listings[symbol].vtoken, amount)
    ]
    await open_in_groups(core.node, borrowers, funding, opening, progress, size=_GROUP)


def _opening(core: VenusCore, borrower: Borrower) -> list[Tx]:
    account = borrower.address
    txs = [
        core.vtoken_tx(SPONSOR, symbol, "mintBehalf", account, amount)
        for symbol, amount in borrower.collateral
    ]
    entered = [core.listings[symbol].vtoken for symbol, _ in borrower.collateral]
    txs.append(core.comptroller_tx(account, "enterMarkets", entered))
    if borrower.emode:
        txs.append(core.comptroller_tx(account, "enterPool", borrower.emode))
    txs += [core.vtoken_tx(account, symbol, "borrow", amount) for symbol, amount in borrower.debt]
    return txs
