"""What single logs of spoke and hub do to the book, and what a liquidation is in the market's terms."""

from eth_abi.abi import decode

from keeper.index.snapshot import decode as decode_book
from keeper.index.snapshot import encode as encode_book
from keeper.protocols.aave_v4.fold_users import LIQUIDATION_CALL
from keeper.protocols.aave_v4.liquidation import Outcome, liquidate
from keeper.protocols.aave_v4.market import AaveV4Market
from keeper.protocols.aave_v4.pair import examine
from keeper.protocols.aave_v4.position import Position
from keeper.protocols.aave_v4.ranges import EVERYTHING
from keeper.protocols.aave_v4.records import RECORD_TYPES, Asset, Line, terms_of
from keeper.protocols.base import Dialect, Refusal, Settlement, Side
from keeper.types import RAY, USD, Address, Log
from tests.aave_v3_world import make_log
from tests.aave_v4_world import ALICE, BOB, DELTA, HUBS, LIQUIDATOR, OTHER_SPOKE, SPOKE, World

LIQUIDATION = (
    f"LiquidationCall(uint256,uint256,address,address,bool,uint256,uint256,{DELTA},uint256,uint256,uint256)"
)


def key(world: World, number: int) -> int:
    return terms_of(world.book, ALICE, number).key


def test_keys__new_configuration__holds_only_for_who_refreshes() -> None:
    world = World()
    first, second = world.list(), world.list(HUBS[1])
    for number in (first, second):
        world.supply(ALICE, number, 1)
        world.use(ALICE, number)
        world.add_config(number, 1, 7_000, 10_500, 0)
    assert (key(world, first), key(world, second)) == (0, 0)
    world.refresh(ALICE)
    assert (key(world, first), key(world, second)) == (1, 1)


def test_keys__reserve_disabled__keeps_its_key_though_all_are_refreshed_first() -> None:
    world = World()
    kept, left = world.list(), world.list()
    for number in (kept, left):
        world.use(ALICE, number)
        world.add_config(number, 1, 7_000, 10_500, 0)
    world.use(ALICE, left, enabled=False)
    assert (key(world, kept), key(world, left)) == (1, 0)
    assert not world.book.enabled(ALICE, left)
    world.add_config(left, 2, 7_000, 10_500, 0)
    world.use(ALICE, left)
    assert key(world, left) == 2


def test_keys__configuration_edited_in_place__changes_health_at_once() -> None:
    world = World()
    backing, owed = world.list(), world.list()
    world.supply(ALICE, backing, 10**18)
    world.use(ALICE, backing)
    world.borrow(ALICE, owed, 10**17)
    before = world.market.health(ALICE, world.market.frame(world.now)).health_factor
    name = "UpdateDynamicReserveConfig(uint256,uint32,(uint16,uint32,uint16))"
    world.spoke(name, [backing, 0], 4_000, 10_500, 0)
    assert world.market.health(ALICE, world.market.frame(world.now)).health_factor * 2 == before


def asset(world: World, hub: Address = HUBS[0], asset_id: int = 0) -> Asset:
    found: Asset = world.book.get(("asset", hub, asset_id))
    return found


def line(world: World, hub: Address = HUBS[0], asset_id: int = 0) -> Line:
    found: Line = world.book.get(("line", hub, asset_id))
    return found


def test_hub__another_spokes_business__moves_the_asset_but_not_our_part() -> None:
    world = World()
    world.list()
    world.list(HUBS[1])
    before = line(world)
    world.fund(0, 100, 200)
    world.hub(HUBS[0], "Draw(uint256,address,uint256,uint256)", [0, OTHER_SPOKE], 30, 40)
    world.hub(
        HUBS[0],
        f"Restore(uint256,address,uint256,{DELTA},uint256,uint256)",
        [0, OTHER_SPOKE],
        *(10, -5, -7, 2 * RAY, 13, 2),
    )
    found = asset(world)
    assert (found.added_shares, found.liquidity, found.drawn_shares) == (100, 200 - 40 + 15, 20)
    assert (found.premium_shares, found.premium_offset) == (-5, -7)
    assert line(world) == before
    assert asset(world, HUBS[1]).liquidity == 0


