"""Random actions of everybody on a devnet's Morpho Blue: a seed says all that happens."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from enum import StrEnum
from random import Random
from typing import NamedTuple

from keeper.devnet.aave.random.draws import Action
from keeper.devnet.morpho.blue import MorphoBlue
from keeper.devnet.morpho.market import IsolatedMarket
from keeper.devnet.reverts import DevnetError
from keeper.devnet.tokens import approve, mint
from keeper.types import WAD, Address

LIQUIDATOR = Address("0x" + "1a" * 20)
"""Has every token without end."""

_RICH = 10**40
_LONGEST = 400_000
_PRICE_SCALE = 10**36


class MorphoKind(StrEnum):
    """What may happen."""

    SUPPLY = "supply"
    WITHDRAW = "withdraw"
    SUPPLY_COLLATERAL = "supply collateral"
    WITHDRAW_COLLATERAL = "withdraw collateral"
    BORROW = "borrow"
    BORROW_FOR = "borrow for another"
    REPAY = "repay"
    REPAY_SHARES = "repay by shares"
    REPAY_ALL = "repay all"
    LIQUIDATE_SHARES = "liquidate by shares"
    LIQUIDATE_COLLATERAL = "liquidate by collateral"
    LIQUIDATE_ALL = "liquidate all collateral"
    ACCRUE = "accrue"
    FEE = "set a fee"
    RECIPIENT = "set the fee's recipient"
    PRICE = "price"
    TIME = "time"


_LIQUIDATIONS = {MorphoKind.LIQUIDATE_SHARES, MorphoKind.LIQUIDATE_COLLATERAL, MorphoKind.LIQUIDATE_ALL}
_TRIES = 20

WEIGHTS = {MorphoKind.BORROW: 4, MorphoKind.SUPPLY_COLLATERAL: 3, MorphoKind.PRICE: 3}
"""How often each comes up; 1 if not named."""


class Standing(NamedTuple):
    """What Morpho stores of an account and its market, and the price."""

    supply_shares: int
    borrow_shares: int
    collateral: int
    supply_assets: int
    total_supply_shares: int
    borrow_assets: int
    total_borrow_shares: int
    price: int

    @property
    def debt(self) -> int:
        """As last accrued, about."""
        return self.borrow_shares * (self.borrow_assets + 1) // (self.total_borrow_shares + 10**6)

    def limit(self, market: IsolatedMarket) -> int:
        """The most that the collateral allows to owe."""
        return self.collateral * self.price // _PRICE_SCALE * market.params.lltv // WAD


class MorphoActions:
    """Acts as anyone of `users`; the same seed on the same devnet does the same."""

    def __init__(self, morpho: MorphoBlue, users: Sequence[Address], seed: int) -> None:
        self._morpho = morpho
        self._users = list(users)
        self._held = [(borrower.address, borrower.market) for borrower in morpho.borrowers]
        self._random = Random(f"morpho {seed}")
        self._acts: Mapping[MorphoKind, Callable[[Address, IsolatedMarket, Standing], Awaitable[str]]] = {
            MorphoKind.SUPPLY: self._supply,
            MorphoKind.WITHDRAW: self._withdraw,
            MorphoKind.SUPPLY_COLLATERAL: self._supply_collateral,
            MorphoKind.WITHDRAW_COLLATERAL: self._withdraw_collateral,
            MorphoKind.BORROW: self._borrow,
            MorphoKind.BORROW_FOR: self._borrow_for,
            MorphoKind.REPAY: self._repay,
            MorphoKind.REPAY_SHARES: self._repay_shares,
            MorphoKind.REPAY_ALL: self._repay_all,
            MorphoKind.LIQUIDATE_SHARES: self._liquidate_shares,
            MorphoKind.LIQUIDATE_COLLATERAL: self._liquidate_collateral,
            MorphoKind.LIQUIDATE_ALL: self._liquidate_all,
            MorphoKind.ACCRUE: self._accrue,
            MorphoKind.FEE: self._fee,
            MorphoKind.RECIPIENT: self._recipient,
            MorphoKind.PRICE: self._price,
            MorphoKind.TIME: self._time,
        }

    @property
    def users(self) -> Sequence[Address]:
        """Everybody who may have acted."""
        return [*self._users, LIQUIDATOR]

    async def prepare(self) -> None:
        """Give everybody tokens and let Morpho take them."""
        core = self._morpho.core
        await core.node.fund(self.users)
        tokens = dict.fromkeys(
            token for each in self._morpho.markets for token in (each.params.loan, each.params.collateral)
        )
        await core.node.send_many(
            [
                tx
                for token in tokens
                for user in self.users
                for tx in (
                    mint(token, user, _RICH),
                    approve(token, user, core.address, 0),
                    approve(token, user, core.address),
                )
            ]
        )

    async def step(self) -> Action:
        """One action; it may revert, which is told and no error."""
        kinds = list(MorphoKind)
        kind = self._random.choices(kinds, [WEIGHTS.get(each, 1) for each in kinds])[0]
        user, market = await self._place(kind)
        try:
            detail = await self._acts[kind](user, market, await self._standing(user, market))
        except DevnetError as error:
            return Action(kind, f"{user} {market.name}", str(error))
        return Action(kind, f"{user} {market.name} {detail}", None)

    async def _place(self, kind: MorphoKind) -> tuple[Address, IsolatedMarket]:
        """Mostly where somebody has collateral, and for liquidations mostly where it is too little."""
        for _ in range(_TRIES if kind in _LIQUIDATIONS else 0):
            user, market = self._random.choice(self._held)
            now = await self._standing(user, market)
            if now.debt and now.limit(market) < now.debt:
                return user, market
        if kind is MorphoKind.SUPPLY_COLLATERAL or self._random.random() < 0.1:
            place = self._random.choice(self._users), self._random.choice(self._morpho.markets)
            self._held.append(place)
            return place
        return self._random.choice(self._held)

    async def _standing(self, user: Address, market: IsolatedMarket) -> Standing:
        core, key = self._morpho.core, bytes.fromhex(market.id[2:])
        shares, debt, collateral = await core.read("position", key, user)
        supplied, supply_shares, borrowed, borrow_shares, *_ = await core.read("market", key)
        price = int.from_bytes(await core.node.call(market.params.oracle, bytes.fromhex("a035b1fe")))
        return Standing(shares, debt, collateral, supplied, supply_shares, borrowed, borrow_shares, price)

    async def _do(self, user: Address, name: str, market: IsolatedMarket, *args: object) -> str:
        await self._morpho.core.node.send(self._morpho.core.tx(user, name, market.params, *args))
        return f"{name}{args}"

    def _some(self, most: int) -> int:
        """From 1 to `most`, any magnitude alike."""
        most = max(most, 1)
        return max(1, min(most, int(most ** self._random.random() * self._random.uniform(1, 2))))

    async def _supply(self, user: Address, market: IsolatedMarket, now: Standing) -> str:
        amount = self._some(now.supply_assets // 50 + 10**6)
        return await self._do(user, "supply", market, amount, 0, user, b"")

    async def _withdraw(self, user: Address, market: IsolatedMarket, now: Standing) -> str:
        return await self._do(user, "withdraw", market, 0, self._some(now.supply_shares), user, user)

    async def _supply_collateral(self, user: Address, market: IsolatedMarket, now: Standing) -> str:
        amount = self._some(now.supply_assets // 100 * _PRICE_SCALE // max(now.price, 1) + 10**6)
        return await self._do(user, "supplyCollateral", market, amount, user, b"")

    async def _withdraw_collateral(self, user: Address, market: IsolatedMarket, now: Standing) -> str:
        most = now.collateral - now.debt * _PRICE_SCALE * WAD // max(now.price * market.params.lltv, 1)
        return await self._do(user, "withdrawCollateral", market, self._some(most), user, user)

    async def _borrow(self, user: Address, market: IsolatedMarket, now: Standing) -> str:
        return await self._do(user, "borrow", market, self._room(market, now), 0, user, user)

    async def _borrow_for(self, user: Address, market: IsolatedMarket, now: Standing) -> str:
        other, core = self._random.choice(self._users), self._morpho.core
        allowed = await core.read("isAuthorized", user, other)
        if user != other and not allowed:
            await core.node.send(core.tx(user, "setAuthorization", other, True))
        amount = self._room(market, now)
        done = await self._do(other, "borrow", market, amount, 0, user, other)
        if user != other and self._random.random() < 0.5:
            await core.node.send(core.tx(user, "setAuthorization", other, False))
        return done

    def _room(self, market: IsolatedMarket, now: Standing) -> int:
        """Near what the account may borrow more often than not."""
        return max(1, (now.limit(market) - now.debt) * self._random.choice((30, 90, 99, 100)) // 100)

    async def _repay(self, user: Address, market: IsolatedMarket, now: Standing) -> str:
        return await self._do(user, "repay", market, self._some(now.debt), 0, user, b"")

    async def _repay_shares(self, user: Address, market: IsolatedMarket, now: Standing) -> str:
        other = self._random.choice(self._users)
        return await self._do(other, "repay", market, 0, self._some(now.borrow_shares), user, b"")

    async def _repay_all(self, user: Address, market: IsolatedMarket, now: Standing) -> str:
        return await self._do(user, "repay", market, 0, now.borrow_shares, user, b"")

    async def _liquidate_shares(self, user: Address, market: IsolatedMarket, now: Standing) -> str:
        shares = self._random.choice((now.borrow_shares, self._some(now.borrow_shares)))
        return await self._do(LIQUIDATOR, "liquidate", market, user, 0, shares, b"")

    async def _liquidate_collateral(self, user: Address, market: IsolatedMarket, now: Standing) -> str:
        return await self._do(LIQUIDATOR, "liquidate", market, user, self._some(now.collateral), 0, b"")

    async def _liquidate_all(self, user: Address, market: IsolatedMarket, now: Standing) -> str:
        return await self._do(LIQUIDATOR, "liquidate", market, user, now.collateral, 0, b"")

    async def _accrue(self, user: Address, market: IsolatedMarket, _: Standing) -> str:
        return await self._do(user, "accrueInterest", market)

    async def _fee(self, _user: Address, market: IsolatedMarket, _: Standing) -> str:
        fee = self._random.randrange(26) * WAD // 100
        return await self._do(self._morpho.owner, "setFee", market, fee)

    async def _recipient(self, _user: Address, _market: IsolatedMarket, _: Standing) -> str:
        core, recipient = self._morpho.core, self._random.choice(self._users)
        await core.node.send(core.tx(self._morpho.owner, "setFeeRecipient", recipient))
        return recipient

    async def _price(self, _user: Address, market: IsolatedMarket, _: Standing) -> str:
        symbol = self._random.choice((market.spec.collateral, market.spec.loan))
        price = (await self._morpho.prices.now())[symbol] * self._random.randint(80, 118) // 100
        await self._morpho.prices.set({symbol: price})
        return f"{symbol} {price}"

    async def _time(self, _user: Address, _market: IsolatedMarket, _: Standing) -> str:
        seconds = self._some(_LONGEST)
        node = self._morpho.core.node
        then = await node.timestamp() + seconds
        await node.batch([("evm_setNextBlockTimestamp", [hex(then)]), ("evm_mine", [])])
        return f"{seconds} s"
