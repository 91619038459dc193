"""What can be taken from a comet: absorb, the storefront, standing sales, and how it says no."""

from collections.abc import Callable

import pytest
from eth_abi.abi import decode

from keeper.protocols.base import Dialect, LiquidationEvent, Opportunity, Refusal, Settlement
from keeper.protocols.comet.absorb import absorb
from keeper.protocols.comet.frame import CometFrame
from keeper.protocols.comet.position import Position
from keeper.protocols.comet.records import ABSORB_PAUSED, BUY_PAUSED
from keeper.protocols.comet.reverts import revert_data
from keeper.types import MAX_UINT256, WAD, Address
from tests.comet_world import ALICE, BOB, CAROL, COMET, DAI, START, USDC, WBTC, WETH, World

FALLEN = 2_500 * 10**8
ABSORB_DEBT = "AbsorbDebt(address,address,uint256,uint256)"
BUY_COLLATERAL = "BuyCollateral(address,address,uint256,uint256)"


def underwater(target: int = 10**12) -> World:
    """Alice has 10 WETH and 0.1 WBTC and owes 28,500 USDC; WETH fell to 2,500 dollars."""
    world = World(target)
    world.supply(BOB, 10**11)
    world.deposit(ALICE, WETH, 10 * WAD)
    world.deposit(ALICE, WBTC, 10**7)
    world.borrow(ALICE, 28_500 * 10**6)
    world.prices({WETH: FALLEN})
    return world


def frame_of(world: World) -> CometFrame:
    return world.market.frame(world.now)


def pair(world: World, account: Address, collateral: Address) -> Opportunity:
    assets = {info.address: info for info in world.market.assets()}
    return Opportunity(account, assets[USDC], assets[collateral], ())


def refusal(world: World, account: Address, collateral: Address, repay: int = 1) -> str:
    settled = world.market.settle(pair(world, account, collateral), repay, frame_of(world))
    assert isinstance(settled, Refusal)
    return settled.code


def test_opportunities__account_under_water__one_a_collateral_and_no_more_than_its_own() -> None:
    world = underwater()
    world.stock(WETH, 3 * WAD)
    frame = frame_of(world)
    found = world.market.opportunities(ALICE, frame)
    assert [(each.debt.symbol, each.collateral.address) for each in found] == [("", WETH), ("", WBTC)]
    settled = world.market.settle(found[0], found[0].ranges[0][1], frame)
    assert isinstance(settled, Settlement)
    # 2.5 % below 25,000 dollars
    assert (settled.repay, settled.seize, settled.protocol_fee) == (24_375 * 10**6, 10 * WAD, 0)
    assert settled.bad_debt == {}


def test_settle__collateral_worth_less_than_the_debt__writes_the_rest_off() -> None:
    world = underwater()
    world.prices({WETH: 1_500 * 10**8})
    settled = world.market.settle(pair(world, ALICE, WETH), 10**6, frame_of(world))
    assert isinstance(settled, Settlement)
    credit = 15_000 * 95 // 100 + 6_000 * 93 // 100
    assert settled.bad_debt == {USDC: (28_500 - credit) * 10**6}


def test_settle__more_than_the_reserves_hold__is_refused_not_capped() -> None:
    world = underwater()
    (_, most) = world.market.opportunities(ALICE, frame_of(world))[0].ranges[0]
    assert refusal(world, ALICE, WETH, most + 1) == "InsufficientReserves"
    assert refusal(world, ALICE, DAI, 10**6) == "InsufficientReserves"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda world: world.book.put(("paused",), ABSORB_PAUSED), "Paused"),
        (lambda world: world.book.put(("paused",), BUY_PAUSED), "Paused"),
        (lambda world: world.prices({WETH: 3_500 * 10**8}), "NotLiquidatable"),
        (lambda world: world.prices({WETH: 0}), "BadPrice"),
        (lambda world: world.prices({USDC: 0}), "BadPrice"),
        (lambda world: world.book.put(("cash",), 2 * 10**12), "NotForSale"),
    ],
)
def test_settle__contract_says_no__with_its_reason_and_nothing_is_offered(
    change: Callable[[World], None], code: str
) -> None:
    world = underwater()
    change(world)
    assert refusal(world, ALICE, WETH) == code
    assert world.market.opportunities(ALICE, frame_of(world)) == []


