"""Random settings of reserves: flags, numbers, collateral limits, interest rates, fees."""

from keeper.devnet.aave.admin.governance import GOVERNANCE
from keeper.devnet.aave.admin.kinds import AdminKind
from keeper.devnet.aave.random.draws import Deed, Draw, Draws
from keeper.devnet.aave.setup import RAY_PER_BPS, registered
from keeper.devnet.aave.specs import Rates
from keeper.devnet.node import Tx
from keeper.types import BPS, Address

_BITS = {
    AdminKind.ACTIVE: 56,
    AdminKind.FREEZE: 57,
    AdminKind.BORROWING: 58,
    AdminKind.STABLE: 59,
    AdminKind.ISOLATION: 61,
    AdminKind.SILOED: 62,
    AdminKind.FLASH_LOANING: 63,
}
"""Where a reserve's configuration has its flags."""

_LASTING = {AdminKind.STABLE, AdminKind.ISOLATION, AdminKind.SILOED}
"""Flags that the market does well without: they stay as drawn."""


class ReserveSettings:
    """Draws changes of one reserve's settings."""

    def __init__(self, draws: Draws) -> None:
        self._draws = draws
        self._random = draws.random
        self._actors = draws.actors
        self._governance = GOVERNANCE[draws.actors.market.version]

    def by_kind(self) -> dict[AdminKind, Draw]:
        """How to draw each kind."""
        return {
            **{kind: self._switch_draw(kind) for kind in self._governance.switches},
            **{kind: self._number_draw(kind) for kind in self._governance.numbers},
            AdminKind.COLLATERAL: self._collateral,
            AdminKind.RATES: self._rates,
            AdminKind.MARKET_RATE: self._market_rate,
            AdminKind.FLASH_PREMIUM: self._flash_premium,
            AdminKind.BRIDGE_FEE: self._bridge_fee,
        }

    def _switch_draw(self, kind: AdminKind) -> Draw:
        async def draw() -> Deed | None:
            symbol = self._random.choice(self._draws.symbols)
            if kind is AdminKind.ACTIVE:
                empty = await self._empty()
                if not empty:
                    return None
                symbol = self._random.choice(empty)
            bits = await self._bits(symbol)
            if kind is AdminKind.LTV_ZERO:
                return self._switch(kind, symbol, on=bool(bits & 0xFFFF), lasts=False)
            return self._switch(kind, symbol, on=not bits >> _BITS[kind] & 1, lasts=kind in _LASTING)

        return draw

    def _switch(self, kind: AdminKind, symbol: str, *, on: bool, lasts: bool) -> Deed:
        tx = self._governance.switches[kind](self._actors.market, self._token(symbol), on)
        undo = None if lasts else self._switch(kind, symbol, on=not on, lasts=True)
        return Deed(f"{symbol} {on}", lambda: self._actors.node.send(tx), undo)

    def _number_draw(self, kind: AdminKind) -> Draw:
        async def draw() -> Deed | None:
            symbol = self._random.choice(self._draws.symbols)
            if kind is AdminKind.DEBT_CEILING:
                terms = await self._draws.terms()
                isolated = [each for each, listing in terms.listings.items() if listing.debt_ceiling]
                symbol = self._random.choice([*isolated, *await self._empty()] or [symbol])
            value = self._number(kind)
            # A cap may be in everybody's way.
            undo = (
                self._set(kind, symbol, 0) if kind in {AdminKind.SUPPLY_CAP, AdminKind.BORROW_CAP} else None
            )
            return self._set(kind, symbol, value)._replace(undo=undo)

        return draw

    def _number(self, kind: AdminKind) -> int:
        """Fees in bps, caps in whole tokens, ceilings in hundredths of a dollar."""
        match kind:
            case AdminKind.RESERVE_FACTOR:
                return self._random.randint(0, 90) * 100
            case AdminKind.LIQUIDATION_FEE:
                return self._random.randint(0, 40) * 100
            case AdminKind.DEBT_CEILING:
                return self._random.randint(10, 80) * 500_000_00
            case _:
                return int(10 ** self._random.uniform(3, 10))

    def _set(self, kind: AdminKind, symbol: str, value: int) -> Deed:
        name, token = self._governance.numbers[kind], self._token(symbol)
        return Deed(f"{symbol} {value}", lambda: self._tell(name, token, value))

    async def _collateral(self) -> Deed | None:
        """Moves the threshold by up to three percent; one in eight takes the LTV to zero for a while."""
        symbol = self._random.choice(self._draws.symbols)
        bits = await self._bits(symbol)
        ltv, threshold, bonus = (bits >> place & 0xFFFF for place in (0, 16, 32))
        if not threshold:
            return None
        before = (ltv, threshold, bonus)
        threshold = min(8600, max(4000, threshold + self._random.randint(-300, 300)))
        ltv = threshold - self._random.randint(100, 600)
        bonus = min(self._random.randint(10_200, 11_000), BPS * BPS // threshold)
        without_ltv = self._random.random() < 1 / 8
        limits = (0 if without_ltv else ltv, threshold, bonus)
        name, token = "configureReserveAsCollateral", self._token(symbol)
        undo = Deed(f"{symbol} {before}", lambda: self._tell(name, token, *before)) if without_ltv else None
        return Deed(f"{symbol} {limits}", lambda: self._tell(name, token, *limits), undo)

    async def _rates(self) -> Deed:
        symbol = self._random.choice(self._draws.symbols)
        slope = self._random.randint(0, 1000)
        rates = Rates(
            self._random.randint(30, 95) * 100,
            self._random.randint(0, 200),
            slope,
            slope + self._random.randint(1000, 30_000),
        )

        async def act() -> None:
            market, node = self._actors.market, self._actors.node
            await node.send(await self._governance.set_rates(node, market, self._token(symbol), rates))

        return Deed(f"{symbol} {rates}", act)

    async def _market_rate(self) -> Deed:
        symbol, rate = self._random.choice(self._draws.symbols), self._random.randint(100, 900)

        async def act() -> None:
            market, node = self._actors.market, self._actors.node
            registry = market.contracts["PoolAddressesProvider"]
            oracle = await registered(node, market.provider, registry, "getLendingRateOracle")
            data = market.contracts["LendingRateOracle"].encode(
                "setMarketBorrowRate", self._token(symbol), rate * RAY_PER_BPS
            )
            await node.send(Tx(market.admin, oracle, data))

        return Deed(f"{symbol} {rate}", act)

    async def _flash_premium(self) -> Deed:
        name = self._random.choice(self._governance.premiums)
        value = self._random.randint(0, 100 if name.endswith(("Total", "Premium")) else BPS)
        return Deed(f"{name} {value}", lambda: self._tell(name, value))

    async def _bridge_fee(self) -> Deed:
        value = self._random.randint(0, BPS)
        return Deed(f"{value}", lambda: self._tell("updateBridgeProtocolFee", value))

    async def _tell(self, name: str, *args: object) -> None:
        await self._actors.node.send(self._actors.market.configurator_tx(name, *args))

    async def _bits(self, symbol: str) -> int:
        token = self._token(symbol)
        (bits,) = await self._actors.market.read_pool(self._actors.node, "getConfiguration", token)
        return int(bits)

    def _token(self, symbol: str) -> Address:
        return self._actors.market.reserve(symbol).token

    async def _empty(self) -> list[str]:
        """Reserves that nobody has supplied to."""
        market = self._actors.market
        data = market.contracts["ATokenInstance"].encode("totalSupply")
        supplies = await self._actors.node.call_many([(each.a_token, data) for each in market.reserves])
        return [
            reserve.symbol
            for reserve, supply in zip(market.reserves, supplies, strict=True)
            if not int.from_bytes(supply)
        ]