def test_hub__every_other_event__is_folded() -> None:
    world = World()
    world.list()
    hub = HUBS[0]
    world.supply(ALICE, 0, 1_000)
    world.hub(hub, "Sweep(uint256,address,uint256)", [0, BOB], 300)
    world.hub(hub, "Reclaim(uint256,address,uint256)", [0, BOB], 100)
    world.hub(hub, "MintFeeShares(uint256,address,uint256,uint256)", [0, BOB], 7, 7)
    world.hub(
        hub, f"ReportDeficit(uint256,address,uint256,{DELTA},uint256)", [0, SPOKE], *(5, 0, 0, 0, 9 * RAY)
    )
    world.hub(
        hub, "EliminateDeficit(uint256,address,address,uint256,uint256)", [0, OTHER_SPOKE, SPOKE], 2, 4 * RAY
    )
    world.hub(hub, "TransferShares(uint256,address,address,uint256)", [0, SPOKE, BOB], 11)
    world.hub(hub, "Remove(uint256,address,uint256,uint256)", [0, SPOKE], 10, 20)
    found, ours = asset(world), line(world)
    assert (found.liquidity, found.swept, found.added_shares) == (1_000 - 200 - 20, 200, 1_000 + 7 - 2 - 10)
    assert (found.deficit, found.drawn_shares) == (5 * RAY, -5)
    assert (ours.added_shares, ours.deficit) == (1_000 - 11 - 10, 5 * RAY)
    (info,) = world.market.assets()
    assert world.market.bad_debt() == {info.address: 5}


def test_supply__more_withdrawn_than_the_logs_gave__is_a_gap_until_the_audit_closes_it() -> None:
    world = World()
    world.list()
    world.spoke("Withdraw(uint256,address,address,uint256,uint256)", [0, ALICE, ALICE], 5, 5)
    assert world.market.gaps() == 1
    assert "gave up more of reserve 0" in (world.market.doubt or "")
    world.market.close_gaps()
    assert world.market.doubt is None


def underwater(shares: int = 5 * 10**18) -> World:
    """Alice owes 10,000 dollars at one hub against `shares` at another, each worth 2,200 dollars a whole."""
    world = World()
    owed, backing = world.list(HUBS[0], decimals=6), world.list(HUBS[1], price=2_000 * USD)
    for number in (owed, backing):
        world.fund(number, 10**24, 11 * 10**23)
    world.borrow(ALICE, owed, 10**10, amount=10**10)
    world.supply(ALICE, backing, shares)
    world.use(ALICE, backing)
    return world


def test_settle__whole_collateral__writes_the_rest_off_and_says_so() -> None:
    world = underwater(4 * 10**18)
    frame = world.market.frame(world.now)
    (opportunity,) = world.market.opportunities(ALICE, frame)
    settled = world.market.settle(opportunity, EVERYTHING, frame)
    assert isinstance(settled, Settlement)
    assert settled.bad_debt == {opportunity.debt.address: 10**10 - settled.repay}
    assert opportunity.ranges[-1][1] >= settled.repay
    pair = examine(Position.of(world.book, ALICE), 0, 1, frame)
    assert not isinstance(pair, Refusal)
    worth = settled.repay * 10**12 * pair.bonus // 10_000 // 2_000
    assert abs(settled.seize + settled.protocol_fee - worth) < 10**12
    exhausted = world.market.exhaust(ALICE, frame)
    assert exhausted.steps == 1
    assert exhausted.bad_debt == settled.bad_debt


def test_instruction__reserves__stand_collateral_first() -> None:
    world = underwater()
    frame = world.market.frame(world.now)
    (opportunity,) = world.market.opportunities(ALICE, frame)
    settled = world.market.settle(opportunity, EVERYTHING, frame)
    assert isinstance(settled, Settlement)
    found = world.market.instruction(opportunity, settled.repay, settled)
    assert (found.dialect, found.venue, found.self_funded) == (Dialect.AAVE_V4, SPOKE, False)
    assert decode(["uint256", "uint256"], found.data) == (1, 0)


def test_settle__conditions_of_the_spoke_and_hubs__refuse_by_the_contracts_names() -> None:
    world = underwater()

    def refusal() -> str:
        pair = examine(Position.of(world.book, ALICE), 0, 1, world.market.frame(world.now))
        outcome = pair if isinstance(pair, Refusal) else liquidate(pair, EVERYTHING)
        assert isinstance(outcome, Refusal)
        return outcome.code

    world.limit(1, halted=True)
    assert refusal() == "SpokeHalted"
    world.limit(1, active=False)
    assert refusal() == "SpokeNotActive"
    world.limit(1)
    world.hub(HUBS[1], "Sweep(uint256,address,uint256)", [0, BOB], asset(world, HUBS[1]).liquidity - 1)
    assert refusal() == "InsufficientLiquidity"
    world.configure(0, paused=True)
    assert refusal() == "ReservePaused"
    world.configure(0)
    world.use(ALICE, 1, enabled=False)
    assert refusal() == "ReserveNotEnabledAsCollateral"