def test_settle__reserves_fall_below_the_target_by_the_absorb_itself__sells() -> None:
    world = underwater()
    frame = frame_of(world)
    world.book.put(("cash",), world.book.get(("cash",)) + 10**12 - frame.reserves)
    frame = frame_of(world)
    assert frame.reserves == 10**12
    assert world.market.opportunities(COMET, frame) == []
    assert world.market.opportunities(ALICE, frame)


def test_revert_data__not_liquidatable__is_the_selector_of_the_error() -> None:
    assert revert_data(Refusal("NotLiquidatable", "")).hex() == "ddeb79ba"


def test_comet_itself__collateral_in_reserves__is_sold_without_an_absorb() -> None:
    world = underwater()
    world.stock(WBTC, 10**7)
    frame = frame_of(world)
    health = world.market.health(COMET, frame)
    assert (health.liquidatable, health.debt, health.collateral) == (True, 0, 6_000 * 10**8)
    assert world.market.screen(frame)[world.book.row(COMET)] == 0.0
    (holding,) = world.market.holdings(COMET, frame)
    assert (holding.asset.address, holding.amount, holding.value) == (WBTC, 10**7, 6_000 * 10**8)
    (found,) = world.market.opportunities(COMET, frame)
    settled = world.market.settle(found, found.ranges[0][1], frame)
    assert settled == Settlement(5_790 * 10**6, 10**7, 0, {})  # 3.5 % off
    assert world.market.exhaust(COMET, frame).repaid == {USDC: 5_790 * 10**6}


def test_comet_itself__dust_in_reserves__is_left_alone() -> None:
    world = underwater()
    world.stock(WBTC, 40)
    frame = frame_of(world)
    assert not world.market.health(COMET, frame).liquidatable
    assert world.market.screen(frame)[world.book.row(COMET)] == float("inf")


