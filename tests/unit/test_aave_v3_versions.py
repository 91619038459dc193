"""What a release does differently from the next: eMode, stable debt, close factor, dust, bad debt."""

import pytest

from keeper.protocols.aave_v3.math import compound_interest_v3_0, ray_mul
from keeper.protocols.base import Refusal, Settlement, Side
from keeper.types import MAX_UINT256, RAY, USD, WAD, ZERO_ADDRESS, Address
from tests.aave_v3_world import (
    ALICE,
    CONFIGURATOR,
    ORACLE,
    POOL,
    World,
    address,
    feed_of,
    make_log,
    stable_token_of,
)

ETH = 10**18
M = 10**6
CATEGORY = "EModeCategoryAdded(uint8,uint256,uint256,uint256,address,string)"
STABLE_BURN = "Burn(address,uint256,uint256,uint256,uint256,uint256)"


class Case:
    """Alice holds an 18-decimals collateral at `price` dollars and owes a 6-decimals asset at $1."""

    def __init__(self, revision: int, collateral: int, debt: int, *, price: int) -> None:
        self.world = World(revision)
        self.market = self.world.market
        self.collateral = self.world.list(price=price * USD)
        self.debt = self.world.list(decimals=6)
        self.world.supply(ALICE, self.collateral, collateral)
        if debt:
            self.world.borrow(ALICE, self.debt, debt)

    def settle(self, repay: int = MAX_UINT256, *, liquidator: Address | None = None) -> Settlement | Refusal:
        opportunity = self.world.opportunity(ALICE, self.debt, self.collateral)
        frame = self.market.frame(self.world.now)
        return self.market.settle(opportunity, repay, frame, liquidator=liquidator)

    def settled(self, repay: int = MAX_UINT256) -> Settlement:
        result = self.settle(repay)
        assert isinstance(result, Settlement), result
        return result

    def health_factor(self) -> int:
        return self.market.health(ALICE, self.market.frame(self.world.now)).health_factor


@pytest.mark.parametrize("revision", [1, 4, 6])
def test_close_factor__up_to_v3_2__is_half_of_the_reserves_debt_however_small(revision: int) -> None:
    case = Case(revision, ETH, 1_500 * M, price=1_850)
    assert case.settled().repay == 750 * M
    deep = Case(revision, ETH, 1_500 * M, price=1_700)
    assert deep.settled().repay == 1_500 * M


@pytest.mark.parametrize(("revision", "refused"), [(6, False), (7, True)])
def test_dust__since_v3_3__may_not_be_left(revision: int, refused: bool) -> None:
    case = Case(revision, ETH, 1_500 * M, price=1_700)
    assert isinstance(case.settle(1_000 * M), Refusal) is refused


@pytest.mark.parametrize(("revision", "bad_debt"), [(6, 0), (7, 500 * M), (11, 500 * M)])
def test_bad_debt__since_v3_3__is_written_off(revision: int, bad_debt: int) -> None:
    case = Case(revision, ETH, 1_500 * M, price=1_050)
    assert case.settled().bad_debt.get(case.debt, 0) == bad_debt


@pytest.mark.parametrize(("revision", "refused"), [(7, False), (8, True)])
def test_self_liquidation__since_v3_4__is_refused(revision: int, refused: bool) -> None:
    case = Case(revision, ETH, 1_500 * M, price=1_700)
    assert isinstance(case.settle(liquidator=ALICE), Refusal) is refused


@pytest.mark.parametrize(("revision", "refused"), [(10, True), (11, False)])
def test_sentinel__since_v3_7__has_no_say(revision: int, refused: bool) -> None:
    case = Case(revision, ETH, 1_500 * M, price=1_850)
    case.world.book.put(("sentinel_allows",), 0)
    assert isinstance(case.settle(), Refusal) is refused


@pytest.mark.parametrize(("revision", "counts"), [(1, False), (9, False), (10, True), (11, True)])
def test_collateral__with_a_threshold_of_its_own_of_zero__counts_since_v3_6(
    revision: int, counts: bool
) -> None:
    case = Case(revision, ETH, 1_000 * M, price=2_000)
    other = case.world.list(threshold=0, ltv=0)
    case.world.supply(ALICE, other, 5 * ETH)
    health = case.market.health(ALICE, case.market.frame(case.world.now))
    assert health.collateral == (2_005 if counts else 2_000) * USD


def test_average_threshold__up_to_v3_4__is_cut_to_whole_basis_points() -> None:
    factors = {}
    for revision in (8, 9):
        case = Case(revision, ETH, 1_000 * M, price=2_000)
        case.world.supply(ALICE, case.world.list(threshold=8_001), ETH)
        factors[revision] = case.health_factor()
    assert factors[8] == 2_001 * 8_000 * WAD // 10_000 // 1_000
    assert factors[9] == (2_000 * 8_000 + 8_001) * WAD // 10_000 // 1_000


def _enter(case: Case, *, source: Address = ZERO_ADDRESS) -> None:
    """Alice enters a category with a threshold of 93 %, to which both assets belong."""
    world = case.world
    world.emit(CONFIGURATOR, CATEGORY, [2], [9_000, 9_300, 10_200, source, 160, 0])
    for asset in (case.collateral, case.debt):
        world.configure("EModeAssetCategoryChanged(address,uint8,uint8)", asset, 0, 2)
    world.emit(POOL, "UserEModeSet(address,uint8)", [ALICE], [2])


def test_emode__v3_0__a_reserve_names_its_category() -> None:
    case = Case(1, ETH, 1_600 * M, price=2_000)
    assert case.health_factor() == 2_000 * 8_000 * WAD // 10_000 // 1_600
    _enter(case)
    assert case.health_factor() == 2_000 * 9_300 * WAD // 10_000 // 1_600


