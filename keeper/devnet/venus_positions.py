"""How borrowers of Venus come to be: what they may borrow, and the transactions that get them there."""

from collections.abc import Callable, Mapping, Sequence

from keeper.devnet.borrowers import Borrower
from keeper.devnet.node import Tx
from keeper.devnet.positions import SPONSOR
from keeper.devnet.terms import EMode, Listing, Terms
from keeper.devnet.ticks import PricedToken
from keeper.devnet.tokens import approve, mint
from keeper.devnet.venus_core import VenusCore
from keeper.devnet.venus_specs import DEFAULT_MARKETS, DEFAULT_POOLS

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


async def open_positions(
    core: VenusCore, borrowers: Sequence[Borrower], progress: Callable[[int, int], None]
) -> None:
    """Supply for every borrower, and let them enter and borrow; a block takes one second meanwhile.

    Raises:
        DevnetError: a step reverted.
    """
    node = core.node
    await node.fund([SPONSOR, *(borrower.address for borrower in borrowers)])
    await node.request("anvil_setBlockTimestampInterval", 1)
    try:
        await node.send_many(_funding(core, borrowers))
        for start in range(0, len(borrowers), _GROUP):
            group = borrowers[start : start + _GROUP]
            await node.send_many([tx for borrower in group for tx in _opening(core, borrower)])
            progress(start + len(group), len(borrowers))
    finally:
        await node.request("anvil_removeBlockTimestampInterval")


def _funding(core: VenusCore, borrowers: Sequence[Borrower]) -> list[Tx]:
    needed: dict[str, int] = {}
    for borrower in borrowers:
        for symbol, amount in borrower.collateral:
            needed[symbol] = needed.get(symbol, 0) + amount
    txs = []
    for symbol, amount in needed.items():
        listing = core.listings[symbol]
        # A silent token refuses to replace an allowance.
        txs += [
            mint(listing.token, SPONSOR, amount),
            approve(listing.token, SPONSOR, listing.vtoken, 0),
            approve(listing.token, SPONSOR, listing.vtoken, amount),
        ]
    return txs


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
