"""A comptroller put together by hand: markets, accounts and rules of any size, without a chain."""

from dataclasses import dataclass, field

from keeper.index.book import ColumnarBook
from keeper.protocols.base import Side
from keeper.protocols.venus.curve import Curve, Kind
from keeper.protocols.venus.fold_comptroller import set_liquidator, set_oracle, set_vai_controller
from keeper.protocols.venus.fold_market import owe
from keeper.protocols.venus.frame import VenusFrame
from keeper.protocols.venus.market import VenusMarket
from keeper.protocols.venus.opening import start
from keeper.protocols.venus.records import (
    CORE,
    Facts,
    Limits,
    Loan,
    Split,
    State,
    meet,
    state_of,
    vtokens,
)
from keeper.protocols.venus.rules import VENUS, Rules
from keeper.types import WAD, ZERO_ADDRESS, Address, Log
from tests.logs import mined

NOW = 1_700_000_000
BLOCK = 1_000


def address(number: int) -> Address:
    """The address with that number."""
    return Address(f"0x{number:040x}")


COMPTROLLER, ORACLE, LIQUIDATOR, VAI_CONTROLLER = (address(0xC0 + each) for each in range(4))
BORROWER, KEEPER = address(0xB0), address(0xFA)


def log(emitter: Address, topics: list[str], data: list[int], *, block: int = BLOCK, tx: int = 1) -> Log:
    """A log as a node sends it; `data` are its words."""
    return mined(
        emitter,
        topics,
        "0x" + "".join(f"{word:064x}" for word in data),
        block=block,
        block_hash=f"0x{block:064x}",
        tx_hash=f"0x{tx:064x}",
    )


@dataclass
class World:
    """Markets are named by their numbers. Prices are scaled by 10^(36 - decimals)."""

    rules: Rules = VENUS
    book: ColumnarBook = field(default_factory=ColumnarBook)
    block: int = BLOCK

    def __post_init__(self) -> None:
        start(self.book, COMPTROLLER, self.rules)
        set_oracle(self.book, ORACLE)
        self.book.put(("close_factor",), WAD // 2)
        self.market = VenusMarket("test", self.book, self.rules)

    def list(
        self,
        *,
        price: int = WAD,
        decimals: int = 18,
        threshold: int = 8 * WAD // 10,
        incentive: int = 11 * WAD // 10,
        seize_share: int = 0,
        rate: int = 0,
        timed: bool = False,
        native: bool = False,
    ) -> int:
        """A new market with a million tokens of cash, whose vTokens are worth one token unit each."""
        place = len(vtokens(self.book))
        number = meet(self.book, address(0xA000 + place))
        underlying = ZERO_ADDRESS if native else address(0xE000 + place)
        facts = Facts(underlying, decimals, f"T{number}", WAD, seize_share, int(timed))
        self.book.put(("facts", number), facts)
        self.book.put(("listed", number), 1)
        self.book.put(("price", number), price or None)
        self.book.put(("limits", CORE, number), Limits(threshold, threshold, incentive))
        self.book.put(("model", number), address(0xD000 + place))
        self.book.put(("curve", address(0xD000 + place)), Curve(int(Kind.LINEAR), (rate, 0), 1))
        cash = 10 ** (6 + decimals)
        self.put(number, State(cash=cash, supply=cash, block=self.block, time=NOW))
        return number

    def put(self, number: int, state: State) -> None:
        """Store a market's state."""
        self.book.put(("state", number), state)

    def change(self, number: int, **fields: int) -> None:
        """Change part of a market's state."""
        self.put(number, state_of(self.book, number)._replace(**fields))

    def supply(self, account: Address, number: int, tokens: int, *, entered: bool = True) -> None:
        """Give an account vTokens, out of those there are."""
        self.book.set_quantity(account, number, Side.COLLATERAL, tokens)
        self.book.set_enabled(account, number, entered)

    def borrow(self, account: Address, number: int, principal: int, index: int = WAD) -> None:
        """A loan, taken when the borrow index was `index`; borrowing enters the market."""
        owe(self.book, account, number, Loan(principal, index))
        self.book.set_enabled(account, number, True)
        self.change(number, borrows=state_of(self.book, number).borrows + principal)

    def through_liquidator(self, split: Split) -> None:
        """Let all liquidations go through Venus' Liquidator."""
        set_liquidator(self.book, LIQUIDATOR)
        self.book.put(("split",), split)

    def with_vai(self) -> None:
        """Let there be a VAI controller."""
        set_vai_controller(self.book, VAI_CONTROLLER)

    def frame(self, blocks: int = 0) -> VenusFrame:
        """The frame so many blocks (and as many seconds) later."""
        return self.market.frame(NOW + blocks, number=self.block + blocks)
