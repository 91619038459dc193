"""Random user actions that newer versions of Aave have done away with: stable rates and bridges."""

from enum import StrEnum

from keeper.devnet.aave.dialect import Version
from keeper.devnet.aave.market import STABLE_RATE, VARIABLE_RATE
from keeper.devnet.aave.random.draws import Deed, Draw, Draws
from keeper.devnet.actors import FlashLoan
from keeper.devnet.borrowers import borrower_address
from keeper.types import BPS, MAX_UINT256

_UNBACKED = 13
"""Where getReserveData of v3.0 has what bridges minted unbacked."""

_SQUEEZER = borrower_address(0, -100)
"""Borrows nearly all of a reserve, so that loans at stable rates become too cheap, and pays back at once."""


_TRIES = 10
"""Few accounts owe at a stable rate."""


class LegacyKind(StrEnum):
    """What users of older versions do besides what is in ActionKind."""

    BORROW_STABLE = "borrow at a stable rate"
    REPAY_STABLE = "repay at a stable rate"
    SWAP_RATE = "swap rate"
    REBALANCE = "rebalance stable rate"
    FLASH_DEBT_STABLE = "flash loan kept as stable debt"
    MINT_UNBACKED = "mint unbacked"
    BACK_UNBACKED = "back unbacked"


_BRIDGES = {LegacyKind.MINT_UNBACKED, LegacyKind.BACK_UNBACKED}

LEGACY_KINDS = {
    Version.V2: tuple(kind for kind in LegacyKind if kind not in _BRIDGES),
    Version.V30: tuple(LegacyKind),
    Version.V36: (),
}
"""Which of them each version has."""