def liquidation_logs(world: World, outcome: Outcome, *, receive_shares: bool = False) -> list[Log]:
    """What hub and spoke emit for `outcome`, the debt first as the hubs see it."""
    taken = outcome.taken
    paid = make_log(
        HUBS[1],
        "Remove(uint256,address,uint256,uint256)",
        [0, SPOKE],
        [taken.given - 1, outcome.seize],
    )
    called = make_log(
        SPOKE,
        LIQUIDATION,
        [1, 0, ALICE],
        [
            *(LIQUIDATOR, int(receive_shares), outcome.repay, taken.drawn, 0, 0, 0),
            *(outcome.removed, taken.shares, taken.given),
        ],
    )
    assert called.topics[0] == LIQUIDATION_CALL
    return [called] if receive_shares else [paid, called]


def outcome_of(world: World, offer: int, *, receive_shares: bool = False) -> Outcome:
    pair = examine(Position.of(world.book, ALICE), 0, 1, world.market.frame(world.now))
    assert not isinstance(pair, Refusal)
    outcome = liquidate(pair, offer, receive_shares=receive_shares)
    assert isinstance(outcome, Outcome)
    return outcome


def test_liquidation_events__tokens_paid_out__are_what_the_liquidator_got() -> None:
    world = underwater()
    outcome = outcome_of(world, 10**9)
    logs = liquidation_logs(world, outcome)
    (event,) = world.market.liquidation_events(logs)
    debt, collateral = world.market.assets()
    assert (event.account, event.liquidator) == (ALICE, LIQUIDATOR)
    assert (event.debt, event.collateral) == (debt.address, collateral.address)
    assert (event.repaid, event.seized) == (outcome.repay, outcome.seize)
    assert world.market.liquidation_events(logs[:1]) == []


def test_liquidation__tokens__leave_the_hubs_rounding_as_surplus() -> None:
    world = underwater()
    outcome = outcome_of(world, 10**9)
    for log in liquidation_logs(world, outcome):
        world.market.fold(log, world.now)
    assert world.book.quantity(ALICE, 1, Side.COLLATERAL) == 5 * 10**18 - outcome.taken.shares
    assert world.book.quantity(ALICE, 0, Side.DEBT) == 10**10 - outcome.taken.drawn
    assert world.book.get(("surplus", 1)) == 1


def test_liquidation__shares__are_credited_to_the_liquidator() -> None:
    world = underwater()
    outcome = outcome_of(world, 10**9, receive_shares=True)
    for log in liquidation_logs(world, outcome, receive_shares=True):
        world.market.fold(log, world.now)
    assert world.book.quantity(LIQUIDATOR, 1, Side.COLLATERAL) == outcome.taken.given
    assert world.book.get(("surplus", 1)) is None


def test_fold__undone__is_as_before() -> None:
    world = underwater()
    before = world.market.health(ALICE, world.market.frame(world.now))
    world.book.journal.open_block("block")  # type: ignore[arg-type]
    for log in liquidation_logs(world, outcome_of(world, 10**9)):
        world.market.fold(log, world.now)
    world.add_config(1, 1, 5_000, 10_500, 0)
    world.refresh(ALICE)
    assert world.market.health(ALICE, world.market.frame(world.now)) != before
    world.book.journal.undo_last()
    assert world.market.health(ALICE, world.market.frame(world.now)) == before


def test_snapshot__saved_and_read_back__is_the_same_market() -> None:
    world = underwater()
    world.add_config(1, 1, 7_000, 10_500, 0)
    world.refresh(ALICE)
    world.spoke("Withdraw(uint256,address,address,uint256,uint256)", [0, BOB, BOB], 5, 5)
    restored = AaveV4Market("restored", decode_book(encode_book(world.book), RECORD_TYPES))
    frame, again = world.market.frame(world.now), restored.frame(world.now)
    assert restored.health(ALICE, again) == world.market.health(ALICE, frame)
    assert restored.opportunities(ALICE, again) == world.market.opportunities(ALICE, frame)
    assert (restored.gaps(), restored.doubt) == (world.market.gaps(), world.market.doubt)
    assert dict(restored.book.items("bumped")) == dict(world.book.items("bumped"))


def test_holdings__supply_and_debt__are_in_tokens_with_interest() -> None:
    world = underwater()
    world.accrue(0, 2 * RAY)
    world.premium(ALICE, 0, 1, 0)
    debt, collateral = world.market.holdings(ALICE, world.market.frame(world.now))
    assert (debt.side, debt.amount, debt.value) == (Side.DEBT, 2 * 10**10 + 2, 20_000 * USD + 200)
    assert (collateral.side, collateral.enabled) == (Side.COLLATERAL, True)
