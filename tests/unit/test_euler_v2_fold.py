"""What logs say that no recorded run shows: rounded moves of debt, strangers, upgrades, time."""

import pytest
from eth_abi.abi import decode

from keeper.protocols.base import Dialect, Opportunity, Refusal, Settlement, Side
from keeper.protocols.euler_v2.opening import probe
from keeper.protocols.euler_v2.records import Scale, status
from keeper.types import RAY, ZERO_ADDRESS, Address
from tests.aave_v3_world import START, address, make_log
from tests.euler_v2_world import ALICE, BOB, CONNECTOR, FACTORY, World, drive, growth, token

LIQUIDATE = "Liquidate(address,address,address,uint256,uint256)"
STATUS = "VaultStatus(uint256,uint256,uint256,uint256,uint256,uint256,uint256)"


@pytest.fixture
def world() -> World:
    """Alice owes 1000 of vault 0 and has 2000 shares of vault 1, at an LTV of 50 %."""
    made = World()
    debt, collateral = made.create(0), made.create(1)
    made.set_ltv(debt, collateral, 5000)
    made.quote(0, Scale(10**18, 1))
    made.quote(1, Scale(10**18, 1))
    made.tell(debt, shares=10**6, cash=10**6)
    made.tell(collateral, shares=10**6, cash=10**6)
    made.supply(ALICE, collateral, 2000)
    made.borrow(ALICE, debt, 1000)
    return made


def vaults(world: World) -> tuple[Address, Address]:
    found: tuple[Address, Address] = world.book.get(("vaults",))
    return found


def opportunity(world: World) -> Opportunity:
    (found,) = world.market.opportunities(ALICE, world.market.frame(world.now))
    return found


def test_health__collateral_equals_liability__is_liquidatable(world: World) -> None:
    health = world.market.health(ALICE, world.market.frame(world.now))
    assert (health.collateral, health.debt, health.health_factor) == (1000 * 10**18,) * 2 + (10**18,)
    assert health.liquidatable
    assert opportunity(world).ranges == ((1, 1000),)


def test_health__one_share_more__is_healthy(world: World) -> None:
    world.emit(vaults(world)[1], "Transfer(address,address,uint256)", ZERO_ADDRESS, ALICE, data=(1,))
    frame = world.market.frame(world.now)
    assert not world.market.health(ALICE, frame).liquidatable
    debt, collateral = world.market.assets()
    nothing = world.market.settle(Opportunity(ALICE, debt, collateral, ()), 0, frame)
    assert nothing == Settlement(0, 0, 0)
    assert world.market.opportunities(ALICE, frame) == []


def test_opportunities__while_the_account_cools_off__there_are_none(world: World) -> None:
    world.emit(vaults(world)[0], "GovSetLiquidationCoolOffTime(uint16)", data=(30,))
    world.emit(CONNECTOR, "AccountStatusCheck(address,address)", ALICE, vaults(world)[0])
    market = world.market
    assert market.health(ALICE, market.frame(world.now)).liquidatable
    assert market.opportunities(ALICE, market.frame(world.now + 29)) == []
    assert market.opportunities(ALICE, market.frame(world.now + 30))


def test_opportunities__liquidations_switched_off__there_are_none(world: World) -> None:
    found = opportunity(world)
    world.emit(vaults(world)[0], "GovSetHookConfig(address,uint32)", ZERO_ADDRESS, data=(1 << 11,))
    frame = world.market.frame(world.now)
    assert world.market.opportunities(ALICE, frame) == []
    settled = world.market.settle(found, 1, frame)
    assert isinstance(settled, Refusal)
    assert settled.code == "E_OperationDisabled"


def test_opportunities__collateral_vault_short_of_cash__ranges_end_at_what_it_pays(world: World) -> None:
    world.tell(vaults(world)[1], shares=10**6, cash=600)
    market, frame = world.market, world.market.frame(world.now)
    ((first, last),) = opportunity(world).ranges
    paid = market.settle(opportunity(world), last, frame)
    refused = market.settle(opportunity(world), last + 1, frame)
    assert isinstance(paid, Settlement)
    assert paid.seize <= 600
    assert isinstance(refused, Refusal)
    assert refused.code == "E_InsufficientCash"
    assert isinstance(market.settle(opportunity(world), first, frame), Settlement)


