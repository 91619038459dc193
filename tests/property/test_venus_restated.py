"""Health and liquidations against an independent re-statement of the reference page (section 4)."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from keeper.protocols.base import Refusal, Settlement, Side
from keeper.protocols.venus.records import Split, state_of
from keeper.protocols.venus.rules import COMPOUND_V2, VENUS
from keeper.types import WAD
from tests.venus_world import BORROWER, World

tokens = st.integers(10**12, 10**22)
prices = st.integers(WAD // 100, 100 * WAD)


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """Three markets with interest between them, one account that holds and owes in some."""
    rules = draw(st.sampled_from([VENUS, COMPOUND_V2]))
    world = World(rules)
    share = 28 * 10**15 if rules is COMPOUND_V2 else 0
    for _ in range(3):
        number = world.list(
            price=draw(prices),
            rate=draw(st.integers(0, 10**12)),
            threshold=draw(st.integers(WAD // 2, 9 * WAD // 10)),
            seize_share=share,
        )
        world.change(number, reserve_factor=draw(st.integers(0, WAD)))
    for number in draw(st.sets(st.integers(0, 2), min_size=1)):
        world.supply(BORROWER, number, draw(tokens), entered=draw(st.booleans()))
    for number in draw(st.sets(st.integers(0, 2), min_size=1)):
        world.borrow(BORROWER, number, draw(tokens), draw(st.integers(WAD // 2, WAD)))
    if rules is VENUS and draw(st.booleans()):
        world.through_liquidator(Split(draw(st.integers(0, WAD))))
    world.book.put(("redeem_fee",), draw(st.sampled_from([0, 10**14])) if rules is VENUS else 0)
    return world


def accrued(world: World, number: int, blocks: int) -> dict[str, int]:
    """A market after accrueInterest."""
    state = state_of(world.book, number)
    factor = world.book.get(("curve", world.book.get(("model", number)))).numbers[0] * blocks
    interest = factor * state.borrows // WAD
    return {
        "cash": state.cash,
        "borrows": state.borrows + interest,
        "reserves": state.reserves + state.reserve_factor * interest // WAD,
        "index": state.borrow_index + factor * state.borrow_index // WAD,
        "supply": state.supply,
    }


def rate_of(market: dict[str, int]) -> int:
    return (market["cash"] + market["borrows"] - market["reserves"]) * WAD // market["supply"]


def sums(world: World, markets: dict[int, dict[str, int]]) -> tuple[int, int]:
    """Collateral that counts, and debt, USD with 18 decimals."""
    collateral = debt = 0
    for number, market in markets.items():
        if not world.book.enabled(BORROWER, number):
            continue
        price, factor = world.book.get(("price", number)), world.book.get(("limits", 0, number)).threshold
        held = world.book.quantity(BORROWER, number, Side.COLLATERAL)
        collateral += (factor * rate_of(market) // WAD) * price // WAD * held // WAD
        loan = world.book.get(("loan", BORROWER, number))
        if loan:
            debt += price * (loan.principal * market["index"] // loan.interest_index) // WAD
    return collateral, debt


def expected(world: World, debt: int, collateral: int, repay: int, blocks: int) -> Any:
    """(repay, seize in the underlying), or None where the protocol refuses or pays nothing out."""
    book, touched = world.book, {debt, collateral}
    markets = {number: accrued(world, number, blocks if number in touched else 0) for number in range(3)}
    held, owing = sums(world, markets)
    loan = book.get(("loan", BORROWER, debt))
    balance = loan.principal * markets[debt]["index"] // loan.interest_index
    if owing <= held or not 0 < repay <= WAD // 2 * balance // WAD:
        return None
    price_debt, price_held = book.get(("price", debt)), book.get(("price", collateral))
    markets[debt]["cash"] += repay
    markets[debt]["borrows"] -= repay
    market = markets[collateral]
    incentive = 11 * WAD // 10
    ratio = (incentive * price_debt // WAD) * WAD // (price_held * rate_of(market) // WAD)
    seized = ratio * repay // WAD
    if seized > book.quantity(BORROWER, collateral, Side.COLLATERAL):
        return None
    if world.rules is VENUS and not book.enabled(BORROWER, collateral):
        return None
    received = seized
    split = book.get(("split",))
    if split:
        part = seized * (incentive - WAD) // incentive * split.treasury // WAD
        paid = rate_of(market) * part // WAD
        received -= part
        if paid <= market["cash"]:
            market["cash"] -= paid
            market["supply"] -= part
    elif world.rules is COMPOUND_V2:
        part = seized * 28 * 10**15 // WAD
        market["reserves"] += rate_of(market) * part // WAD
        market["supply"] -= part
        received -= part
    amount = rate_of(market) * received // WAD
    if not 0 < amount <= market["cash"]:
        return None
    return repay, amount - amount * book.get(("redeem_fee",)) // WAD


@given(worlds(), st.integers(0, 10**5), st.integers(0, 11 * 10**21), st.data())
def test_settle__any_account_and_amount__is_what_the_reference_says(
    world: World, blocks: int, repay: int, data: st.DataObject
) -> None:
    frame = world.frame(blocks)
    offers = {(o.debt.asset, o.collateral.asset): o for o in world.market.opportunities(BORROWER, frame)}
    for debt in (number for number in range(3) if world.book.get(("loan", BORROWER, number))):
        for collateral in range(3):
            if not world.book.quantity(BORROWER, collateral, Side.COLLATERAL):
                continue
            offer = offers.get((debt, collateral))
            if offer is None:
                assert expected(world, debt, collateral, repay, blocks) is None
                continue
            ((first, last),) = offer.ranges
            inside = data.draw(st.integers(first, last))
            for amount in {repay, inside, first, last, first - 1, last + 1}:
                settled = world.market.settle(offer, amount, frame)
                wanted = expected(world, debt, collateral, amount, blocks)
                assert isinstance(settled, Refusal) == (wanted is None) == (not first <= amount <= last)
                if isinstance(settled, Settlement):
                    assert (settled.repay, settled.seize) == wanted
                    assert settled.protocol_fee >= 0


@given(worlds(), st.integers(0, 10**5))
def test_health__any_account__is_what_the_reference_says(world: World, blocks: int) -> None:
    frame = world.frame(blocks)
    health = world.market.health(BORROWER, frame)
    held, owing = sums(world, {number: accrued(world, number, 0) for number in range(3)})
    assert health.details["liquidity"] == max(held - owing, 0)
    assert health.details["shortfall"] == max(owing - held, 0)
    assert health.debt == owing // 10**10
    pairs = [
        (debt, collateral)
        for debt in range(3)
        if world.book.get(("loan", BORROWER, debt))
        for collateral in range(3)
        if world.book.quantity(BORROWER, collateral, Side.COLLATERAL)
    ]
    seen = [
        sums(world, {number: accrued(world, number, blocks * (number in pair)) for number in range(3)})
        for pair in pairs
    ]
    assert health.liquidatable == any(owing > held for held, owing in seen)
    assert health.liquidatable == (health.health_factor < WAD)
