"""Random actions of everybody on a devnet's Venus: a seed says all that happens."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from enum import StrEnum
from random import Random
from typing import Any, NamedTuple

from keeper.devnet.aave.random.draws import Action
from keeper.devnet.reverts import DevnetError
from keeper.devnet.tokens import approve, mint
from keeper.devnet.venus.deployer import Venus
from keeper.types import MAX_UINT256, WAD, Address

LIQUIDATOR = Address("0x" + "1b" * 20)
"""Has every token without end, and may liquidate."""

_RICH = 10**40
_LONGEST = 60
_TRIES = 20


class VenusKind(StrEnum):
    """What may happen."""

    MINT = "mint"
    REDEEM = "redeem"
    REDEEM_UNDERLYING = "redeem underlying"
    TRANSFER = "transfer vTokens"
    ENTER = "enter a market"
    EXIT = "exit a market"
    POOL = "enter a pool"
    BORROW = "borrow"
    REPAY = "repay"
    REPAY_ALL = "repay all"
    MINT_VAI = "mint VAI"
    REPAY_VAI = "repay VAI"
    LIQUIDATE = "liquidate"
    LIQUIDATE_MOST = "liquidate all allowed"
    ACCRUE = "accrue"
    ADD_RESERVES = "add reserves"
    PAY_OUT = "let reserves be paid out"
    RESERVE_FACTOR = "set a reserve factor"
    CLOSE_FACTOR = "set the close factor"
    THRESHOLD = "set a threshold"
    PRICE = "price"
    BLOCKS = "blocks"


WEIGHTS = {VenusKind.BORROW: 6, VenusKind.MINT: 2, VenusKind.PRICE: 4}
"""How often each comes up; 1 if not named."""

_LIQUIDATIONS = {VenusKind.LIQUIDATE, VenusKind.LIQUIDATE_MOST}


class Snapshot(NamedTuple):
    """getAccountSnapshot without its error: vTokens, debt, exchange rate in wad; all as stored."""

    tokens: int
    debt: int
    rate: int


class VenusActions:
    """Acts as anyone of `users`; the same seed on the same devnet does the same."""

    def __init__(self, venus: Venus, users: Sequence[Address], seed: int) -> None:
        self._venus = venus
        self._core = venus.core
        self._users = list(users)
        self._symbols = list(venus.core.listings)
        self._random = Random(f"venus {seed}")
        self._acts: Mapping[VenusKind, Callable[[Address, str], Awaitable[str]]] = {
            VenusKind.MINT: self._mint,
            VenusKind.REDEEM: self._redeem,
            VenusKind.REDEEM_UNDERLYING: self._redeem_underlying,
            VenusKind.TRANSFER: self._transfer,
            VenusKind.ENTER: self._enter,
            VenusKind.EXIT: self._exit,
            VenusKind.POOL: self._pool,
            VenusKind.BORROW: self._borrow,
            VenusKind.REPAY: self._repay,
            VenusKind.REPAY_ALL: self._repay_all,
            VenusKind.MINT_VAI: self._mint_vai,
            VenusKind.REPAY_VAI: self._repay_vai,
            VenusKind.LIQUIDATE: self._liquidate,
            VenusKind.LIQUIDATE_MOST: self._liquidate_most,
            VenusKind.ACCRUE: self._accrue,
            VenusKind.ADD_RESERVES: self._add_reserves,
            VenusKind.PAY_OUT: self._pay_out,
            VenusKind.RESERVE_FACTOR: self._reserve_factor,
            VenusKind.CLOSE_FACTOR: self._close_factor,
            VenusKind.THRESHOLD: self._threshold,
            VenusKind.PRICE: self._price,
            VenusKind.BLOCKS: self._blocks,
        }

    @property
    def users(self) -> Sequence[Address]:
        """Everybody who may have acted."""
        return [*self._users, LIQUIDATOR]

    async def prepare(self) -> None:
        """Give everybody tokens, and let the markets and the Liquidator take them."""
        core = self._core
        await core.node.fund(self.users)
        mints = [mint(each.token, user, _RICH) for user in self.users for each in core.listings.values()]
        allowances = [
            approve(each.token, user, spender, amount)
            for user in self.users
            for each in core.listings.values()
            for spender in (each.vtoken, core.liquidator)
            for amount in (0, MAX_UINT256)
        ]
        vai = [approve(core.vai, user, core.vai_controller) for user in self.users]
        await core.node.send_many([*mints, *allowances, *vai])

    async def step(self) -> Action:
        """One action; it may revert, which is told and no error."""
        kinds = list(VenusKind)
        kind = self._random.choices(kinds, [WEIGHTS.get(each, 1) for each in kinds])[0]
        user, symbol = self._random.choice(self._users), self._random.choice(self._symbols)
        try:
            detail = await self._acts[kind](user, symbol)
        except DevnetError as error:
            return Action(kind, f"{user} {symbol}", str(error))
        return Action(kind, f"{user} {symbol} {detail}", None)

    async def _do(self, user: Address, symbol: str, name: str, *args: Any) -> str:
        await self._core.node.send(self._core.vtoken_tx(user, symbol, name, *args))
        return f"{name}{args}"

    async def _order(self, name: str, *args: Any, user: Address | None = None) -> str:
        await self._core.node.send(self._core.comptroller_tx(user or self._core.admin, name, *args))
        return f"{name}{args}"

    async def _ask(self, name: str, *args: Any) -> Any:
        contract = self._core.contracts["Comptroller"]
        return contract.decode(
            name, await self._core.node.call(self._core.comptroller, contract.encode(name, *args))
        )

    async def _snapshot(self, user: Address, symbol: str) -> Snapshot:
        contract, vtoken = self._core.contracts["VBep20Immutable"], self._core.listings[symbol].vtoken
        data = await self._core.node.call(vtoken, contract.encode("getAccountSnapshot", user))
        return Snapshot(*contract.decode("getAccountSnapshot", data)[1:])

    def _some(self, most: int) -> int:
        """From 1 to `most`, any magnitude alike."""
        most = max(most, 1)
        return max(1, min(most, int(most ** self._random.random() * self._random.uniform(1, 2))))

    def _unit(self, symbol: str) -> int:
        return int(10 ** self._core.listings[symbol].decimals)

    async def _holding(self, user: Address, *, debt: bool) -> str | None:
        """A market in which the user owes, or has vTokens."""
        found = [symbol for symbol in self._symbols if (await self._snapshot(user, symbol))[int(debt)]]
        return self._random.choice(found) if found else None

    async def _mint(self, user: Address, symbol: str) -> str:
        return await self._do(user, symbol, "mint", self._some(1000 * self._unit(symbol)))

    async def _redeem(self, user: Address, symbol: str) -> str:
        symbol = await self._holding(user, debt=False) or symbol
        return await self._do(user, symbol, "redeem", self._some((await self._snapshot(user, symbol)).tokens))

    async def _redeem_underlying(self, user: Address, symbol: str) -> str:
        symbol = await self._holding(user, debt=False) or symbol
        snapshot = await self._snapshot(user, symbol)
        most = snapshot.tokens * snapshot.rate // WAD
        return await self._do(user, symbol, "redeemUnderlying", self._some(most))

    async def _transfer(self, user: Address, symbol: str) -> str:
        symbol = await self._holding(user, debt=False) or symbol
        # Also to the market itself, which is no redemption though it looks like one.
        receiver = self._random.choice([*self._users[:5], self._core.listings[symbol].vtoken])
        amount = self._some((await self._snapshot(user, symbol)).tokens)
        return await self._do(user, symbol, "transfer", receiver, amount)

    async def _enter(self, user: Address, symbol: str) -> str:
        return await self._order("enterMarkets", [self._core.listings[symbol].vtoken], user=user)

    async def _exit(self, user: Address, symbol: str) -> str:
        return await self._order("exitMarket", self._core.listings[symbol].vtoken, user=user)

    async def _pool(self, user: Address, _: str) -> str:
        return await self._order("enterPool", self._random.randrange(3), user=user)

    async def _borrow(self, user: Address, symbol: str) -> str:
        """Near what the account may borrow more often than not."""
        _, room, _ = await self._ask("getBorrowingPower", user)
        price = (await self._venus.prices.now())[symbol]
        most = room * self._unit(symbol) // (price * 10**10)
        return await self._do(user, symbol, "borrow", max(most * self._random.choice((20, 90, 99)) // 100, 1))

    async def _repay(self, user: Address, symbol: str) -> str:
        symbol = await self._holding(user, debt=True) or symbol
        most = (await self._snapshot(user, symbol)).debt
        return await self._do(
            self._random.choice(self._users), symbol, "repayBorrowBehalf", user, self._some(most)
        )

    async def _repay_all(self, user: Address, symbol: str) -> str:
        symbol = await self._holding(user, debt=True) or symbol
        return await self._do(user, symbol, "repayBorrow", MAX_UINT256)

    async def _mint_vai(self, user: Address, _: str) -> str:
        amount = self._some(2000 * WAD)
        await self._core.node.send(self._core.vai_tx(user, "mintVAI", amount))
        return str(amount)

    async def _repay_vai(self, user: Address, _: str) -> str:
        amount = self._some(2000 * WAD)
        await self._core.node.send(self._core.vai_tx(user, "repayVAI", amount))
        return str(amount)

    async def _liquidate(self, user: Address, symbol: str) -> str:
        return await self._liquidated(user, symbol, all_allowed=False)

    async def _liquidate_most(self, user: Address, symbol: str) -> str:
        return await self._liquidated(user, symbol, all_allowed=True)

    async def _liquidated(self, user: Address, symbol: str, *, all_allowed: bool) -> str:
        for _ in range(_TRIES):
            if (await self._ask("getAccountLiquidity", user))[2]:
                break
            user = self._random.choice(self._users)
        debt = await self._holding(user, debt=True) or symbol
        collateral = await self._holding(user, debt=False) or symbol
        owed = (await self._snapshot(user, debt)).debt
        most = owed * await self._ask("closeFactorMantissa") // WAD
        amount = most if all_allowed else self._some(most)
        core = self._core
        await core.node.send(
            core.liquidator_tx(
                LIQUIDATOR,
                "liquidateBorrow",
                core.listings[debt].vtoken,
                user,
                amount,
                core.listings[collateral].vtoken,
            )
        )
        return f"{user} repaying {amount} {debt} for {collateral}"

    async def _accrue(self, user: Address, symbol: str) -> str:
        return await self._do(user, symbol, "accrueInterest")

    async def _add_reserves(self, user: Address, symbol: str) -> str:
        return await self._do(user, symbol, "_addReserves", self._some(self._unit(symbol)))

    async def _pay_out(self, _: Address, symbol: str) -> str:
        core = self._core
        await core.node.send(core.vtoken_tx(core.admin, symbol, "setProtocolShareReserve", core.reserve))
        delta = self._random.choice((1, 20, 10**9))
        return await self._do(core.admin, symbol, "setReduceReservesBlockDelta", delta)

    async def _reserve_factor(self, _: Address, symbol: str) -> str:
        factor = self._random.randrange(51) * WAD // 100
        return await self._do(self._core.admin, symbol, "_setReserveFactor", factor)

    async def _close_factor(self, _user: Address, _symbol: str) -> str:
        return await self._order("_setCloseFactor", self._random.randint(10, 90) * WAD // 100)

    async def _threshold(self, _: Address, symbol: str) -> str:
        threshold = self._random.randint(60, 84) * WAD // 100
        vtoken = self._core.listings[symbol].vtoken
        return await self._order("setCollateralFactor", vtoken, threshold - WAD // 20, threshold)

    async def _price(self, _: Address, symbol: str) -> str:
        now = (await self._venus.prices.now())[symbol]
        price = now * self._random.randint(82, 116) // 100
        await self._venus.prices.set({symbol: price})
        return str(price)

    async def _blocks(self, _user: Address, _symbol: str) -> str:
        blocks = self._some(_LONGEST)
        await self._core.node.mine(blocks, 3)
        return str(blocks)
