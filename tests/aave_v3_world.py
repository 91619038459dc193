"""Builds Aave v3 markets for tests the way a chain does: by the logs its contracts would emit."""

from collections.abc import Mapping, Sequence
from itertools import count
from typing import Any

from eth_utils.crypto import keccak

from keeper.index.book import ColumnarBook
from keeper.protocols.aave_v3.fold_upgrade import set_release
from keeper.protocols.aave_v3.market import AaveV3Market
from keeper.protocols.aave_v3.opening import start
from keeper.protocols.base import Opportunity, Reads
from keeper.protocols.decode import topic
from keeper.types import RAY, USD, ZERO_ADDRESS, Address, Call, Hash, Log
from tests.logs import mined

START = 1_750_000_000
LAST_WITH_STABLE_DEBT = 4
NOTHING = Hash("0x" + "00" * 32)


def address(number: int) -> Address:
    """A made-up address."""
    return Address(f"0x{number:040x}")


PROVIDER, POOL, CONFIGURATOR, ORACLE = (address(number) for number in (0xA0, 0xA1, 0xA2, 0xA3))
AGGREGATOR = address(0xA66)
ALICE, BOB, TREASURY = address(0xA11CE), address(0xB0B), address(0x7EA)

Value = int | str


def make_log(emitter: Address, signature: str, indexed: Sequence[Value], data: Sequence[Value] = ()) -> Log:
    """A log with static words; addresses are given as strings."""
    topics = (topic(signature), *("0x" + _word(value) for value in indexed))
    return mined(emitter, topics, "0x" + "".join(_word(value) for value in data))


def _word(value: Value) -> str:
    return f"{(value if isinstance(value, int) else int(value, 16)) % 2**256:064x}"


class World:
    """A pool of POOL_REVISION `revision` with nothing listed yet; `now` is the time of the next log."""

    def __init__(self, revision: int = 10) -> None:
        self.now = START
        self.book = ColumnarBook()
        start(self.book, PROVIDER)
        set_release(self.book, revision)
        self.has_stable_debt = revision <= LAST_WITH_STABLE_DEBT
        self.market = AaveV3Market("test", self.book)
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
            [stable_token_of(asset) if self.has_stable_debt else ZERO_ADDRESS, v_token, ZERO_ADDRESS],
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

    def borrow_at_stable_rate(self, account: Address, asset: Address, amount: int, *, rate: int) -> None:
        """Borrow `amount` more at a stable rate (ray a year), where the release allows it."""
        mint = "Mint(address,address,uint256,uint256,uint256,uint256,uint256,uint256)"
        words = [amount, amount, 0, rate, rate, amount]
        self.emit(stable_token_of(asset), mint, [account, account], words)

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


class Answers:
    """What contracts answer, by callee and function; everything else reverts."""

    def __init__(self) -> None:
        self.known: dict[tuple[Address, bytes], bytes] = {}
        self.asked: list[Call] = []

    def set(self, to: Address, function: str, *words: int | str) -> None:
        values = [word if isinstance(word, int) else int(word, 16) for word in words]
        self.known[to, keccak(text=function)[:4]] = b"".join(value.to_bytes(32, "big") for value in values)

    def revert(self, to: Address, function: str) -> None:
        del self.known[to, keccak(text=function)[:4]]

    def drive(self, reads: Reads[Any]) -> Any:
        """Hold a conversation to its end and return what it learned."""
        results: Any = None  # what starts a generator
        while True:
            try:
                calls = reads.send(results)
            except StopIteration as end:
                return end.value
            self.asked += calls
            results = [self.known.get((call.to, call.data[:4])) for call in calls]


def answers_of(asset: Address) -> Answers:
    """A v3.6 deployment with one reserve, priced at $3 by a proxy with an aggregator behind it."""
    answers = Answers()
    answers.set(PROVIDER, "getPool()", POOL)
    answers.set(PROVIDER, "getPoolConfigurator()", CONFIGURATOR)
    answers.set(PROVIDER, "getPriceOracle()", ORACLE)
    answers.set(PROVIDER, "getPriceOracleSentinel()", ZERO_ADDRESS)
    answers.set(POOL, "POOL_REVISION()", 10)
    answers.set(CONFIGURATOR, "CONFIGURATOR_REVISION()", 7)
    answers.set(ORACLE, "BASE_CURRENCY()", 0)
    answers.set(ORACLE, "BASE_CURRENCY_UNIT()", USD)
    answers.set(POOL, "getReservesList()", 32, 1, asset)
    tokens = (a_token_of(asset), ZERO_ADDRESS, v_token_of(asset))
    answers.set(POOL, "getReserveData(address)", *[0] * 8, *tokens)
    answers.set(ORACLE, "getSourceOfAsset(address)", feed_of(asset))
    answers.set(a_token_of(asset), "ATOKEN_REVISION()", 5)
    answers.set(v_token_of(asset), "DEBT_TOKEN_REVISION()", 5)
    answers.set(feed_of(asset), "aggregator()", AGGREGATOR)
    answers.set(feed_of(asset), "latestAnswer()", 3 * USD)
    answers.set(ORACLE, "getFallbackOracle()", ZERO_ADDRESS)
    answers.set(POOL, "FLASHLOAN_PREMIUM_TOTAL()", 5)
    answers.set(ORACLE, "getAssetsPrices(address[])", 32, 1, 3 * USD)
    answers.set(POOL, "getVirtualUnderlyingBalance(address)", 10**24)
    answers.set(asset, "symbol()", 32, 4, b"WETH".ljust(32, b"\0").hex())
    return answers


def a_token_of(asset: Address) -> Address:
    """The aToken that `World.list` made."""
    return address(int(asset, 16) + 1)


def v_token_of(asset: Address) -> Address:
    """The variable debt token that `World.list` made."""
    return address(int(asset, 16) + 2)


def stable_token_of(asset: Address) -> Address:
    """The stable debt token that `World.list` made, in releases that have one."""
    return address(int(asset, 16) + 4)


def feed_of(asset: Address) -> Address:
    """The price feed that `World.list` made."""
    return address(int(asset, 16) + 3)


def ids(world: World) -> Mapping[Address, int]:
    """Reserve id by asset."""
    return {info.address: info.asset for info in world.market.assets()}