def test_settle__more_than_there_is__is_refused(world: World) -> None:
    settled = world.market.settle(opportunity(world), 1001, world.market.frame(world.now))
    assert isinstance(settled, Refusal)
    assert settled.code == "E_ExcessiveRepayAmount"


def test_settle__all_collateral_taken__the_rest_is_written_off(world: World) -> None:
    world.quote(1, Scale(10**17, 1))
    found = opportunity(world)
    settled = world.market.settle(found, 2**256 - 1, world.market.frame(world.now))
    # 2000 shares are worth 200 at the largest discount of 15 %.
    assert settled == Settlement(170, 2000, 0, {token(0): 830})
    end = world.market.exhaust(ALICE, world.market.frame(world.now))
    assert (end.steps, end.repaid, end.bad_debt) == (1, {token(0): 170}, {token(0): 830})


def test_fold__pull_of_all_but_dust__moves_the_whole_debt(world: World) -> None:
    debt = vaults(world)[0]
    world.tell(debt, shares=10**6, cash=10**6, rate=growth(33))
    world.now += 1
    frame = world.market.frame(world.now)
    assert world.market.health(ALICE, frame).debt == 1001 * 10**18
    # 1000.33 are owed: pulling 1000 leaves less than one, which moves as well, and rounds to 1001.
    world.emit(debt, "Repay(address,uint256)", ALICE, data=(1001,))
    world.emit(debt, "Borrow(address,uint256)", BOB, data=(1000,))
    world.emit(debt, "PullDebt(address,address,uint256)", ALICE, BOB, data=(1000,))
    world.tell(debt, shares=10**6, cash=10**6)
    assert world.book.quantity(ALICE, 0, Side.DEBT) == 0
    assert world.book.quantity(BOB, 0, Side.DEBT) == (1000 << 31) * (RAY + growth(33)) // RAY
    assert world.market.doubt is None


def test_fold__pull_that_tells_no_borrow__is_understood(world: World) -> None:
    debt = vaults(world)[0]
    world.emit(debt, "Borrow(address,uint256)", BOB, data=(5,))
    world.emit(debt, "Repay(address,uint256)", ALICE, data=(1,))
    world.emit(debt, "PullDebt(address,address,uint256)", ALICE, BOB, data=(1,))
    assert world.book.quantity(BOB, 0, Side.DEBT) == 6 << 31
    assert world.book.quantity(ALICE, 0, Side.DEBT) == 999 << 31


def test_fold__liquidation_with_a_loss__moves_and_writes_off(world: World) -> None:
    debt, collateral = vaults(world)
    world.emit(debt, "Repay(address,uint256)", ALICE, data=(170,))
    world.emit(debt, "Borrow(address,uint256)", BOB, data=(170,))
    world.emit(collateral, "Transfer(address,address,uint256)", ALICE, BOB, data=(2000,))
    world.emit(debt, "Repay(address,uint256)", ALICE, data=(830,))
    world.emit(debt, "DebtSocialized(address,uint256)", ALICE, data=(830,))
    log = world.emit(debt, LIQUIDATE, BOB, ALICE, data=(collateral, 170, 2000))
    data = (10**6, 170, 0, 10**6, RAY, 0, world.now)
    world.emit(debt, STATUS, data=data)
    assert world.market.doubt is None
    assert world.book.quantity(ALICE, 0, Side.DEBT) == 0
    assert world.book.quantity(BOB, 0, Side.DEBT) == 170 << 31
    assert status(world.book, 0).borrows == 170 << 31
    assert world.market.bad_debt() == {token(0): 830}
    signature = "Withdraw(address,address,address,uint256,uint256)"
    redeemed = make_log(collateral, signature, (BOB, BOB, BOB), (1999, 2000))
    noise = make_log(debt, LIQUIDATE, (BOB, ALICE), (collateral, 0, 0))
    (event,) = world.market.liquidation_events([log, redeemed, noise])
    assert (event.account, event.liquidator, event.repaid, event.seized) == (ALICE, BOB, 170, 1999)
    assert (event.debt, event.collateral) == (token(0), token(1))


def test_fold__status_that_does_not_follow_from_the_logs__leaves_a_doubt(world: World) -> None:
    world.emit(vaults(world)[0], STATUS, data=(10**6, 1001, 0, 10**6, RAY, 0, world.now))
    assert "tells other debts" in (world.market.doubt or "")


