"""Logs into the book: each shape of each event, and what several say together."""

from typing import Any

import pytest
from msgspec.structs import replace

from keeper.protocols.base import LiquidationEvent, Side
from keeper.protocols.decode import topic
from keeper.protocols.venus.events import HANDLERS
from keeper.protocols.venus.frame import effective_limits
from keeper.protocols.venus.records import CORE, Limits, Loan, Pool, Role, Split, State, state_of, vtokens
from keeper.protocols.venus.rules import COMPOUND_V2
from keeper.types import WAD, Address, Log
from tests.venus_world import BLOCK, BORROWER, COMPTROLLER, KEEPER, LIQUIDATOR, NOW, World, address, log

HALF = WAD // 2


class Market:
    """One market that folds logs."""

    def __init__(self, world: World | None = None) -> None:
        self.world = world or World()
        self.number = self.world.list()
        self.vtoken = vtokens(self.world.book)[self.number]
        self.underlying = address(0xE000)
        self.world.put(self.number, State(1_000, 500, 100, 700, WAD, WAD // 10, BLOCK, NOW))

    def fold(
        self, signature: str, *data: int | str, topics: tuple[int | str, ...] = (), **moment: int
    ) -> None:
        self.emit(self.vtoken, signature, *data, topics=topics, **moment)

    def say(self, signature: str, *data: int | str, topics: tuple[int | str, ...] = ()) -> None:
        """An event of the comptroller."""
        self.emit(COMPTROLLER, signature, *data, topics=topics)

    def emit(
        self, emitter: Address, signature: str, *data: int | str, topics: tuple[int | str, ...], **moment: int
    ) -> None:
        words = [_word(each) for each in topics]
        found = log(
            emitter,
            [topic(signature), *(f"0x{word:064x}" for word in words)],
            [_word(d) for d in data],
            **moment,
        )
        self.world.market.fold(found, NOW + found.block - BLOCK)

    @property
    def state(self) -> State:
        return state_of(self.world.book, self.number)

    def get(self, *key: Any) -> Any:
        return self.world.book.get(key)

    def tokens(self, account: Address) -> int:
        return self.world.book.quantity(account, self.number, Side.COLLATERAL)


def _word(value: int | str) -> int:
    return value if isinstance(value, int) else int(value, 16)


@pytest.mark.parametrize("shape", ["Mint(address,uint256,uint256)", "Mint(address,uint256,uint256,uint256)"])
def test_mint__either_shape__adds_cash_supply_and_tokens(shape: str) -> None:
    market = Market()
    market.fold(shape, BORROWER, 50, 40, *([40] if shape.count("uint256") == 3 else []))
    market.fold("Transfer(address,address,uint256)", 40, topics=(market.vtoken, BORROWER))
    assert (market.state.cash, market.state.supply) == (1_050, 740)
    assert market.tokens(BORROWER) == 40
    assert market.tokens(market.vtoken) == 0


def test_redeem__with_a_fee__takes_both_from_cash_and_leaves_none_with_the_market() -> None:
    market = Market()
    market.world.supply(BORROWER, market.number, 40)
    market.fold("RedeemFee(address,uint256,uint256)", BORROWER, 3, 40)
    market.fold("Transfer(address,address,uint256)", 40, topics=(BORROWER, market.vtoken))
    market.fold("Redeem(address,uint256,uint256,uint256)", BORROWER, 27, 40, 0)
    assert (market.state.cash, market.state.supply) == (970, 660)
    assert market.tokens(BORROWER) == market.tokens(market.vtoken) == 0


def test_transfer__to_the_market_itself__is_no_redemption() -> None:
    market = Market()
    market.world.supply(BORROWER, market.number, 40)
    market.fold("Transfer(address,address,uint256)", 15, topics=(BORROWER, market.vtoken))
    assert (market.tokens(BORROWER), market.tokens(market.vtoken), market.state.supply) == (25, 15, 700)


def test_borrow_and_repay__carry_what_is_owed__at_the_last_index() -> None:
    market = Market()
    market.world.change(market.number, borrow_index=WAD + 7)
    market.fold("Borrow(address,uint256,uint256,uint256)", BORROWER, 200, 210, 710)
    assert market.get("loan", BORROWER, 0) == Loan(210, WAD + 7)
    assert (market.state.cash, market.state.borrows) == (800, 710)
    market.fold("RepayBorrow(address,address,uint256,uint256,uint256)", KEEPER, BORROWER, 210, 0, 500)
    assert market.get("loan", BORROWER, 0) == Loan(0, WAD + 7)
    assert market.world.book.legs(BORROWER) == []
    assert (market.state.cash, market.state.borrows) == (1_010, 500)


def test_accrual__adds_the_reserves_part__and_takes_the_cash_it_saw() -> None:
    market = Market()
    market.fold("AccrueInterest(uint256,uint256,uint256,uint256)", 1_003, 59, WAD + 5, 559, block=BLOCK + 4)
    assert market.state == State(1_003, 559, 105, 700, WAD + 5, WAD // 10, BLOCK + 4, NOW + 4)


def test_accrual__of_the_first_ctokens__does_not_tell_cash() -> None:
    market = Market(World(COMPOUND_V2))
    market.fold("AccrueInterest(uint256,uint256,uint256)", 59, WAD + 5, 559, block=BLOCK + 4)
    assert market.state == State(1_000, 559, 105, 700, WAD + 5, WAD // 10, BLOCK + 4, NOW + 4)


def test_reserves_reduced__inside_an_accrual__contains_its_interest_already() -> None:
    market = Market()
    market.fold("ReservesReduced(address,uint256,uint256)", KEEPER, 90, 15, block=BLOCK + 4)
    market.fold("AccrueInterest(uint256,uint256,uint256,uint256)", 1_000, 59, WAD + 5, 559, block=BLOCK + 4)
    assert (market.state.cash, market.state.reserves) == (910, 15)
    market.fold("AccrueInterest(uint256,uint256,uint256,uint256)", 910, 10, WAD + 6, 569, block=BLOCK + 5)
    assert (market.state.cash, market.state.reserves) == (910, 16)


def test_reserves_reduced__after_the_accrual_of_its_block__stands_alone() -> None:
    market = Market()
    market.fold("ReservesReduced(address,uint256,uint256)", KEEPER, 90, 10)
    assert (market.state.cash, market.state.reserves) == (910, 10)


def test_reserves_added__by_anyone__is_cash() -> None:
    market = Market()
    market.fold("ReservesAdded(address,uint256,uint256)", KEEPER, 5, 105)
    assert (market.state.cash, market.state.reserves, market.state.supply) == (1_005, 105, 700)


def test_reserves_added__by_the_market_itself__burns_what_it_kept_of_a_seizure() -> None:
    market = Market(World(COMPOUND_V2))
    market.world.supply(BORROWER, market.number, 40)
    market.fold("Transfer(address,address,uint256)", 38, topics=(BORROWER, KEEPER))
    market.fold("Transfer(address,address,uint256)", 2, topics=(BORROWER, market.vtoken))
    market.fold("ReservesAdded(address,uint256,uint256)", market.vtoken, 4, 104)
    assert (market.state.cash, market.state.reserves, market.state.supply) == (1_000, 104, 698)
    assert (market.tokens(BORROWER), market.tokens(KEEPER), market.tokens(market.vtoken)) == (0, 38, 0)


def test_flash_loan__half_repaid__becomes_debt_without_cash_leaving() -> None:
    market = Market()
    market.fold("TransferOutUnderlyingFlashLoan(address,address,uint256)", market.underlying, KEEPER, 300)
    market.fold("Borrow(address,uint256,uint256,uint256)", BORROWER, 10, 10, 510)
    market.fold(
        "TransferInUnderlyingFlashLoan(address,address,uint256,uint256,uint256)",
        *(100, 6, 2),
        topics=(market.underlying, KEEPER),
    )
    market.fold("Borrow(address,uint256,uint256,uint256)", KEEPER, 206, 206, 716)
    assert market.state.cash == 1_000 - 10 - 300 + 100 - 2
    market.say(
        "FlashLoanRepaid(address,address,address,uint256,uint256)",
        *(100, 206),
        topics=(KEEPER, KEEPER, market.underlying),
    )
    market.fold("Borrow(address,uint256,uint256,uint256)", KEEPER, 4, 210, 720)
    assert market.state.cash == 1_000 - 10 - 300 + 100 - 2 - 4


def test_listing_and_membership__indexed_or_not__mean_the_same() -> None:
    market, other = Market(), address(0xA0FF)
    market.say("MarketListed(address)", other)
    market.say("MarketEntered(address,address)", other, BORROWER)
    market.say("MarketEntered(address,address)", topics=(market.vtoken, BORROWER))
    assert market.get("listed", 1) == 1
    assert market.world.book.enabled(BORROWER, 0)
    assert market.world.book.enabled(BORROWER, 1)
    market.say("MarketExited(address,address)", other, BORROWER)
    market.say("MarketUnlisted(address)", topics=(other,))
    assert not market.world.book.enabled(BORROWER, 1)
    assert market.get("listed", 1) == 0


def test_limits__of_both_dialects__are_kept_by_pool() -> None:
    market = Market()
    number = market.number
    market.say("NewCollateralFactor(address,uint256,uint256)", market.vtoken, 0, HALF)
    assert market.get("limits", CORE, number)[:2] == (HALF, HALF)
    for name, value in (("CollateralFactor", 1), ("LiquidationThreshold", 2), ("LiquidationIncentive", 3)):
        market.say(f"New{name}(uint96,address,uint256,uint256)", 0, value, topics=(7, market.vtoken))
    assert market.get("limits", 7, number) == Limits(1, 2, 3)
    market.say("PoolMarketInitialized(uint96,address)", topics=(8, market.vtoken))
    assert market.get("limits", 8, number) == Limits(listed=1)
    market.say("PoolMarketRemoved(uint96,address)", topics=(7, market.vtoken))
    assert market.get("limits", 7, number) == Limits()


@pytest.mark.parametrize(
    ("pool", "listed", "effective"),
    [
        (None, 1, "core"),
        (Pool(active=0), 1, "core"),
        (Pool(), 1, "own"),
        (Pool(), 0, "nothing"),
        (Pool(fallback=1), 0, "core"),
        (Pool(fallback=1), 1, "own"),
    ],
)
def test_effective_limits__of_a_pool__fall_back_as_the_contract_does(
    pool: Pool | None, listed: int, effective: str
) -> None:
    world = World()
    number = world.list()
    core, own = world.book.get(("limits", CORE, number)), Limits(1, 2, 3, 1)
    world.book.put(("limits", 5, number), own if listed else Limits())
    found = effective_limits(world.book, 5, {5: pool} if pool else {}, number)
    assert found == {"core": core, "own": own, "nothing": Limits()}[effective]


def test_pools__selection_and_switches__reach_the_book() -> None:
    market = Market()
    market.say("PoolCreated(uint96,string)", 32, 0, topics=(3,))
    market.say("PoolFallbackStatusUpdated(uint96,bool,bool)", 0, 1, topics=(3,))
    market.say("PoolActiveStatusUpdated(uint96,bool,bool)", 1, 0, topics=(3,))
    market.say("PoolSelected(address,uint96,uint96)", 0, topics=(BORROWER, 3))
    assert market.get("pool", 3) == Pool(0, 1)
    assert market.world.book.group(BORROWER) == 3


def test_prices__posted_before_their_oracle_is_in_use__count_once_it_is() -> None:
    market, oracle = Market(), address(0x0C)
    posted = "PricePosted(address,uint256,uint256,uint256)"
    market.emit(oracle, posted, market.underlying, 0, 5, 5, topics=())
    assert market.get("price", 0) == WAD
    market.say("NewPriceOracle(address,address)", 0, oracle)
    assert market.get("price", 0) == 5
    market.emit(oracle, posted, market.underlying, 5, 9, 9, topics=())
    assert market.get("price", 0) == 9
    assert oracle in market.world.market.addresses()


def test_pauses__by_number_or_by_name__meet_the_same_records() -> None:
    market = Market()
    market.say("ActionPausedMarket(address,uint8,bool)", 1, topics=(market.vtoken, 5))
    name = int.from_bytes(b"Borrow".ljust(32, b"\0"), "big")
    market.say("ActionPaused(address,string,bool)", market.vtoken, 96, 1, 6, name)
    seize = int.from_bytes(b"Seize".ljust(32, b"\0"), "big")
    market.say("ActionPaused(string,bool)", 64, 1, 5, seize)
    frame = market.world.frame()
    assert frame.markets[0].paused == {2, 5}
    assert frame.seize_paused


def test_model__of_a_new_market__marks_its_first_accrual_and_is_watched() -> None:
    market, model = Market(), address(0xD0FF)
    market.fold("NewMarketInterestRateModel(address,address)", 0, model, block=BLOCK + 9)
    assert (market.state.block, market.state.time) == (BLOCK + 9, NOW + 9)
    market.emit(model, "NewInterestParams(uint256,uint256,uint256,uint256)", 1, 2, 3, 4, topics=())
    assert market.get("curve", model)[1] == (1, 2, 3, 4)
    assert model in market.world.market.addresses()


def test_discovered__contracts_named_by_known_ones__chain_on() -> None:
    market, vtoken, model = Market(), address(0xA0FF), address(0xD0FF)
    listed = log(COMPTROLLER, [topic("MarketListed(address)"), f"0x{int(vtoken, 16):064x}"], [])
    modelled = log(
        vtoken, [topic("NewMarketInterestRateModel(address,address)")], [0, int(model, 16)], block=BLOCK - 9
    )
    stranger = log(address(0xBAD), [topic("MarketListed(address)")], [int(address(0xEE), 16)])
    assert market.world.market.discovered([modelled, listed, stranger]) == {vtoken, model}


def test_fold__unknown_contracts_and_anonymous_logs__change_nothing() -> None:
    market = Market()
    before = dict(market.world.book.records())
    market.emit(address(0xBAD), "MarketListed(address)", 1, topics=())
    market.world.market.fold(log(market.vtoken, [], [1]), NOW)
    assert dict(market.world.book.records()) == before


def test_handlers__of_every_role__exist() -> None:
    assert all(HANDLERS[int(role)] for role in Role)


def test_restrictions__of_the_liquidator__come_and_go() -> None:
    market = Market()
    market.world.through_liquidator(Split())
    for name, topics in (
        ("LiquidationRestricted(address)", (BORROWER,)),
        ("AllowlistEntryAdded(address,address)", (BORROWER, KEEPER)),
    ):
        market.emit(LIQUIDATOR, name, topics=topics)
    frame = market.world.frame()
    assert frame.restricted == {BORROWER}
    assert frame.allowed == {(BORROWER, KEEPER)}
    for name, topics in (
        ("LiquidationRestrictionsDisabled(address)", (BORROWER,)),
        ("AllowlistEntryRemoved(address,address)", (BORROWER, KEEPER)),
    ):
        market.emit(LIQUIDATOR, name, topics=topics)
    frame = market.world.frame()
    assert not frame.restricted
    assert not frame.allowed


def test_forced_liquidation__of_a_market_or_an_account__reaches_the_frame() -> None:
    market = Market()
    market.say("IsForcedLiquidationEnabledUpdated(address,bool)", 1, topics=(market.vtoken,))
    forced = "IsForcedLiquidationEnabledForUserUpdated(address,address,bool)"
    market.say(forced, 1, topics=(BORROWER, market.vtoken))
    frame = market.world.frame()
    assert frame.markets[0].forced
    assert frame.forced_accounts == {(0, BORROWER)}
    market.say(forced, 0, topics=(BORROWER, market.vtoken))
    assert not market.world.frame().forced_accounts


REDEEM = "Redeem(address,uint256,uint256,uint256)"


def liquidation(*, split: bool, redeemed: bool) -> tuple[World, list[Log]]:
    """The logs of one transaction that repays 50 of market 1 and seizes 40 vTokens of market 0."""
    world = World()
    held, owed = world.list(), world.list()
    world.change(held, cash=3 * 10**24)
    debt, collateral = vtokens(world.book)[owed], vtokens(world.book)[held]
    taker = LIQUIDATOR if split else KEEPER
    logs = [
        _log(collateral, "Transfer(address,address,uint256)", 40, topics=(BORROWER, taker)),
        _log(
            debt,
            "LiquidateBorrow(address,address,uint256,address,uint256)",
            taker,
            BORROWER,
            50,
            collateral,
            40,
        ),
    ]
    if split:
        world.through_liquidator(Split())
        words = (50, debt, 5, 35)
        name = "LiquidateBorrowedTokens(address,address,uint256,address,address,uint256,uint256)"
        logs += [
            _log(collateral, REDEEM, LIQUIDATOR, 15, 5, 0),
            _log(LIQUIDATOR, name, *words, topics=(KEEPER, BORROWER, collateral)),
        ]
    if redeemed:
        logs.append(_log(collateral, REDEEM, KEEPER, 99, 35 if split else 40, 0))
    return world, logs


def _log(emitter: Address, signature: str, *data: int | str, topics: tuple[int | str, ...] = ()) -> Log:
    words = [f"0x{_word(each):064x}" for each in topics]
    return log(emitter, [topic(signature), *words], [_word(each) for each in data])


@pytest.mark.parametrize(
    ("split", "redeemed", "seized"),
    [(False, True, 99), (True, True, 99), (False, False, 120), (True, False, 105)],
)
def test_liquidation_events__direct_or_split__say_what_the_liquidator_got(
    split: bool, redeemed: bool, seized: int
) -> None:
    world, logs = liquidation(split=split, redeemed=redeemed)
    held, owed = (info.address for info in world.market.assets())
    assert world.market.liquidation_events(logs) == [
        LiquidationEvent(BORROWER, owed, held, 50, seized, KEEPER)
    ]


def test_liquidation_events__of_strangers_and_failures__are_none() -> None:
    world, logs = liquidation(split=False, redeemed=True)
    strangers = [replace(each, address=address(0xBAD)) for each in logs]
    failure = _log(vtokens(world.book)[1], "Failure(uint256,uint256,uint256)", 3, 18, 3)
    assert world.market.liquidation_events([*strangers, failure]) == []
