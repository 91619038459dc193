"""Builds Euler deployments for tests the way a chain does: by the logs its contracts would emit."""

from collections.abc import Mapping
from typing import Any

from keeper.index.book import ColumnarBook
from keeper.protocols.base import Reads
from keeper.protocols.euler_v2.market import EulerV2Market
from keeper.protocols.euler_v2.math import assets_up
from keeper.protocols.euler_v2.opening import start
from keeper.protocols.euler_v2.quotes import leaf_key, route_key
from keeper.protocols.euler_v2.records import Hop, Leaf, Scale, status, vault
from keeper.types import RAY, ZERO_ADDRESS, Address, Call, Log
from tests.aave_v3_world import START, Value, address, make_log

FACTORY, CONNECTOR, ORACLE = address(0xE0), address(0xE1), address(0xE2)
UNIT = address(840)
ALICE, BOB = address(0xA11CE), address(0xB0B)


class World:
    """A factory without vaults; `now` is the time of the next log."""

    def __init__(self) -> None:
        self.now = START
        self.book = ColumnarBook()
        start(self.book, FACTORY, CONNECTOR)
        self.market = EulerV2Market("test", self.book)

    def emit(self, emitter: Address, signature: str, *indexed: Value, data: tuple[Value, ...] = ()) -> Log:
        """Fold one log."""
        log = make_log(emitter, signature, indexed, data)
        self.market.fold(log, self.now)
        return log

    def create(self, number: int, *, unit: Address = UNIT) -> Address:
        """A vault of token `token(number)`, with all operations on."""
        made, words = address(0xE100 + number), bytes.fromhex(token(number)[2:] + ORACLE[2:] + unit[2:])
        padded = words.ljust(64, b"\0")
        metadata = (int.from_bytes(padded[:32], "big"), int.from_bytes(padded[32:], "big"))
        data = (1, address(0xE3), 96, len(words), *metadata)
        self.emit(FACTORY, "ProxyCreated(address,bool,address,bytes)", made, data=data)
        self.emit(made, "GovSetHookConfig(address,uint32)", ZERO_ADDRESS, data=(0,))
        self.emit(made, "GovSetMaxLiquidationDiscount(uint16)", data=(1500,))
        return made

    def set_ltv(self, controller: Address, collateral: Address, ltv: int) -> None:
        """A liquidation LTV that holds at once."""
        signature = "GovSetLTV(address,uint16,uint16,uint16,uint48,uint32)"
        self.emit(controller, signature, collateral, data=(ltv, ltv, 0, self.now, 0))

    def quote(self, number: int, scale: Scale, *, unit: Address = UNIT) -> None:
        """What a token is worth; shares of its vault are worth their assets."""
        leaf = Leaf(ORACLE, token(number), unit)
        self.book.put(leaf_key(leaf), scale)
        self.book.put(route_key(*leaf), (leaf,))
        self.book.put(route_key(ORACLE, address(0xE100 + number), unit), (Hop(number), leaf))

    def tell(self, made: Address, *, shares: int, cash: int, fees: int = 0, rate: int = 0) -> None:
        """VaultStatus, with the debts and the accumulator that follow from the logs so far."""
        number = self.number(made)
        frame = self.market.frame(self.now)
        settled = frame.vault(number).status
        data = (shares, assets_up(settled.borrows), fees, cash, settled.accumulator, rate, self.now)
        words = "VaultStatus(uint256,uint256,uint256,uint256,uint256,uint256,uint256)"
        self.emit(made, words, data=data)

    def supply(self, account: Address, made: Address, shares: int) -> None:
        """Shares that count as collateral."""
        self.emit(made, "Transfer(address,address,uint256)", ZERO_ADDRESS, account, data=(shares,))
        self.emit(CONNECTOR, "CollateralStatus(address,address,bool)", account, made, data=(1,))

    def borrow(self, account: Address, made: Address, assets: int) -> None:
        """Debt of an account that has no other controller."""
        self.emit(CONNECTOR, "ControllerStatus(address,address,bool)", account, made, data=(1,))
        self.emit(made, "Borrow(address,uint256)", account, data=(assets,))
        told = status(self.book, self.number(made))
        words = "VaultStatus(uint256,uint256,uint256,uint256,uint256,uint256,uint256)"
        owed = assets_up(told.borrows) + assets
        data = (told.shares, owed, told.fees, told.cash, told.accumulator, told.rate, self.now)
        self.emit(made, words, data=data)

    def number(self, made: Address) -> int:
        """The vault's number in the book."""
        found: int = self.book.get(("number", made))
        assert vault(self.book, found).address == made
        return found


def token(number: int) -> Address:
    """The asset of vault `number`."""
    return address((0x70CE << 128) + number)


def drive(reads: Reads[Any], answers: Mapping[Call, bytes]) -> Any:
    """Carry out a conversation against a chain that knows these answers and reverts on all else."""
    try:
        calls = next(reads)
        while True:
            calls = reads.send([answers.get(asked) for asked in calls])
    except StopIteration as stop:
        return stop.value


def growth(rate: int) -> int:
    """A rate of `rate` thousandths of a percent a second, in ray."""
    return rate * RAY // 10**5