def test_fold__collateral_enabled_before_anybody_recognised_it__counts_from_then(world: World) -> None:
    stranger = address(0x5742)
    world.emit(CONNECTOR, "CollateralStatus(address,address,bool)", ALICE, stranger, data=(1,))
    world.emit(CONNECTOR, "CollateralStatus(address,address,bool)", BOB, stranger, data=(1,))
    world.emit(CONNECTOR, "CollateralStatus(address,address,bool)", BOB, stranger, data=(0,))
    assert stranger not in world.book.get(("vaults",))
    world.set_ltv(vaults(world)[0], stranger, 9000)
    number = world.number(stranger)
    assert world.book.enabled(ALICE, number)
    assert not world.book.enabled(BOB, number)


def test_frame__ltv_ramp__makes_the_account_liquidatable_by_time_alone(world: World) -> None:
    debt, collateral = vaults(world)
    signature = "GovSetLTV(address,uint16,uint16,uint16,uint48,uint32)"
    world.emit(debt, signature, collateral, data=(4000, 4000, 6000, START + 1000, 1000))
    judged = [
        world.market.health(ALICE, world.market.frame(START + seconds)).liquidatable for seconds in (499, 501)
    ]
    assert judged == [False, True]


def test_frame__other_price__scales_quotes_of_token_and_shares(world: World) -> None:
    for number in (0, 1):
        world.book.put(("price", token(number)), 10**8)
    market = world.market
    dearer = market.health(ALICE, market.frame(world.now, {token(1): 2 * 10**8}))
    owed = market.health(ALICE, market.frame(world.now, {token(0): 3 * 10**8}))
    assert (dearer.collateral, dearer.debt) == (2000 * 10**18, 1000 * 10**18)
    assert (owed.collateral, owed.debt) == (1000 * 10**18, 3000 * 10**18)


def test_instruction__says_what_the_executor_needs(world: World) -> None:
    debt, collateral = vaults(world)
    found = opportunity(world)
    settled = world.market.settle(found, 1000, world.market.frame(world.now))
    assert isinstance(settled, Settlement)
    told = world.market.instruction(found, 1000, settled)
    assert (told.dialect, told.venue, told.self_funded) == (Dialect.EULER, debt, True)
    connector, vault, least = decode(["address", "address", "uint256"], told.data)
    assert (connector, vault) == (CONNECTOR, collateral)
    assert 998 <= least <= 1000
    assert world.market.venues() == {debt}
    assert world.market.flash_sources() == ()


@pytest.mark.parametrize(("answer", "trusted"), [(CONNECTOR, True), (BOB, False)])
def test_upgrade__implementation_of_another_connector__leaves_a_doubt(answer: Address, trusted: bool) -> None:
    world = World()
    code = address(0xC0DE)
    log = make_log(FACTORY, "SetImplementation(address)", [code])
    (asked,) = next(probe([code], CONNECTOR))
    drive(world.market.prepare([log]), {asked: int(answer, 16).to_bytes(32, "big")})
    world.market.fold(log, world.now)
    assert (world.market.doubt is None) == trusted


def test_discovered__vault_in_the_same_logs__is_followed_at_once() -> None:
    world = World()
    made = address(0xE100)
    log = make_log(FACTORY, "ProxyCreated(address,bool,address,bytes)", [made], (1, BOB, 96, 60, 0, 0))
    elsewhere = make_log(BOB, "ProxyCreated(address,bool,address,bytes)", [made], (1, BOB, 96, 60, 0, 0))
    assert world.market.discovered([log]) == {made}
    assert world.market.discovered([elsewhere]) == frozenset()


def test_screen__account_of_some_size__is_close_to_its_health(world: World) -> None:
    world.supply(BOB, vaults(world)[1], 3 * 10**17)
    world.borrow(BOB, vaults(world)[0], 10**17)
    row = world.book.row(BOB)
    assert row is not None
    frame = world.market.frame(world.now)
    assert world.market.screen(frame)[row] == pytest.approx(1.5, rel=1e-9)


def test_pairs__a_vault_that_is_owed_to__with_the_collaterals_it_recognises(world: World) -> None:
    assert world.market.pairs() == {(token(1), token(0))}
