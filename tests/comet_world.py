"""Comets for tests: made by the logs they emit, or answering calls with what a recorded one said."""

import gzip
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from eth_abi.abi import decode, encode
from msgspec.structs import replace

from keeper.index.book import ColumnarBook
from keeper.protocols.base import Reads
from keeper.protocols.comet.market import CometMarket
from keeper.protocols.comet.math import Curve, Indexes, Totals
from keeper.protocols.comet.opening import start
from keeper.protocols.comet.records import Collateral, Terms, number_of
from keeper.types import WAD, Address, BlockRef, Call, Hash, Log
from tests.aave_v3_world import NOTHING, address, make_log

T = TypeVar("T")

COMET, USDC, WETH, WBTC, DAI = (address(number) for number in (0xC0, 0xB1, 0xC1, 0xC2, 0xC3))
ALICE, BOB, CAROL = address(0xA11CE), address(0xB0B), address(0xCA401)
START = 1_750_000_000
YEAR = 31_536_000
RECORDED = Path(__file__).parent / "vectors/data/comet-s1.json.gz"


def per_second(percent: str) -> int:
    """A yearly rate as the contract keeps it."""
    whole, _, rest = percent.partition(".")
    return int(whole + rest.ljust(16, "0")) // YEAR


SUPPLY = Curve(8 * WAD // 10, per_second("3.25"), per_second("40"), 0)
BORROW = Curve(8 * WAD // 10, per_second("3.5"), per_second("25"), per_second("1.5"))
"""Rates of the USDC comet on mainnet."""


class World:
    """A comet of USDC that takes WETH, WBTC and DAI; `now` is the time of the next log."""

    def __init__(self, target: int = 10**12) -> None:
        self.now = START
        self.book = ColumnarBook()
        start(self.book, COMET, USDC)
        self.book.put(("terms",), Terms(10**6, address(0xFB), SUPPLY, BORROW, WAD // 2, target))
        collaterals = ((WETH, 18, "0.895", "0.95"), (WBTC, 8, "0.77", "0.93"), (DAI, 18, "0.9", "0.99"))
        for token, decimals, liquidate, liquidation in collaterals:
            self._list(token, decimals, _wad(liquidate), _wad(liquidation))
        self.book.put(("order",), (1, 2, 3))
        self.state(Totals(Indexes(), 0, 0, START))
        self.prices({USDC: 10**8, WETH: 3000 * 10**8, WBTC: 60_000 * 10**8, DAI: 10**8})
        self.market = CometMarket("core", self.book)

    def _list(self, token: Address, decimals: int, liquidate: int, liquidation: int) -> None:
        number = number_of(self.book, token)
        feed = address(0xFB + number)
        factors = (liquidate - WAD // 20, liquidate, liquidation)
        self.book.put(("collateral", number), Collateral(feed, 10**decimals, *factors))
        self.book.put(("stock", number), 0)

    def state(self, totals: Totals, cash: int = 0) -> None:
        """What a read of the comet would have found."""
        self.book.put(("totals",), totals)
        self.book.put(("cash",), cash)

    def prices(self, prices: Mapping[Address, int]) -> None:
        """New answers of the feeds, 8 decimals; 0 for none."""
        for token, price in prices.items():
            self.book.put(("price", number_of(self.book, token)), price or None)

    def stock(self, token: Address, amount: int) -> None:
        """Collateral in reserves."""
        self.book.put(("stock", number_of(self.book, token)), amount)

    def emit(
        self, signature: str, indexed: Sequence[int | str], data: Sequence[int | str], tx: int = 0
    ) -> Log:
        """Fold a log of the comet."""
        log = replace(make_log(COMET, signature, indexed, data), tx_hash=Hash(f"0x{tx:064x}"))
        self.market.fold(log, self.now)
        return log

    def deposit(self, account: Address, token: Address, amount: int) -> None:
        """Collateral comes in."""
        self.emit("SupplyCollateral(address,address,address,uint256)", [account, account, token], [amount])

    def supply(self, account: Address, amount: int) -> None:
        """Base comes in."""
        self.emit("Supply(address,address,uint256)", [account, account], [amount])

    def borrow(self, account: Address, amount: int) -> None:
        """Base goes out."""
        self.emit("Withdraw(address,address,uint256)", [account, account], [amount])


def _wad(text: str) -> int:
    return int(text.removeprefix("0.").ljust(18, "0"))


def drive(reads: Reads[T], answer: Callable[[Call], bytes | None]) -> T:
    """Carry out a conversation with whoever answers."""
    try:
        calls = next(reads)
        while True:
            calls = reads.send([answer(call) for call in calls])
    except StopIteration as stop:
        learned: T = stop.value
        return learned


def document() -> dict[str, Any]:
    """A recorded run."""
    found: dict[str, Any] = json.loads(gzip.decompress(RECORDED.read_bytes()))
    return found


class RecordedComet:
    """Answers calls as the recorded contracts did at a checkpoint, by the selectors of the reference."""

    def __init__(self, run: Mapping[str, Any]) -> None:
        self.run = run
        self.config = run["static"]["constructor_config"]
        self.comet = Address(run["contracts"]["comet"].lower())
        self.base = Address(self.config[2].lower())
        self.assets = [Address(asset[0].lower()) for asset in self.config[20]]
        self.checkpoint: Mapping[str, Any] = run["checkpoints"][0]
        self.asked: list[Call] = []
        self.overrides: dict[bytes, bytes | None] = {}

    @property
    def head(self) -> BlockRef:
        """The block of the checkpoint that is answered from."""
        timestamp = int(self.checkpoint["timestamp"])
        return BlockRef(int(self.checkpoint["block"]), NOTHING, NOTHING, timestamp, 0)

    def answer(self, call: Call) -> bytes | None:
        """What an eth_call returned, None where it reverted."""
        self.asked.append(call)
        selector, arguments = call.data[:4], call.data[4:]
        if call.data in self.overrides:
            return self.overrides[call.data]
        if call.to == self.comet:
            return self._comet(selector.hex(), arguments)
        if selector.hex() == "feaf968c":  # latestRoundData()
            return self._price(call.to)
        if selector.hex() == "70a08231":  # balanceOf(address)
            return encode(["uint256"], [self._cash()])
        named = {"95d89b41": "TOK", "7284e416": "TOK / USD"}  # symbol(), description()
        return encode(["string"], [named[selector.hex()]])

    def answer_to(self, data: bytes) -> bytes:
        """What the comet itself returns."""
        found = self.answer(Call(self.comet, data))
        assert found is not None
        return found

    def _comet(self, selector: str, data: bytes) -> bytes | None:
        fixed = _fixed(self.config)
        if selector in fixed:
            return encode(["uint256"], [fixed[selector]])
        (market,) = self.checkpoint["markets"].values()
        totals, stocks = market["totals_basic"], market["collateral_reserves"]
        whole = {
            "b9f0baf7": lambda: encode(["uint256"] * 8, [int(value) for value in totals]),  # totalsBasic()
            "c8c7fe6b": lambda: self._asset_info(decode(["uint8"], data)[0]),  # getAssetInfo(uint8)
            "9ff567f8": lambda: _word(_of(stocks, _address(data))),  # getCollateralReserves(address)
            "0902f1ac": lambda: _word(market["reserves"]),  # getReserves()
            "59e017bd": lambda: self._collateral_total(_address(data)),  # totalsCollateral(address)
        }
        return whole[selector]() if selector in whole else self._account(selector, data)

    def _collateral_total(self, token: str) -> bytes:
        held = [int(_of(each["collateral"], token)) for each in self.checkpoint["accounts"].values()]
        return encode(["uint128", "uint128"], [sum(held), 0])

    def _account(self, selector: str, data: bytes) -> bytes | None:
        account = decode(["address"], data[:32])[0]
        if account == self.comet:
            return bytes(160)  # nobody ever gave it anything
        record = _of(self.checkpoint["accounts"], account)
        match selector:
            case "dc4abafd":  # userBasic(address)
                values = [int(record[name]) for name in ("principal", "base_tracking_index", "assets_in")]
                return encode(
                    ["int104", "uint64", "uint64", "uint16", "uint8"], [*values[:2], 0, values[2], 0]
                )
            case "374c49b4":  # borrowBalanceOf(address)
                return encode(["uint256"], [int(record["borrow_balance"])])
            case "042e02cf":  # isLiquidatable(address)
                return encode(["bool"], [record["is_liquidatable"]])
            case "2b92a07d":  # userCollateral(address,address)
                token = decode(["address"], data[32:])[0]
                return encode(["uint128", "uint128"], [int(_of(record["collateral"], token)), 0])
            case _:
                raise AssertionError(f"nobody recorded what {selector} returns")

    def _asset_info(self, place: int) -> bytes:
        token, feed, decimals, *factors, cap = self.config[20][place]
        values = [10 ** int(decimals), *map(int, factors), int(cap)]
        kinds = ["uint8", "address", "address", "uint64", "uint64", "uint64", "uint64", "uint128"]
        return encode(kinds, [place, token, feed, *values])

    def _price(self, feed: Address) -> bytes:
        (market,) = self.checkpoint["markets"].values()
        price = int(_of(market["prices"], feed))
        return encode(["uint80", "int256", "uint256", "uint256", "uint80"], [1, price, 0, 0, 1])

    def _cash(self) -> int:
        """What getReserves implies: balanceOf was not recorded."""
        (market,) = self.checkpoint["markets"].values()
        assert int(market["totals_basic"][6]) == int(self.checkpoint["timestamp"]), "indexes as stored"
        supply_index, borrow_index, _, _, supply, borrow, _, _ = map(int, market["totals_basic"])
        return int(market["reserves"]) + supply * supply_index // 10**15 - borrow * borrow_index // 10**15


def _address(data: bytes) -> str:
    found: str = decode(["address"], data)[0]
    return found


def _word(value: str) -> bytes:
    return encode(["int256"], [int(value)])


def _of(values: Mapping[str, Any], token: str) -> Any:
    return {key.lower(): value for key, value in values.items()}[token.lower()]


def _fixed(config: Sequence[Any]) -> dict[str, int]:
    """Immutables by selector."""
    yearly = [int(value) // YEAR for value in (*config[6:9], *config[10:13])]
    return {
        "c55dae63": int(config[2], 16),  # baseToken()
        "e7dad6bd": int(config[3], 16),  # baseTokenPriceFeed()
        "44c1e5eb": 10**6,  # baseScale()
        "1f5954bd": int(config[13]),  # storeFrontPriceFactor()
        "32176c49": int(config[19]),  # targetReserves()
        "a46fe83b": len(config[20]),  # numAssets()
        "a5b4ff79": int(config[5]),  # supplyKink()
        "5a94b8d1": yearly[0],  # supplyPerSecondInterestRateSlopeLow()
        "804de71f": yearly[1],  # supplyPerSecondInterestRateSlopeHigh()
        "94920cca": yearly[2],  # supplyPerSecondInterestRateBase()
        "9241a561": int(config[9]),  # borrowKink()
        "2d05670b": yearly[3],  # borrowPerSecondInterestRateSlopeLow()
        "2a48cf12": yearly[4],  # borrowPerSecondInterestRateSlopeHigh()
        "7914acc7": yearly[5],  # borrowPerSecondInterestRateBase()
    }
