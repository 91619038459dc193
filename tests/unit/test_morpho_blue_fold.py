"""What each of Morpho's logs makes of the book."""

import pytest

from keeper.protocols.base import Side
from keeper.protocols.morpho_blue.records import Totals, account_key, supply_shares, totals
from keeper.types import WAD, ZERO_ADDRESS
from tests.aave_v3_world import Value, address, make_log
from tests.morpho_world import (
    ACCRUE,
    ALICE,
    BOB,
    COLLATERAL,
    CURVE,
    KEEPER,
    LOAN,
    MORPHO,
    RECIPIENT,
    REPAY,
    WITHDRAW_COLLATERAL,
    World,
)

LIQUIDATE = "Liquidate(bytes32,address,address,uint256,uint256,uint256,uint256,uint256)"


@pytest.fixture
def world() -> World:
    return World()


def borrower(world: World) -> str:
    """A market where Bob supplies 1000 and Alice owes 600 against 900; its id."""
    market_id = world.create()
    world.supply(market_id, 1000, 1000 * 10**6)
    world.pledge(market_id, ALICE, 900)
    world.borrow(market_id, ALICE, 600, 600 * 10**6)
    return market_id


def debt(world: World, market_id: str) -> int:
    return world.book.quantity(account_key(ALICE, market_id), 0, Side.DEBT)


def test_fold__operations__move_totals_and_positions(world: World) -> None:
    market_id = borrower(world)
    world.emit(MORPHO, REPAY, [market_id, KEEPER, ALICE], [100, 100 * 10**6])
    world.emit(MORPHO, WITHDRAW_COLLATERAL, [market_id, ALICE, KEEPER], [ALICE, 50])
    withdraw = "Withdraw(bytes32,address,address,address,uint256,uint256)"
    world.emit(MORPHO, withdraw, [market_id, BOB, KEEPER], [KEEPER, 10, 10 * 10**6])

    assert totals(world.book, 0) == Totals(990, 990 * 10**6, 500, 500 * 10**6, world.now, 0)
    assert debt(world, market_id) == 500 * 10**6
    assert world.book.quantity(account_key(ALICE, market_id), 1, Side.COLLATERAL) == 850
    assert supply_shares(world.book, account_key(BOB, market_id)) == 990 * 10**6
    assert world.market.doubt is None