def test_emode__v3_2__what_a_reserve_named_before_counts_no_more() -> None:
    case = Case(6, ETH, 1_600 * M, price=2_000)
    _enter(case)
    assert case.health_factor() == 2_000 * 8_000 * WAD // 10_000 // 1_600
    member = "AssetCollateralInEModeChanged(address,uint8,bool)"
    case.world.emit(CONFIGURATOR, member, [case.collateral], [2, 1])
    assert case.health_factor() == 2_000 * 9_300 * WAD // 10_000 // 1_600


def test_emode__v3_0_with_a_price_of_its_own__values_and_liquidates_members_by_it() -> None:
    case = Case(1, 1_000 * ETH, 1_500 * M, price=2_000)
    source, feed = address(0x50C), address(0xFEED)
    case.world.emit(ORACLE, "AssetSourceUpdated(address,address)", [source, feed])
    case.world.answer(feed, 3 * USD // 2)
    _enter(case, source=source)
    frame = case.market.frame(case.world.now)
    health = case.market.health(ALICE, frame)
    assert (health.collateral, health.debt) == (1_500 * USD, 2_250 * USD)
    assert case.market.screen(frame)[0] < health.health_factor / WAD
    # Both sides at the same price: tokens for tokens, plus 2 %, of which the pool keeps a tenth.
    settled = case.settled(100 * M)
    assert settled.seize + settled.protocol_fee == 102 * ETH
    case.world.emit(POOL, "UserEModeSet(address,uint8)", [ALICE], [0])
    assert not case.market.health(ALICE, case.market.frame(case.world.now)).liquidatable


def test_emode__v3_7_isolated__lends_nothing_on_assets_outside() -> None:
    case = Case(11, ETH, 1_500 * M, price=2_000)
    case.world.emit(CONFIGURATOR, CATEGORY, [2], [9_000, 9_300, 10_200, 0, 160, 0])
    case.world.emit(CONFIGURATOR, "EModeCategoryIsolationChanged(uint8,bool)", [2], [1])
    case.world.emit(POOL, "UserEModeSet(address,uint8)", [ALICE], [2])
    health = case.market.health(ALICE, case.market.frame(case.world.now))
    assert (health.details["ltv"], health.details["liquidation_threshold"]) == (0, 8_000)


class TestStableDebt:
    """v3.0 and v3.1: a principal that grows at the borrower's own rate."""

    def case(self, stable: int, variable: int = 0, *, price: int = 2_000, rate: int = 0) -> Case:
        case = Case(1, ETH, variable, price=price)
        case.world.borrow_at_stable_rate(ALICE, case.debt, stable, rate=rate)
        return case

    def test_stable_debt__with_interest__counts_beside_the_variable(self) -> None:
        rate = RAY // 10
        case = self.case(500 * M, 1_000 * M, rate=rate)
        case.world.now += 86_400
        grown = ray_mul(500 * M, compound_interest_v3_0(rate, 86_400))
        health = case.market.health(ALICE, case.market.frame(case.world.now))
        assert grown > 500 * M
        assert health.debt == (1_000 * M + grown) * USD // M
        amounts = [
            (holding.side, holding.amount)
            for holding in case.market.holdings(ALICE, case.market.frame(case.world.now))
        ]
        assert amounts == [(Side.COLLATERAL, ETH), (Side.DEBT, 1_000 * M), (Side.DEBT, grown)]

    def test_stable_debt__repaid_in_part_and_whole__shrinks_and_goes(self) -> None:
        case = self.case(500 * M)
        burn = make_log(stable_token_of(case.debt), STABLE_BURN, [ALICE], [200 * M, 500 * M, 0, 0, 0])
        case.market.fold(burn, case.world.now)
        frame = case.market.frame(case.world.now)
        assert case.market.stable_debt(ALICE, frame) == {1: 300 * M}
        burn = make_log(stable_token_of(case.debt), STABLE_BURN, [ALICE], [300 * M, 300 * M, 0, 0, 0])
        case.market.fold(burn, case.world.now)
        assert case.market.stable_debt(ALICE, frame) == {}
        assert case.health_factor() == MAX_UINT256

    def test_liquidation__both_kinds_owed__burns_the_variable_first(self) -> None:
        case = self.case(1_000 * M, 500 * M, price=1_700)
        assert case.settled().repay == 1_500 * M
        end = case.market.exhaust(ALICE, case.market.frame(case.world.now))
        assert (end.repaid, end.bad_debt) == ({case.debt: 1_500 * M}, {})

    def test_liquidation__only_stable_debt__is_possible(self) -> None:
        case = self.case(1_500 * M, price=1_850)
        assert case.settled().repay == 750 * M
        (found,) = case.market.opportunities(ALICE, case.market.frame(case.world.now))
        assert found.ranges == ((1, 750 * M),)

    def test_exhaustion__collateral_gone__leaves_the_rest_as_bad_debt(self) -> None:
        case = self.case(1_000 * M, 500 * M, price=1_050)
        end = case.market.exhaust(ALICE, case.market.frame(case.world.now))
        assert end.bad_debt == {case.debt: 1_500 * M - end.repaid[case.debt]}
        assert end.repaid == {case.debt: 1_000 * M}

    def test_screen__only_stable_debt__finds_the_account(self) -> None:
        case = self.case(1_700 * M)
        assert case.market.screen(case.market.frame(case.world.now))[0] < 1

    def test_price_of_the_feed__changes__moves_the_health_of_stable_borrowers(self) -> None:
        case = self.case(1_500 * M)
        before = case.health_factor()
        case.world.answer(feed_of(case.collateral), 1_000 * USD)
        assert case.health_factor() == before // 2
