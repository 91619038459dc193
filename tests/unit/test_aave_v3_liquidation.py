"""Liquidation rules one by one: what may be repaid, what it brings, and when the pool refuses."""

import pytest

from keeper.errors import Degraded
from keeper.protocols.base import Refusal, Settlement, Side
from keeper.types import MAX_UINT256, RAY, USD, WAD, Address
from tests.aave_v3_world import ALICE, CONFIGURATOR, POOL, World, feed_of

ETH = 10**18
M = 10**6


class Case:
    """Alice holds an 18-decimals collateral at $2,000 and owes a 6-decimals asset at $1."""

    def __init__(self, collateral: int, debt: int, *, price: int = 2_000, fee: int = 1_000) -> None:
        self.world = World()
        self.collateral = self.world.list(price=2_000 * USD, fee=fee)
        self.debt = self.world.list(decimals=6)
        self.world.supply(ALICE, self.collateral, collateral)
        self.world.borrow(ALICE, self.debt, debt)
        self.world.answer(feed_of(self.collateral), price * USD)

    def settle(self, repay: int, *, receive_a_token: bool = False) -> Settlement | Refusal:
        market = self.world.market
        opportunity = self.world.opportunity(ALICE, self.debt, self.collateral)
        frame = market.frame(self.world.now)
        return market.settle(opportunity, repay, frame, receive_a_token=receive_a_token)

    def refusal(self, repay: int = MAX_UINT256, *, receive_a_token: bool = False) -> str | None:
        settled = self.settle(repay, receive_a_token=receive_a_token)
        return settled.code if isinstance(settled, Refusal) else None

    def ranges(self) -> tuple[tuple[int, int], ...]:
        found = self.world.market.opportunities(ALICE, self.world.market.frame(self.world.now))
        return found[0].ranges if found else ()


def test_close_factor__large_position_barely_unhealthy__is_half() -> None:
    case = Case(10 * ETH, 15_500 * M, price=1_900)  # health factor 0.98
    assert case.ranges() == ((1, 7_750 * M),)
    settled = case.settle(MAX_UINT256)
    assert isinstance(settled, Settlement)
    assert settled.repay == 7_750 * M


def test_close_factor__deep_under_water__is_everything_but_dust() -> None:
    case = Case(10 * ETH, 15_500 * M, price=1_800)  # health factor 0.929
    assert case.ranges() == ((1, 14_500 * M), (15_500 * M, 15_500 * M))


def test_close_factor__position_under_two_thousand_dollars__is_everything() -> None:
    case = Case(ETH, 1_500 * M, price=1_850)
    assert case.ranges() == ((1, 500 * M), (1_500 * M, 1_500 * M))
    assert case.refusal(500 * M + 1) == "MustNotLeaveDust"


