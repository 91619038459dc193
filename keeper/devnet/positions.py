"""Opens the positions of generated borrowers on a deployed market."""

from collections.abc import Callable, Sequence

from keeper.devnet.aave_market import VARIABLE_RATE, Market
from keeper.devnet.borrowers import Borrower, Kind
from keeper.devnet.node import Node, Tx
from keeper.devnet.reverts import DevnetError
from keeper.devnet.tokens import approve, mint
from keeper.devnet.view import MarketView
from keeper.types import WAD, Address

SPONSOR = Address("0x" + "5b" * 20)
"""Supplies on behalf of every borrower, so that borrowers need no tokens."""

_SUPPLIES_PER_TX = 40
_BORROWERS_PER_BLOCK = 250

Progress = Callable[[int, int], None]
"""Called with how many borrowers are done, and of how many."""


async def open_positions(
    node: Node, market: Market, borrowers: Sequence[Borrower], progress: Progress = lambda *_: None
) -> None:
    """Supply, enter eModes and borrow for every borrower.

    Meanwhile a block takes one second of chain time: the same borrowers on a fresh market end up with the
    same health factors.

    Raises:
        DevnetError: a step reverted, or an account ended up unhealthy or without its debt.
    """
    await node.fund([SPONSOR, *(borrower.address for borrower in borrowers)])
    await node.request("anvil_setBlockTimestampInterval", 1)
    try:
        await node.send_many(_funding(market, borrowers))
        for start in range(0, len(borrowers), _BORROWERS_PER_BLOCK):
            group = borrowers[start : start + _BORROWERS_PER_BLOCK]
            await node.send_many([*_supplies(market, group), *_openings(market, group)])
            progress(start + len(group), len(borrowers))
    finally:
        await node.request("anvil_removeBlockTimestampInterval")
    await _check(MarketView(node, market), borrowers)


def _funding(market: Market, borrowers: Sequence[Borrower]) -> list[Tx]:
    """Give the sponsor all collateral of all borrowers."""
    needed: dict[str, int] = {}
    for borrower in borrowers:
        for symbol, amount in borrower.collateral:
            needed[symbol] = needed.get(symbol, 0) + amount
    txs = []
    for symbol, amount in needed.items():
        token = market.reserve(symbol).token
        # A silent token refuses to replace an allowance, which a sponsor of earlier borrowers has.
        txs += [
            mint(token, SPONSOR, amount),
            approve(token, SPONSOR, market.pool, 0),
            approve(token, SPONSOR, market.pool, amount),
        ]
    return txs


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
