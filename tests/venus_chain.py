"""A chain that answers what a Venus deployment is asked, from tables."""

from collections.abc import Sequence
from typing import TypeVar

from keeper.index.book import ColumnarBook
from keeper.protocols.base import Reads
from keeper.protocols.decode import call
from keeper.protocols.registry import ADAPTERS
from keeper.protocols.venus.heal import STORED
from keeper.protocols.venus.market import VenusMarket
from keeper.protocols.venus.records import (
    Limits,
    State,
)
from keeper.types import ZERO_ADDRESS, Address, BlockRef, Call, Hash
from tests.venus_world import (
    BLOCK,
    COMPTROLLER,
    NOW,
    ORACLE,
    VAI_CONTROLLER,
)

T = TypeVar("T")
HEAD = BlockRef(BLOCK, Hash("0x01"), Hash("0x00"), NOW, 0)
TWO_KINKS = (
    ("BASE_RATE_PER_BLOCK()", 1),
    ("MULTIPLIER_PER_BLOCK()", 2),
    ("BASE_RATE_2_PER_BLOCK()", 4),
    ("MULTIPLIER_2_PER_BLOCK()", 2**256 - 5),
    ("JUMP_MULTIPLIER_PER_BLOCK()", 7),
    ("KINK_1()", 3),
    ("KINK_2()", 6),
    ("RATE_1()", 8),
    ("RATE_2()", 9),
)


class Chain:
    """Answers calls from a table of words; every other call reverts."""

    def __init__(self) -> None:
        self._answers: dict[Call, bytes] = {}
        self.asked: list[Call] = []

    def says(self, to: Address, signature: str, *words: int, of: Sequence[Address | int] = ()) -> None:
        answer = b"".join((word % 2**256).to_bytes(32, "big") for word in words)
        self._answers[call(to, signature, *of)] = answer

    def lists(
        self, to: Address, signature: str, items: Sequence[Address], of: Sequence[Address] = ()
    ) -> None:
        self.says(to, signature, 32, len(items), *(int(each, 16) for each in items), of=of)

    def named(self, to: Address, text: str) -> None:
        self._answers[call(to, "symbol()")] = text.encode().ljust(32, b"\0")

    def converse(self, reads: Reads[T]) -> T:
        try:
            calls = next(reads)
            while True:
                self.asked += calls
                calls = reads.send([self._answers.get(each) for each in calls])
        except StopIteration as stop:
            learned: T = stop.value
            return learned

    def stores(self, vtoken: Address, state: State, limits: Limits) -> None:
        """A market's own and the comptroller's view of it."""
        fields = (
            state.cash,
            state.borrows,
            state.reserves,
            state.supply,
            state.borrow_index,
            state.reserve_factor,
            state.block,
        )
        for name, word in zip(STORED, fields, strict=False):
            self.says(vtoken, name, word)
        words = (1, limits.factor, 0, limits.threshold, limits.incentive, 0, 1)
        self.says(COMPTROLLER, "markets(address)", *words, of=[vtoken])


def venus_chain(vtokens: Sequence[Address], *, liquidator: Address | None = ZERO_ADDRESS) -> Chain:
    """A comptroller at the head."""
    chain = Chain()
    chain.says(COMPTROLLER, "oracle()", int(ORACLE, 16))
    chain.lists(COMPTROLLER, "getAllMarkets()", vtokens)
    if liquidator is not None:
        chain.says(COMPTROLLER, "liquidatorContract()", int(liquidator, 16))
        chain.says(COMPTROLLER, "vaiController()", int(VAI_CONTROLLER, 16))
    return chain


def opened(chain: Chain, protocol: str = "venus") -> VenusMarket:
    market = chain.converse(ADAPTERS[protocol].open("d", {"comptroller": COMPTROLLER}, ColumnarBook()))
    assert isinstance(market, VenusMarket)
    return market