def test_absorb__surplus__becomes_the_accounts_supply_and_reserves_pay() -> None:
    world = underwater()
    world.prices({WETH: 2_600 * 10**8})
    frame = frame_of(world)
    before = frame.reserves
    found = absorb(Position.of(world.book, ALICE), frame)
    assert not isinstance(found, Refusal)
    assert found.principal == (26_000 * 95 // 100 + 6_000 * 93 // 100 - 28_500) * 10**6
    assert found.shortfall == 0
    assert found.after.reserves == before - found.paid_out


def test_health__index_not_accrued_yet__decides_by_what_absorb_will_accrue() -> None:
    world = underwater()
    weighted = 25_000 * 895 // 1000 + 6_000 * 77 // 100
    world.prices({WETH: FALLEN})
    world.borrow(CAROL, 1)
    owed = world.market.health(ALICE, frame_of(world)).details["borrow_balance"]
    assert owed > weighted * 10**6
    world = World()
    world.supply(BOB, 10**11)
    world.deposit(ALICE, WETH, 10 * WAD)
    world.borrow(ALICE, 26_849 * 10**6)
    frame = frame_of(world)
    later = world.market.frame(START + 86_400 * 30)
    assert not world.market.health(ALICE, frame).liquidatable
    assert world.market.health(ALICE, later).liquidatable
    assert later.stored == frame.stored


def test_health__no_debt__has_no_factor() -> None:
    world = World()
    world.deposit(ALICE, WETH, WAD)
    health = world.market.health(ALICE, frame_of(world))
    assert (health.debt, health.health_factor, health.liquidatable) == (0, MAX_UINT256, False)


def test_health__covered_before_a_dead_feed_is_reached__needs_no_answer_of_it() -> None:
    world = World()
    world.supply(BOB, 10**11)
    world.deposit(ALICE, WETH, 10 * WAD)
    world.deposit(ALICE, WBTC, 10**7)
    world.borrow(ALICE, 10**9)
    world.prices({WBTC: 0})
    assert not world.market.health(ALICE, frame_of(world)).liquidatable


def test_exhaust__account_under_water__everything_is_sold_and_the_rest_is_bad_debt() -> None:
    world = underwater()
    world.prices({WETH: 1_500 * 10**8})
    end = world.market.exhaust(ALICE, frame_of(world))
    assert end.steps == 1
    assert end.seized == {WETH: 10 * WAD, WBTC: 10**7}
    assert end.repaid == {USDC: (15_000 * 975 // 1000) * 10**6 + 5_790 * 10**6}
    assert end.bad_debt == {USDC: (28_500 - 14_250 - 5_580) * 10**6}


def test_exhaust__healthy_account__nothing_happens() -> None:
    world = World()
    world.deposit(ALICE, WETH, WAD)
    assert world.market.exhaust(ALICE, frame_of(world)).steps == 0


def test_bad_debt__reserves_below_zero__less_what_the_collateral_in_them_is_worth() -> None:
    world = underwater()
    frame = frame_of(world)
    world.book.put(("cash",), world.book.get(("cash",)) - frame.reserves - 10**9)
    assert world.market.bad_debt() == {USDC: 10**9}
    world.stock(WETH, WAD // 5)
    assert world.market.bad_debt() == {USDC: 5 * 10**8}
    world.stock(WETH, WAD)
    assert world.market.bad_debt() == {}


def test_instruction__account_and_comet__absorbs_one_or_nobody() -> None:
    world = underwater()
    settlement = Settlement(5, 7, 0)
    for account, absorbed in ((ALICE, (ALICE,)), (COMET, ())):
        instruction = world.market.instruction(pair(world, account, WETH), 5, settlement)
        assert (instruction.dialect, instruction.venue) == (Dialect.COMET, COMET)
        assert not instruction.self_funded
        assert decode(["address[]", "uint256", "uint256"], instruction.data) == (absorbed, 5, 7)


def test_liquidation_events__purchases__belong_to_who_was_absorbed_before_in_the_transaction() -> None:
    world = underwater()
    logs = [
        world.emit(ABSORB_DEBT, [CAROL, ALICE], [1, 1], tx=1),
        world.emit(BUY_COLLATERAL, [CAROL, WETH], [10, 20], tx=1),
        world.emit(BUY_COLLATERAL, [CAROL, WBTC], [11, 21], tx=1),
        world.emit(ABSORB_DEBT, [CAROL, BOB], [1, 1], tx=2),
        world.emit(BUY_COLLATERAL, [CAROL, WETH], [12, 22], tx=3),
    ]
    assert world.market.liquidation_events(logs) == [
        LiquidationEvent(ALICE, USDC, WETH, 10, 20, CAROL),
        LiquidationEvent(COMET, USDC, WBTC, 11, 21, CAROL),
        LiquidationEvent(COMET, USDC, WETH, 12, 22, CAROL),
    ]


def test_holdings__debt_and_collateral__with_interest_and_worth() -> None:
    world = underwater()
    debt, weth, wbtc = world.market.holdings(ALICE, frame_of(world))
    assert (debt.amount, debt.value) == (28_500 * 10**6, 28_500 * 10**8)
    assert (weth.amount, weth.value, weth.enabled) == (10 * WAD, 25_000 * 10**8, True)
    assert wbtc.value == 6_000 * 10**8


def test_fold__collateral_sent_away_that_never_came__casts_doubt() -> None:
    world = World()
    world.emit("WithdrawCollateral(address,address,address,uint256)", [ALICE, ALICE, WETH], [1])
    assert "more collateral left" in (world.market.doubt or "")


def test_fold__pauses_and_reserves__as_logs_say() -> None:
    world = underwater()
    cash = world.book.get(("cash",))
    world.emit("PauseAction(bool,bool,bool,bool,bool)", [], [0, 0, 0, 1, 1])
    world.emit("WithdrawReserves(address,uint256)", [BOB], [17])
    assert world.book.get(("paused",)) == ABSORB_PAUSED | BUY_PAUSED
    assert world.book.get(("cash",)) == cash - 17


def test_fold__collateral_moved__from_one_account_to_the_other() -> None:
    world = underwater()
    world.emit("TransferCollateral(address,address,address,uint256)", [ALICE, CAROL, WETH], [WAD])
    assert [holding.amount for holding in world.market.holdings(CAROL, frame_of(world))] == [WAD]
    assert Position.of(world.book, ALICE).held[1] == 9 * WAD
