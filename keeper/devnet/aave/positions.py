"""Opens the positions of generated borrowers on a deployed market."""

from collections.abc import Sequence

from keeper.devnet.aave.market import VARIABLE_RATE, Market
from keeper.devnet.aave.view import MarketView
from keeper.devnet.borrowers import Borrower, Kind
from keeper.devnet.node import Node, Tx
from keeper.devnet.reverts import DevnetError
from keeper.devnet.sponsor import SPONSOR, Progress, open_in_groups, pledged, sponsored
from keeper.types import WAD

_SUPPLIES_PER_TX = 40
_BORROWERS_PER_BLOCK = 250


async def open_positions(
    node: Node, market: Market, borrowers: Sequence[Borrower], progress: Progress = lambda *_: None
) -> None:
    """Supply, enter eModes and borrow for every borrower.

    Raises:
        DevnetError: a step reverted, or an account ended up unhealthy or without its debt.
    """

    def opening(group: Sequence[Borrower]) -> list[Tx]:
        return [*_supplies(market, group), *_openings(market, group)]

    funding = [
        tx
        for symbol, amount in pledged(borrowers).items()
        for tx in sponsored(market.reserve(symbol).token, market.pool, amount)
    ]
    await open_in_groups(node, borrowers, funding, opening, progress, size=_BORROWERS_PER_BLOCK)
    await _check(MarketView(node, market), borrowers)


def _supplies(market: Market, borrowers: Sequence[Borrower]) -> list[Tx]:
    pool = market.contracts["PoolInstance"]
    calls = [
        pool.encode(market.dialect.supply, market.reserve(symbol).token, amount, borrower.address, 0)
        for borrower in borrowers
        for symbol, amount in borrower.collateral
    ]
    return market.together(SPONSOR, calls, _SUPPLIES_PER_TX)


def _openings(market: Market, borrowers: Sequence[Borrower]) -> list[Tx]:
    """What each borrower does itself; suppliers do nothing."""
    pool = market.contracts["PoolInstance"]
    txs: list[Tx] = []
    for borrower in borrowers:
        calls = []
        if borrower.emode:
            calls.append(pool.encode("setUserEMode", borrower.emode))
        if borrower.kind is Kind.ISOLATED:
            # Aave never switches isolated collateral on by itself.
            token = market.reserve(borrower.collateral[0].symbol).token
            calls.append(pool.encode("setUserUseReserveAsCollateral", token, True))
        calls += [
            pool.encode("borrow", market.reserve(symbol).token, amount, VARIABLE_RATE, 0, borrower.address)
            for symbol, amount in borrower.debt
        ]
        txs += market.together(borrower.address, calls, len(calls) or 1)
    return txs


async def _check(view: MarketView, borrowers: Sequence[Borrower]) -> None:
    accounts = await view.accounts([borrower.address for borrower in borrowers])
    for borrower, account in zip(borrowers, accounts, strict=True):
        if account.health_factor <= WAD or bool(account.debt) != bool(borrower.debt):
            raise DevnetError(f"borrower {borrower.address} ended up with {account}, wanted {borrower}")