def test_seizure__with_bonus_and_fee__splits_the_bonus() -> None:
    settled = Case(ETH, 1_500 * M, price=1_800).settle(1_500 * M)
    gross = 1_500 * ETH // 1_800 * 10_500 // 10_000
    assert isinstance(settled, Settlement)
    assert abs(settled.seize + settled.protocol_fee - gross) <= 1
    assert abs(settled.protocol_fee - 1_500 * ETH // 1_800 // 200) <= 1
    assert settled.bad_debt == {}


def test_seizure__collateral_worth_less_than_debt__takes_all_and_books_bad_debt() -> None:
    case = Case(ETH, 1_500 * M, price=1_050)
    settled = case.settle(MAX_UINT256)
    assert settled == Settlement(
        1_000 * M, ETH - ETH // 21 // 10 - 1, ETH // 21 // 10 + 1, {case.debt: 500 * M}
    )
    # Asking for just that much would buy one wei less than all, and leave it: one more is capped.
    assert case.refusal(1_000 * M) == "MustNotLeaveDust"
    assert case.ranges()[-1] == (1_000 * M + 1, 1_000 * M + 1)


def test_bad_debt__other_debts_of_the_account__are_written_off_too() -> None:
    case = Case(ETH, 1_500 * M, price=1_050)
    other = case.world.list()
    case.world.borrow(ALICE, other, 7 * ETH)
    settled = case.settle(MAX_UINT256)
    assert isinstance(settled, Settlement)
    assert settled.bad_debt == {case.debt: 500 * M, other: 7 * ETH}


def test_bad_debt__other_collateral_remains__is_none() -> None:
    case = Case(ETH, 1_500 * M, price=1_050)
    other = case.world.list(price=USD)
    case.world.supply(ALICE, other, 10 * ETH)
    settled = case.settle(MAX_UINT256)
    assert isinstance(settled, Settlement)
    assert settled.bad_debt == {}


def test_bad_debt__inactive_reserve__is_left_alone() -> None:
    case = Case(ETH, 1_500 * M, price=1_050)
    other = case.world.list()
    case.world.borrow(ALICE, other, 7 * ETH)
    case.world.configure("ReserveActive(address,bool)", other, 0)
    settled = case.settle(MAX_UINT256)
    assert isinstance(settled, Settlement)
    assert settled.bad_debt == {case.debt: 500 * M}


def test_healthy_account__any_repayment__is_refused() -> None:
    case = Case(ETH, 1_500 * M)
    assert case.refusal() == "HealthFactorNotBelowThreshold"
    assert case.ranges() == ()


@pytest.mark.parametrize(
    ("event", "value", "code"),
    [
        ("ReserveActive(address,bool)", 0, "ReserveInactive"),
        ("ReservePaused(address,bool)", 1, "ReservePaused"),
    ],
)
@pytest.mark.parametrize("side", ["collateral", "debt"])
def test_reserve__switched_off__is_refused(event: str, value: int, code: str, side: str) -> None:
    case = Case(ETH, 1_500 * M, price=1_800)
    case.world.configure(event, getattr(case, side), value)
    assert case.refusal() == code
    assert case.ranges() == ()


def test_grace_period__until_it_ends__is_refused() -> None:
    case = Case(ETH, 1_500 * M, price=1_800)
    until = case.world.now + 10
    case.world.configure("LiquidationGracePeriodChanged(address,uint40)", case.debt, until)
    case.world.now = until
    assert case.refusal() == "LiquidationGraceSentinelCheckFailed"
    case.world.now = until + 1
    assert case.refusal() is None
    case.world.now = until
    case.world.configure("LiquidationGracePeriodDisabled(address)", case.debt)
    assert case.refusal() is None


@pytest.mark.parametrize(("price", "code"), [(1_850, "PriceOracleSentinelCheckFailed"), (1_750, None)])
def test_sentinel__closed__bars_only_shallow_liquidations(price: int, code: str | None) -> None:
    case = Case(ETH, 1_500 * M, price=price)
    case.world.book.put(("sentinel_allows",), 0)
    assert case.refusal() == code


def test_collateral__flag_off__cannot_be_taken() -> None:
    case = Case(ETH, 1_500 * M, price=1_800)
    case.world.emit(POOL, "ReserveUsedAsCollateralDisabled(address,address)", [case.collateral, ALICE])
    assert case.refusal() == "CollateralCannotBeLiquidated"


def test_debt__not_owed__cannot_be_repaid() -> None:
    case = Case(ETH, 1_500 * M, price=1_800)
    case.debt = case.world.list()
    assert case.refusal() == "SpecifiedCurrencyNotBorrowedByUser"


def test_liquidity__less_than_the_seizure__refuses_unless_a_tokens_are_taken() -> None:
    case = Case(ETH, 1_500 * M, price=1_800)
    case.world.book.put(("liquidity", 0), ETH // 100)
    assert case.refusal() == "InsufficientLiquidity"
    assert case.refusal(receive_a_token=True) is None
    ((first, last),) = case.ranges()
    assert (first, case.refusal(last), case.refusal(last + 1)) == (1, None, "InsufficientLiquidity")


def test_tiny_repayment__rounds_to_no_scaled_debt__is_refused() -> None:
    case = Case(ETH, 1_500 * M, price=1_800)
    case.world.accrue(case.debt, 2 * RAY, 3 * RAY)
    assert case.refusal(2) == "InvalidBurnAmount"
    assert case.ranges()[0][0] == 3


def test_price_missing__account_uses_the_asset__cannot_be_judged() -> None:
    case = Case(ETH, 1_500 * M)
    case.world.answer(feed_of(case.collateral), 0)
    market = case.world.market
    frame = market.frame(case.world.now)
    with pytest.raises(Degraded, match="no price"):
        market.health(ALICE, frame)
    with pytest.raises(Degraded, match="no price"):
        market.opportunities(ALICE, frame)
    screened = market.screen(frame)
    assert screened[0] != screened[0], "not a number: neither healthy nor unhealthy"


def test_prices_given__replace_the_oracles() -> None:
    case = Case(ETH, 1_500 * M)
    frame = case.world.market.frame(case.world.now, {case.collateral: 1_800 * USD})
    assert case.world.market.health(ALICE, frame).health_factor == 96 * WAD // 100


def _emode(world: World, asset: Address, category: int, *, ltvzero: bool = False) -> None:
    signature = "EModeCategoryAdded(uint8,uint256,uint256,uint256,address,string)"
    world.emit(CONFIGURATOR, signature, [category], [9_000, 9_300, 10_200, 0, 160, 0])
    member = "AssetCollateralInEModeChanged(address,uint8,bool)"
    world.emit(CONFIGURATOR, member, [asset], [category, 1])
    if ltvzero:
        world.emit(CONFIGURATOR, "AssetLtvzeroInEModeChanged(address,uint8,bool)", [asset], [category, 1])
    world.emit(POOL, "UserEModeSet(address,uint8)", [ALICE], [category])


def test_emode__member_collateral__uses_the_categorys_limits_and_bonus() -> None:
    case = Case(ETH, 1_500 * M, fee=0)
    _emode(case.world, case.collateral, 2)
    health = case.world.market.health(ALICE, case.world.market.frame(case.world.now))
    assert (health.details["liquidation_threshold"], health.details["ltv"]) == (9_300, 9_000)
    case.world.answer(feed_of(case.collateral), 1_600 * USD)
    settled = case.settle(1_500 * M)
    assert isinstance(settled, Settlement)
    assert settled.seize == 1_500 * ETH // 1_600 * 10_200 // 10_000


def test_emode__ltvzero_member__counts_for_health_but_not_for_borrowing() -> None:
    case = Case(ETH, 1_500 * M)
    _emode(case.world, case.collateral, 2, ltvzero=True)
    health = case.world.market.health(ALICE, case.world.market.frame(case.world.now))
    assert (health.details["liquidation_threshold"], health.details["ltv"]) == (9_300, 0)


def test_emode__asset_outside_of_the_category__uses_its_own_limits() -> None:
    case = Case(ETH, 1_500 * M)
    _emode(case.world, case.debt, 2)
    health = case.world.market.health(ALICE, case.world.market.frame(case.world.now))
    assert health.details["liquidation_threshold"] == 8_000


def test_emode__category_never_configured__has_no_members() -> None:
    case = Case(ETH, 1_500 * M)
    case.world.emit(POOL, "UserEModeSet(address,uint8)", [ALICE], [77])
    health = case.world.market.health(ALICE, case.world.market.frame(case.world.now))
    assert health.details["liquidation_threshold"] == 8_000


def test_exhaust__debt_exceeds_collateral__ends_with_bad_debt_and_nothing_left() -> None:
    case = Case(10 * ETH, 15_500 * M, price=1_050)
    end = case.world.market.exhaust(ALICE, case.world.market.frame(case.world.now))
    assert end.steps == 1
    assert end.repaid == {case.debt: 10_000 * M}
    assert end.bad_debt == {case.debt: 5_500 * M}


def test_exhaust__half_is_enough__stops_when_healthy() -> None:
    case = Case(10 * ETH, 15_500 * M, price=1_900)
    end = case.world.market.exhaust(ALICE, case.world.market.frame(case.world.now))
    assert (end.steps, end.repaid, end.bad_debt) == (1, {case.debt: 7_750 * M}, {})


def test_holdings__both_sides__are_in_tokens_with_interest_and_valued() -> None:
    case = Case(ETH, 1_500 * M)
    case.world.accrue(case.collateral, 2 * RAY, RAY)
    case.world.answer(feed_of(case.debt), 0)
    market = case.world.market
    held, owed = market.holdings(ALICE, market.frame(case.world.now))
    assert (held.side, held.amount, held.value, held.enabled) == (Side.COLLATERAL, 2 * ETH, 4_000 * USD, True)
    assert (owed.side, owed.amount, owed.value) == (Side.DEBT, 1_500 * M, None)


def test_settle__account_changed_since_the_last_question_at_the_frame__answers_for_what_it_is_now() -> None:
    case = Case(10 * ETH, 15_500 * M, price=1_900)
    market, frame = case.world.market, case.world.market.frame(case.world.now)
    opportunity = case.world.opportunity(ALICE, case.debt, case.collateral)
    before = market.settle(opportunity, MAX_UINT256, frame)
    assert market.settle(opportunity, MAX_UINT256, frame) == before
    case.world.borrow(ALICE, case.debt, 100 * M)
    after = market.settle(opportunity, MAX_UINT256, frame)
    assert isinstance(before, Settlement)
    assert isinstance(after, Settlement)
    assert (before.repay, after.repay) == (7_750 * M, 7_800 * M)
    later = market.frame(case.world.now, {case.collateral: 2_000 * USD})
    assert isinstance(market.settle(opportunity, MAX_UINT256, later), Refusal)
