"""Builds Aave v4 markets for tests the way a chain does: by the logs its contracts would emit."""

from itertools import count

from keeper.index.book import ColumnarBook
from keeper.protocols.aave_v4.market import AaveV4Market
from keeper.protocols.aave_v4.opening import start
from keeper.types import RAY, USD, ZERO_ADDRESS, Address
from tests.aave_v3_world import START, Value, address, make_log

SPOKE, ORACLE, OTHER_SPOKE = address(0x5B0), address(0x04AC), address(0x5B1)
HUBS = (address(0x40B0), address(0x40B1))
FEE_RECEIVER, RATE_STRATEGY = address(0xFEE), address(0x1257)
ALICE, BOB, LIQUIDATOR = address(0xA11CE), address(0xB0B), address(0x119)
UNLIMITED = 2**24 - 1
DELTA = "(int256,int256,uint256)"


class World:
    """A spoke with nothing listed yet; `now` is the time of the next log."""

    def __init__(self) -> None:
        self.now = START
        self.book = ColumnarBook()
        start(self.book, SPOKE, ORACLE)
        self.market = AaveV4Market("test", self.book)
        self._numbers = count()
        self._assets: dict[Address, int] = {}
        self.places: list[tuple[Address, int]] = []

    def hub(self, hub: Address, signature: str, indexed: list[Value], *data: Value) -> None:
        self.market.fold(make_log(hub, signature, indexed, data), self.now)

    def spoke(self, signature: str, indexed: list[Value], *data: Value) -> None:
        self.market.fold(make_log(SPOKE, signature, indexed, data), self.now)

    def list(
        self,
        hub: Address = HUBS[0],
        *,
        decimals: int = 18,
        price: int = USD,
        factor: int = 8_000,
        bonus: int = 10_500,
        fee: int = 1_000,
        risk: int = 0,
        underlying: Address | None = None,
    ) -> int:
        """List an asset at `hub` and a reserve of it; returns the reserve id."""
        number = next(self._numbers)
        asset_id = self._assets.get(hub, 0)
        self._assets[hub] = asset_id + 1
        self.places.append((hub, asset_id))
        token = underlying or address(0x70C0 + number)
        self.market.fold(
            make_log(SPOKE, "AddReserve(uint256,uint256,address)", [number, asset_id, hub]), self.now
        )
        self.hub(hub, "AddAsset(uint256,address,uint8)", [asset_id, token], decimals)
        self.hub(
            hub,
            "UpdateAssetConfig(uint256,(address,uint16,address,address))",
            [asset_id],
            *(FEE_RECEIVER, 1_000, RATE_STRATEGY, ZERO_ADDRESS),
        )
        self.hub(hub, "AddSpoke(uint256,address)", [asset_id, SPOKE])
        self.limit(number)
        self.accrue(number)
        source = address(0xFEED00 + number)
        self.spoke("UpdateReservePriceSource(uint256,address)", [number, source])
        self.book.put(("price", source), price or None)
        self.configure(number, risk=risk)
        self.add_config(number, 0, factor, bonus, fee)
        return number

    def limit(
        self, number: int, *, threshold: int = UNLIMITED, active: bool = True, halted: bool = False
    ) -> None:
        hub, asset_id = self.places[number]
        self.hub(
            hub,
            "UpdateSpokeConfig(uint256,address,(uint40,uint40,uint24,bool,bool))",
            [asset_id, SPOKE],
            *(2**40 - 1, 2**40 - 1, threshold, int(active), int(halted)),
        )

    def configure(self, number: int, *, risk: int = 0, paused: bool = False, frozen: bool = False) -> None:
        self.spoke(
            "UpdateReserveConfig(uint256,(uint24,bool,bool,bool,bool))",
            [number],
            *(risk, int(paused), int(frozen), 1, 1),
        )

    def add_config(self, number: int, key: int, factor: int, bonus: int, fee: int) -> None:
        name = "AddDynamicReserveConfig(uint256,uint32,(uint16,uint32,uint16))"
        self.spoke(name, [number, key], factor, bonus, fee)

    def rules(self, target: int, full_bonus_below: int, bonus_factor: int) -> None:
        self.spoke(
            "UpdateLiquidationConfig((uint128,uint64,uint16))", [], target, full_bonus_below, bonus_factor
        )

    def accrue(self, number: int, index: int = RAY, rate: int = 0, fees: int = 0) -> None:
        hub, asset_id = self.places[number]
        self.hub(hub, "UpdateAsset(uint256,uint256,uint256,uint256)", [asset_id], index, rate, fees)

    def fund(self, number: int, shares: int, amount: int, spoke: Address = OTHER_SPOKE) -> None:
        """Liquidity from a spoke: with more `amount` than `shares`, a share is worth more than one."""
        hub, asset_id = self.places[number]
        self.hub(hub, "Add(uint256,address,uint256,uint256)", [asset_id, spoke], shares, amount)

    def supply(self, account: Address, number: int, shares: int, *, amount: int | None = None) -> None:
        self.fund(number, shares, shares if amount is None else amount, SPOKE)
        name = "Supply(uint256,address,address,uint256,uint256)"
        self.spoke(name, [number, account, account], shares, shares)

    def use(self, account: Address, number: int, *, enabled: bool = True) -> None:
        if enabled:
            self.spoke("RefreshSingleUserDynamicConfig(address,uint256)", [account], number)
        else:
            self.spoke("RefreshAllUserDynamicConfig(address)", [account])
        name = "SetUsingAsCollateral(uint256,address,address,bool)"
        self.spoke(name, [number, account, account], int(enabled))

    def refresh(self, account: Address) -> None:
        self.spoke("RefreshAllUserDynamicConfig(address)", [account])

    def borrow(self, account: Address, number: int, shares: int, *, amount: int = 0) -> None:
        hub, asset_id = self.places[number]
        self.hub(hub, "Draw(uint256,address,uint256,uint256)", [asset_id, SPOKE], shares, amount)
        self.spoke(
            "Borrow(uint256,address,address,uint256,uint256)", [number, account, account], shares, amount
        )

    def premium(self, account: Address, number: int, shares: int, offset: int) -> None:
        """The account's premium in a reserve changes by that much; `offset` in ray."""
        hub, asset_id = self.places[number]
        self.hub(hub, f"RefreshPremium(uint256,address,{DELTA})", [asset_id, SPOKE], shares, offset, 0)
        self.spoke(f"RefreshPremiumDebt(uint256,address,{DELTA})", [number, account], shares, offset, 0)