class LegacyActions:
    """Draws actions of LegacyKind."""

    def __init__(self, draws: Draws) -> None:
        self._draws = draws
        self._random = draws.random

    def by_kind(self) -> dict[LegacyKind, Draw]:
        """How to draw each kind."""
        return {
            LegacyKind.BORROW_STABLE: self._borrow_stable,
            LegacyKind.REPAY_STABLE: self._repay_stable,
            LegacyKind.SWAP_RATE: self._swap_rate,
            LegacyKind.REBALANCE: self._rebalance,
            LegacyKind.FLASH_DEBT_STABLE: self._flash_debt_stable,
            LegacyKind.MINT_UNBACKED: self._mint_unbacked,
            LegacyKind.BACK_UNBACKED: self._back_unbacked,
        }

    async def _borrow_stable(self) -> Deed | None:
        user = self._draws.user()
        symbol, amount = await self._draws.credit(user, 100)
        if not amount or not await self._has_stable(symbol):
            return None
        return Deed(
            f"{user} {amount} {symbol}",
            lambda: self._draws.actors.borrow(user, symbol, amount, rate=STABLE_RATE),
        )

    async def _repay_stable(self) -> Deed | None:
        user, symbol, holding = await self._draws.holder(lambda holding: holding.owed_stable, _TRIES)
        if holding is None:
            return None
        amount = self._random.choice([MAX_UINT256, self._draws.part(holding.owed_stable)])
        await self._draws.actors.give(user, symbol, holding.owed_stable * 2)
        return Deed(
            f"{user} {amount} {symbol}",
            lambda: self._draws.actors.repay(user, symbol, amount, rate=STABLE_RATE),
        )

    async def _swap_rate(self) -> Deed | None:
        user, symbol, holding = await self._draws.holder(lambda holding: holding.owed_stable or holding.owed)
        if holding is None or not (holding.owed_stable or await self._has_stable(symbol)):
            return None
        rate = STABLE_RATE if holding.owed_stable else VARIABLE_RATE
        return Deed(f"{user} {symbol} {rate}", lambda: self._draws.actors.swap_rate(user, symbol, rate))

    async def _rebalance(self) -> Deed | None:
        user, symbol, holding = await self._draws.holder(lambda holding: holding.owed_stable, _TRIES)
        if holding is None:
            return None
        squeezed = self._random.random() < 0.8

        async def act() -> None:
            try:
                if squeezed:
                    await self._squeeze(symbol)
                await self._draws.actors.rebalance(symbol, user)
            finally:
                if squeezed:
                    await self._release(symbol)

        return Deed(f"{user} {symbol}, squeezed: {squeezed}", act)

    async def _flash_debt_stable(self) -> Deed | None:
        user = self._draws.user()
        symbol, amount = await self._draws.credit(user, 60)
        if not amount or not await self._has_stable(symbol):
            return None
        loans = [FlashLoan(symbol, amount, STABLE_RATE)]
        return Deed(f"{user} {loans}", lambda: self._draws.actors.flash_loans(user, loans))

    async def _mint_unbacked(self) -> Deed:
        symbol, user = self._random.choice(self._draws.symbols), self._draws.user()
        amount = await self._draws.some(symbol)
        return Deed(
            f"{amount} {symbol} for {user}",
            lambda: self._draws.actors.mint_unbacked(symbol, amount, user),
        )

    async def _back_unbacked(self) -> Deed | None:
        market, node = self._draws.actors.market, self._draws.actors.node
        symbol = self._random.choice(self._draws.symbols)
        data = await market.read_pool(node, "getReserveData", market.reserve(symbol).token)
        if not data[_UNBACKED]:
            return None
        amount = self._draws.part(data[_UNBACKED])
        fee = amount * self._random.randint(0, 50) // BPS
        await self._draws.actors.give(market.admin, symbol, amount + fee)
        return Deed(
            f"{amount} {symbol}, fee {fee}",
            lambda: self._draws.actors.back_unbacked(symbol, amount, fee),
        )

    async def _has_stable(self, symbol: str) -> bool:
        return (await self._draws.terms()).listings[symbol].stable

    async def _squeeze(self, symbol: str) -> None:
        """Bring the use of a reserve to 95.2 %: a part at the stable rate, the rest at the variable one."""
        actors, terms = self._draws.actors, await self._draws.terms()
        liquidity, total = await self._liquidity(symbol)
        collateral = "WETH" if symbol != "WETH" else "WBTC"
        listing = terms.listings[symbol]
        worth = terms.listings[collateral].amount(listing.value(liquidity) * 2)
        await actors.give(_SQUEEZER, collateral, worth)
        await actors.supply(_SQUEEZER, collateral, worth)
        stable = liquidity * 24 // 100
        await actors.borrow(_SQUEEZER, symbol, stable, rate=STABLE_RATE)
        await actors.borrow(_SQUEEZER, symbol, liquidity - stable - total * 48 // 1000)

    async def _release(self, symbol: str) -> None:
        """The squeezer pays everything back and leaves."""
        actors = self._draws.actors
        holdings = await actors.view.holdings(_SQUEEZER)
        owed = {STABLE_RATE: holdings[symbol].owed_stable, VARIABLE_RATE: holdings[symbol].owed}
        await actors.give(_SQUEEZER, symbol, 2 * sum(owed.values()))
        for rate, amount in owed.items():
            if amount:
                await actors.repay(_SQUEEZER, symbol, MAX_UINT256, rate=rate)
        for supplied in [each for each, holding in holdings.items() if holding.supplied]:
            await actors.withdraw(_SQUEEZER, supplied, MAX_UINT256)

    async def _liquidity(self, symbol: str) -> tuple[int, int]:
        """What of a reserve is not lent out, and all of it."""
        actors, reserve = self._draws.actors, self._draws.actors.market.reserve(symbol)
        token = actors.market.contracts["ATokenInstance"]
        balance = token.encode("balanceOf", reserve.a_token)
        total = token.encode("totalSupply")
        answers = await actors.node.call_many(
            [
                (reserve.token, balance),
                *((each, total) for each in (reserve.v_token, reserve.s_token)),
            ]
        )
        free, *lent = (int.from_bytes(answer) for answer in answers)
        return free, free + sum(lent)
