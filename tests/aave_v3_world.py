"""Builds Aave v3 markets for tests the way a chain does: by the logs its contracts would emit."""

from collections.abc import Mapping, Sequence
from itertools import count

from keeper.index.book import ColumnarBook
from keeper.protocols.aave_v3.adapter import AaveV3
from keeper.protocols.aave_v3.decode import topic
from keeper.protocols.base import Opportunity
from keeper.types import RAY, ZERO_ADDRESS, Address, Hash, Log

START = 1_750_000_000
NOTHING = Hash("0x" + "00" * 32)


def address(number: int) -> Address:
    """A made-up address."""
    return Address(f"0x{number:040x}")


PROVIDER, POOL, CONFIGURATOR, ORACLE = (address(number) for number in (0xA0, 0xA1, 0xA2, 0xA3))
ALICE, BOB, TREASURY = address(0xA11CE), address(0xB0B), address(0x7EA)

Value = int | str


def make_log(emitter: Address, signature: str, indexed: Sequence[Value], data: Sequence[Value] = ()) -> Log:
    """A log with static words; addresses are given as strings."""
    return Log(
        address=emitter,
        topics=(topic(signature), *("0x" + _word(value) for value in indexed)),
        data="0x" + "".join(_word(value) for value in data),
        block=1,
        block_hash=NOTHING,
        tx_hash=NOTHING,
        tx_index=0,
        log_index=0,
    )


def _word(value: Value) -> str:
    return f"{(value if isinstance(value, int) else int(value, 16)) % 2**256:064x}"


class World:
    """A pool with nothing listed yet; `now` is the time of the next log."""

    def __init__(self) -> None:
        self.now = START
        self.book = ColumnarBook()
        self.market = AaveV3().recorded("test", {"addresses_provider": PROVIDER}, 10, self.book)
        self._fresh = count(0x1000)
        for name, proxy in (("POOL", POOL), ("POOL_CONFIGURATOR", CONFIGURATOR)):
            bytes32 = "0x" + name.encode().hex().ljust(64, "0")
            self.emit(PROVIDER, "ProxyCreated(bytes32,address,address)", [bytes32, proxy, address(1)])
        self.emit(PROVIDER, "PriceOracleUpdated(address,address)", [ZERO_ADDRESS, ORACLE])

    def emit(
        self, emitter: Address, signature: str, indexed: Sequence[Value], data: Sequence[Value] = ()
    ) -> None:
        """Fold one log."""
        self.market.fold(make_log(emitter, signature, indexed, data), self.now)

    def configure(self, event: str, asset: Address, *values: Value) -> None:
        """An event of the configurator about `asset`; all arguments but the first are unsigned integers."""
        self.emit(CONFIGURATOR, event, [asset], values)

    def list(
        self,
        *,
        decimals: int = 18,
        price: int = 10**8,
        ltv: int = 7_500,
        threshold: int = 8_000,
        bonus: int = 10_500,
        fee: int = 1_000,
    ) -> Address:
        """List an asset with a feed; return its address. Its aToken is asset+1, its debt token asset+2."""
        asset = address(next(self._fresh) * 16)
        a_token, v_token, feed = a_token_of(asset), v_token_of(asset), feed_of(asset)
        initialized = "Initialized(address,address,address,address,uint8,string,string,bytes)"
        words: list[Value] = [
            TREASURY,
            ZERO_ADDRESS,
            decimals,
            192,
            224,
            288,
            0,
            1,
            (b"a".ljust(32, b"\0")).hex(),
            0,
        ]
        self.emit(a_token, initialized, [asset, POOL], words)
        self.emit(
            CONFIGURATOR,
            "ReserveInitialized(address,address,address,address,address)",
            [asset, a_token],
            [ZERO_ADDRESS, v_token, ZERO_ADDRESS],
        )
        collateral = "CollateralConfigurationChanged(address,uint256,uint256,uint256)"
        self.configure(collateral, asset, ltv, threshold, bonus)
        self.configure("LiquidationProtocolFeeChanged(address,uint256,uint256)", asset, 0, fee)
        self.emit(ORACLE, "AssetSourceUpdated(address,address)", [asset, feed])
        self.answer(feed, price)
        return asset

    def answer(self, feed: Address, price: int) -> None:
        """A feed answers."""
        self.emit(feed, "AnswerUpdated(int256,uint256,uint256)", [price, 1], [self.now])

    def supply(self, account: Address, asset: Address, scaled: int, *, collateral: bool = True) -> None:
        """Mint `scaled` aTokens at index 1."""
        mint = "Mint(address,address,uint256,uint256,uint256)"
        self.emit(a_token_of(asset), mint, [account, account], [scaled, 0, RAY])
        if collateral:
            self.emit(POOL, "ReserveUsedAsCollateralEnabled(address,address)", [asset, account])

    def borrow(self, account: Address, asset: Address, scaled: int) -> None:
        """Mint `scaled` variable debt at index 1."""
        mint = "Mint(address,address,uint256,uint256,uint256)"
        self.emit(v_token_of(asset), mint, [account, account], [scaled, 0, RAY])

    def accrue(
        self, asset: Address, liquidity_index: int, borrow_index: int, rates: tuple[int, int] = (0, 0)
    ) -> None:
        """ReserveDataUpdated with these indexes and (liquidity, borrow) rates."""
        signature = "ReserveDataUpdated(address,uint256,uint256,uint256,uint256,uint256)"
        self.emit(POOL, signature, [asset], [rates[0], 0, rates[1], liquidity_index, borrow_index])

    def opportunity(self, account: Address, debt: Address, collateral: Address) -> Opportunity:
        """A pair to settle, whether or not the pool would accept it."""
        assets = {info.address: info for info in self.market.assets()}
        return Opportunity(account, assets[debt], assets[collateral], ())


def a_token_of(asset: Address) -> Address:
    """The aToken that `World.list` made."""
    return address(int(asset, 16) + 1)


def v_token_of(asset: Address) -> Address:
    """The variable debt token that `World.list` made."""
    return address(int(asset, 16) + 2)


def feed_of(asset: Address) -> Address:
    """The price feed that `World.list` made."""
    return address(int(asset, 16) + 3)


def ids(world: World) -> Mapping[Address, int]:
    """Reserve id by asset."""
    return {info.address: info.asset for info in world.market.assets()}
