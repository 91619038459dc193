"""What is asked of the chain, and what becomes of the answers."""

import pytest

from keeper.errors import ConfigError
from keeper.protocols.base import Side
from keeper.protocols.decode import topic
from keeper.protocols.venus.curve import Curve, Kind
from keeper.protocols.venus.facts import learn
from keeper.protocols.venus.records import (
    Limits,
    Loan,
    Split,
    State,
    VaiIndex,
    VaiLoan,
    meet,
    state_of,
    vtokens,
)
from keeper.types import WAD
from tests.venus_chain import HEAD, venus_chain
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
    before = dict(deployed.book.records())
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