def test_fold__interest_with_fee__shares_go_to_who_receives_them_then(world: World) -> None:
    market_id = borrower(world)
    key = account_key(RECIPIENT, market_id)
    world.emit(MORPHO, "SetFee(bytes32,uint256)", [market_id], [WAD // 10])
    world.emit(MORPHO, "SetFeeRecipient(address)", [RECIPIENT])
    world.now += 1
    world.emit(MORPHO, ACCRUE, [market_id], [WAD // 6, 108, 9_826_005])
    world.emit(MORPHO, "SetFeeRecipient(address)", [KEEPER])

    assert totals(world.book, 0).borrow_assets == 708
    assert totals(world.book, 0).supply_assets == 1108
    assert totals(world.book, 0).updated == world.now
    assert supply_shares(world.book, key) == 9_826_005
    assert supply_shares(world.book, account_key(KEEPER, market_id)) == 0


def test_fold__interest_on_other_totals__is_a_gap_until_audited(world: World) -> None:
    market_id = borrower(world)
    world.now += 1
    world.emit(MORPHO, ACCRUE, [market_id], [WAD // 6, 109, 0])
    assert world.market.gaps() == 1
    assert "other totals" in (world.market.doubt or "")
    world.market.close_gaps()
    assert world.market.doubt is None


def test_fold__repayment_rounded_up__leaves_no_negative_total(world: World) -> None:
    market_id = borrower(world)
    world.emit(MORPHO, REPAY, [market_id, ALICE, ALICE], [601, 600 * 10**6])
    assert totals(world.book, 0).borrow_assets == 0
    assert debt(world, market_id) == 0
    assert world.market.doubt is None


def test_fold__liquidation_with_bad_debt__suppliers_lose_it(world: World) -> None:
    market_id = borrower(world)
    data = [400, 400 * 10**6, 900, 200, 200 * 10**6]
    world.emit(MORPHO, LIQUIDATE, [market_id, KEEPER, ALICE], data)
    assert totals(world.book, 0) == Totals(800, 1000 * 10**6, 0, 0, world.now, 0)
    assert world.book.legs(account_key(ALICE, market_id)) == []
    assert world.market.bad_debt() == {LOAN: 200}


def test_fold__more_given_up_than_held__is_a_gap(world: World) -> None:
    market_id = borrower(world)
    world.emit(MORPHO, WITHDRAW_COLLATERAL, [market_id, ALICE, ALICE], [ALICE, 901])
    assert world.market.gaps() == 1


def test_fold__log_of_a_market_nobody_created__is_doubt(world: World) -> None:
    world.supply("0x" + "77" * 32, 1, 1)
    assert "start_block" in (world.market.doubt or "")


def test_fold__market_without_rate_model__time_moves_with_each_operation(world: World) -> None:
    market_id = borrower(world)
    world.now += 100
    world.pledge(market_id, ALICE, 1)
    assert totals(world.book, 0).updated == world.now - 100, "SupplyCollateral does not accrue"
    world.emit(MORPHO, WITHDRAW_COLLATERAL, [market_id, ALICE, ALICE], [ALICE, 1])
    assert totals(world.book, 0).updated == world.now


def test_fold__rate_model__only_its_own_markets_listen(world: World) -> None:
    world.create(irm=CURVE)
    update = "BorrowRateUpdate(bytes32,uint256,uint256)"
    market_id = world.book.get(("market", 0)).id
    world.emit(CURVE, update, [market_id], [1, 77])
    assert world.book.get(("rate_at_target", 0)) == 77
    world.emit(MORPHO, "EnableIrm(address)", [address(0xBAD)])
    world.emit(address(0xBAD), update, [market_id], [1, 99])
    assert world.book.get(("rate_at_target", 0)) == 77


def test_discovered__enabled_models_and_new_markets__name_the_model(world: World) -> None:
    enabled = make_log(MORPHO, "EnableIrm(address)", [CURVE])
    foreign = make_log(KEEPER, "EnableIrm(address)", [address(0xBAD)])
    none = make_log(MORPHO, "EnableIrm(address)", [ZERO_ADDRESS])
    words: list[Value] = [LOAN, COLLATERAL, KEEPER, address(0xF00), WAD // 2]
    created = make_log(
        MORPHO, "CreateMarket(bytes32,(address,address,address,address,uint256))", ["0x" + "11" * 32], words
    )
    assert world.market.discovered([enabled, foreign, none, created]) == {CURVE, address(0xF00)}
    world.emit(MORPHO, "EnableIrm(address)", [CURVE])
    assert CURVE in world.market.addresses()
    assert world.market.discovered([enabled]) == frozenset()


def test_fold__same_token_on_both_sides__legs_stay_apart(world: World) -> None:
    market_id = world.create(collateral=LOAN)
    world.supply(market_id, 10, 10)
    world.pledge(market_id, ALICE, 7)
    world.borrow(market_id, ALICE, 5, 5)
    legs = world.book.legs(account_key(ALICE, market_id))
    assert legs == [(0, Side.COLLATERAL, 7, True), (0, Side.DEBT, 5, True)]


def test_fold__fork_undone__account_finds_its_market_again(world: World) -> None:
    world.create()
    second = world.create(lltv=WAD // 2)
    world.book.journal.open_block(None)  # type: ignore[arg-type]
    world.pledge(second, ALICE, 7)
    world.book.journal.undo_last()
    world.pledge(second, ALICE, 7)
    assert world.book.group(account_key(ALICE, second)) == 1
