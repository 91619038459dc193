"""What is asked of the chain, and what becomes of the answers."""

from collections.abc import Mapping, Sequence
from typing import TypeVar

import pytest

from keeper.errors import ConfigError
from keeper.index.book import ColumnarBook
from keeper.protocols.base import Reads, Side
from keeper.protocols.decode import call, topic
from keeper.protocols.registry import ADAPTERS
from keeper.protocols.venus.curve import UNKNOWN, Curve, Kind, read_curves
from keeper.protocols.venus.facts import learn
from keeper.protocols.venus.heal import STORED
from keeper.protocols.venus.market import VenusMarket
from keeper.protocols.venus.records import (
    Facts,
    Limits,
    Loan,
    Split,
    State,
    VaiIndex,
    VaiLoan,
    deployment,
    facts_of,
    meet,
    state_of,
    vtokens,
)
from keeper.types import WAD, ZERO_ADDRESS, Address, BlockRef, Call, Hash
from tests.venus_world import (
    BLOCK,
    BORROWER,
    COMPTROLLER,
    LIQUIDATOR,
    NOW,
    ORACLE,
    VAI_CONTROLLER,
    World,
    address,
    log,
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


def test_open__from_the_comptroller_alone__finds_everything() -> None:
    vtoken, underlying, model = address(1), address(2), address(3)
    chain = venus_chain([vtoken], liquidator=LIQUIDATOR)
    chain.says(vtoken, "underlying()", int(underlying, 16))
    chain.says(vtoken, "interestRateModel()", int(model, 16))
    chain.says(vtoken, "totalSupply()", 0)
    chain.says(vtoken, "exchangeRateStored()", 77)
    chain.says(underlying, "decimals()", 6)
    chain.named(underlying, "USDC")
    chain.named(vtoken, "vUSDC")
    market = opened(chain)
    contracts = deployment(market.book)
    assert (contracts.oracle, contracts.liquidator) == (ORACLE, LIQUIDATOR)
    assert contracts.vai_controller == VAI_CONTROLLER
    assert facts_of(market.book, 0) == Facts(underlying, 6, "USDC", 77)
    assert market.addresses() >= {COMPTROLLER, ORACLE, LIQUIDATOR, VAI_CONTROLLER, vtoken, model}
    assert [(info.symbol, info.decimals, info.price) for info in market.assets()] == [("USDC", 6, None)]


def test_open__restored_book__leaves_a_market_it_does_not_know_to_the_head() -> None:
    chain, world = venus_chain([address(0xA000), address(0xA0FF)]), World()
    world.list()
    market = chain.converse(ADAPTERS["venus"].open("d", {"comptroller": COMPTROLLER}, world.book))
    assert facts_of(world.book, 1) is None
    assert address(0xA0FF) in market.addresses()


def test_open__coin_of_the_chain_and_seconds__are_told_apart() -> None:
    vtoken = address(1)
    chain = venus_chain([vtoken], liquidator=None)
    chain.named(vtoken, "cETH")
    chain.says(vtoken, "protocolSeizeShareMantissa()", 28 * 10**15)
    chain.says(vtoken, "accrualBlockTimestamp()", NOW)
    market = opened(chain, "compound-v2")
    assert facts_of(market.book, 0) == Facts(ZERO_ADDRESS, 18, "ETH", 0, 28 * 10**15, 1)


def test_open__no_comptroller__is_a_configuration_error() -> None:
    with pytest.raises(ConfigError, match=r"oracle\(\) gave nothing"):
        opened(Chain())
    with pytest.raises(ConfigError, match="compound-v2"):
        opened(venus_chain([], liquidator=None))
    with pytest.raises(ConfigError, match="comptroller: '' is not an address"):
        Chain().converse(ADAPTERS["venus"].open("d", {}, ColumnarBook()))


@pytest.mark.parametrize(
    ("said", "curve"),
    [
        (
            (("baseRatePerBlock()", 1), ("multiplierPerBlock()", 2)),
            Curve(int(Kind.LINEAR), (1, 2)),
        ),
        (
            (
                ("baseRatePerTimestamp()", 1),
                ("multiplierPerTimestamp()", 2),
                ("jumpMultiplierPerTimestamp()", 3),
                ("kink()", 4),
            ),
            Curve(int(Kind.JUMP), (1, 2, 3, 4)),
        ),
        (TWO_KINKS, Curve(int(Kind.TWO_KINKS), (1, 2, 3, 4, -5, 6, 7, 8, 9))),
        (TWO_KINKS[1:], UNKNOWN),
        ((), UNKNOWN),
    ],
)
def test_curves__by_their_getters__are_recognised(said: Sequence[tuple[str, int]], curve: Curve) -> None:
    chain, model = Chain(), address(9)
    for name, value in said:
        chain.says(model, name, value)
    assert chain.converse(read_curves([model])) == {model: curve}


class Deployed:
    """A world with one market, and the chain that agrees with it."""

    def __init__(self) -> None:
        self.world = World()
        self.number = self.world.list()
        self.book = self.world.book
        self.vtoken = vtokens(self.book)[self.number]
        self.chain = venus_chain([self.vtoken])
        self.chain.says(ORACLE, "getUnderlyingPrice(address)", 5 * WAD, of=[self.vtoken])
        self.chain.says(COMPTROLLER, "closeFactorMantissa()", WAD // 2)
        self.agree()

    def agree(self) -> None:
        limits = self.book.get(("limits", 0, self.number))
        self.chain.stores(self.vtoken, state_of(self.book, self.number), limits)

    def refresh(self) -> None:
        self.chain.converse(self.world.market.refresh(HEAD))

    def audit(self) -> list[tuple[str, int, int]]:
        frame = self.world.market.frame(NOW, number=BLOCK)
        found = self.chain.converse(self.world.market.audit_accounts(self.book.accounts(), frame))
        found += self.chain.converse(self.world.market.audit_reserves())
        return [(each.field, each.book, each.chain) for each in found]


def test_refresh__prices_and_cash__are_the_chains() -> None:
    deployed = Deployed()
    deployed.chain.says(deployed.vtoken, "getCash()", 123)
    deployed.refresh()
    assert deployed.world.market.assets()[0].price == 5 * 10**8
    assert state_of(deployed.book, 0).cash == 123
    deployed.chain.says(ORACLE, "getUnderlyingPrice(address)", 0, of=[deployed.vtoken])
    deployed.refresh()
    assert deployed.world.market.assets()[0].price is None


@pytest.mark.parametrize(("rate", "kind"), [(7, Kind.LINEAR), (8, Kind.UNKNOWN)])
def test_refresh__curve_never_compared__is_kept_only_if_right(rate: int, kind: Kind) -> None:
    deployed = Deployed()
    model = deployed.book.get(("model", 0))
    deployed.book.put(("curve", model), Curve(int(Kind.LINEAR), (7, 0)))
    deployed.chain.says(deployed.vtoken, "borrowRatePerBlock()", rate)
    deployed.refresh()
    assert deployed.book.get(("curve", model)).kind == kind
    deployed.world.borrow(BORROWER, 0, WAD)
    frame = deployed.world.frame(blocks=10)
    assert frame.markets[0].accrued.state.borrow_index == WAD + 10 * rate


def test_refresh__through_a_liquidator__reads_how_it_splits() -> None:
    deployed = Deployed()
    deployed.world.through_liquidator(Split())
    for name, word in (
        ("treasuryPercentMantissa()", 5),
        ("minLiquidatableVAI()", 6),
        ("forceVAILiquidate()", 1),
    ):
        deployed.chain.says(LIQUIDATOR, name, word)
    deployed.refresh()
    assert deployed.book.get(("split",)) == Split(5, 6, 1)


def test_refresh__vai__reads_the_index_always_and_loans_once() -> None:
    deployed = Deployed()
    deployed.world.with_vai()
    minted = log(VAI_CONTROLLER, [topic("MintVAI(address,uint256)")], [int(BORROWER, 16), 9], block=BLOCK - 5)
    deployed.world.market.fold(minted, NOW)
    deployed.chain.says(VAI_CONTROLLER, "vaiMintIndex()", WAD)
    deployed.chain.says(VAI_CONTROLLER, "getVAIRepayRatePerBlock()", 3)
    deployed.chain.says(COMPTROLLER, "mintedVAIs(address)", 100, of=[BORROWER])
    deployed.chain.says(VAI_CONTROLLER, "pastVAIInterest(address)", 1, of=[BORROWER])
    deployed.refresh()
    assert deployed.book.get(("vai",)) == VaiIndex(WAD, 3, BLOCK - 5)
    assert deployed.book.get(("vai_unread",)) == (BORROWER,)  # one of its numbers could not be read
    deployed.chain.says(VAI_CONTROLLER, "getVAIMinterInterestIndex(address)", 2, of=[BORROWER])
    deployed.refresh()
    assert deployed.book.get(("vai_loan", BORROWER)) == VaiLoan(100, 1, 2)
    assert deployed.book.get(("vai_unread",)) == ()
    deployed.chain.says(VAI_CONTROLLER, "vaiMintIndex()", WAD + 1)
    deployed.refresh()
    assert deployed.book.get(("vai",)) == VaiIndex(WAD + 1, 3, BLOCK)


def test_refresh__history_missing__names_start_block() -> None:
    deployed = Deployed()
    deployed.book.put(("listed", 0), 0)
    with pytest.raises(ConfigError, match="start_block must not be later"):
        deployed.refresh()


def test_refresh__market_nobody_listed__puts_the_book_in_doubt_until_it_is_gone() -> None:
    deployed = Deployed()
    deployed.chain.lists(COMPTROLLER, "getAllMarkets()", [deployed.vtoken, address(0xA0FF)])
    deployed.refresh()
    assert "do not list" in (deployed.world.market.doubt or "")
    deployed.chain.lists(COMPTROLLER, "getAllMarkets()", [deployed.vtoken])
    deployed.refresh()
    assert deployed.world.market.doubt is None


def test_learn__market_met_at_the_head__takes_over_what_it_stores() -> None:
    deployed, vtoken = Deployed(), address(0xA0FF)
    number = meet(deployed.book, vtoken)
    state = State(1, 2, 3, 4, WAD + 5, 6, BLOCK - 7, 0)
    deployed.chain.stores(vtoken, state, Limits(1, 2, 3))
    deployed.chain.converse(learn(deployed.book, settle=True))
    assert state_of(deployed.book, number) == state
    assert deployed.book.get(("limits", 0, number)) == Limits(1, 2, 3)


def _account_says(deployed: Deployed, tokens: int, borrowed: int, entered: bool, liquidity: int) -> None:
    chain, vtoken = deployed.chain, deployed.vtoken
    chain.says(COMPTROLLER, "getAccountLiquidity(address)", 0, liquidity, 0, of=[BORROWER])
    chain.lists(COMPTROLLER, "getAssetsIn(address)", [vtoken] if entered else [], of=[BORROWER])
    chain.says(COMPTROLLER, "userPoolId(address)", 0, of=[BORROWER])
    chain.says(vtoken, "getAccountSnapshot(address)", 0, tokens, borrowed, WAD, of=[BORROWER])


def _whole(deployed: Deployed) -> None:
    """An account that owns all of the market, on both sides of the comparison."""
    supply = state_of(deployed.book, 0).supply
    deployed.world.supply(BORROWER, 0, supply)
    _account_says(deployed, supply, 0, True, 8 * supply // 10)


def test_audit__of_a_sound_book__finds_nothing() -> None:
    deployed = Deployed()
    _whole(deployed)
    assert deployed.audit() == []


def test_audit__each_kind_of_error__is_found_and_healed() -> None:
    deployed = Deployed()
    _whole(deployed)
    supply = state_of(deployed.book, 0).supply
    deployed.world.supply(BORROWER, 0, supply + 1, entered=False)
    deployed.book.set_group(BORROWER, 3)
    deployed.world.change(0, borrows=9)
    deployed.book.put(("close_factor",), 1)
    deployed.book.put(("limits", 0, 0), Limits())
    fields = {field for field, _, _ in deployed.audit()}
    assert fields == {
        "liquidity",
        "entered[0]",
        "pool",
        "tokens[0]",
        "borrows[0]",
        "sum_of_balances[0]",
        "close_factor[0]",
        "factor[0]",
        "threshold[0]",
        "incentive[0]",
    }
    market = deployed.world.market
    for subject in (BORROWER, market.assets()[0].address):
        deployed.chain.converse(market.heal(subject))
    assert deployed.audit() == []


def test_heal__loan__is_what_is_owed_now_at_the_index_of_now() -> None:
    deployed = Deployed()
    deployed.world.change(0, borrow_index=2 * WAD)
    deployed.world.borrow(BORROWER, 0, 50)
    deployed.agree()
    _account_says(deployed, 0, 99, True, 0)
    assert ("borrow[0]", 100, 99) in deployed.audit()
    deployed.world.change(0, borrow_index=1)  # wrong as well, and mended later
    deployed.chain.converse(deployed.world.market.heal(BORROWER))
    assert deployed.book.get(("loan", BORROWER, 0)) == Loan(99, 2 * WAD)
    assert deployed.book.quantity(BORROWER, 0, Side.DEBT) > 0


def test_heal__vai__is_read_again() -> None:
    deployed = Deployed()
    _whole(deployed)
    deployed.world.with_vai()
    deployed.book.put(("vai",), VaiIndex(WAD, 0, BLOCK))
    supply = state_of(deployed.book, 0).supply
    _account_says(deployed, supply, 0, True, 8 * supply // 10 - 70)
    deployed.chain.says(VAI_CONTROLLER, "getVAIRepayAmount(address)", 70, of=[BORROWER])
    deployed.chain.says(COMPTROLLER, "mintedVAIs(address)", 70, of=[BORROWER])
    deployed.chain.says(VAI_CONTROLLER, "pastVAIInterest(address)", 0, of=[BORROWER])
    deployed.chain.says(VAI_CONTROLLER, "getVAIMinterInterestIndex(address)", WAD, of=[BORROWER])
    assert {field for field, _, _ in deployed.audit()} == {"liquidity", "vai"}
    deployed.chain.converse(deployed.world.market.heal(BORROWER))
    assert deployed.audit() == []


def test_heal__node_that_says_nonsense__changes_nothing() -> None:
    deployed = Deployed()
    _whole(deployed)
    before: Mapping[object, object] = dict(deployed.book.records())
    deployed.chain.says(COMPTROLLER, "userPoolId(address)", 2**90, of=[BORROWER])
    deployed.chain.converse(deployed.world.market.heal(BORROWER))
    assert deployed.book.group(BORROWER) == 0
    assert dict(deployed.book.records()) == before


def test_frame__no_number_given__follows_the_pace_of_the_chain() -> None:
    deployed = Deployed()
    market = deployed.world.market
    assert market.frame(NOW).number == 0
    deployed.refresh()
    assert market.frame(NOW).number == BLOCK
    assert market.frame(NOW + 1).number == BLOCK + 1
    assert market.frame(NOW + 24).number == BLOCK + 2
    deployed.chain.converse(market.refresh(HEAD._replace(number=BLOCK + 10, timestamp=NOW + 30)))
    assert market.frame(NOW + 45).number == BLOCK + 11
    assert market.frame(NOW + 60).number == BLOCK + 20
