"""The ranges of accepted repay amounts are exactly the requests that settle."""

from itertools import pairwise

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from keeper.protocols.aave_v3.liquidation import liquidate
from keeper.protocols.aave_v3.model import Pair
from keeper.protocols.aave_v3.pair import examine
from keeper.protocols.aave_v3.position import Position
from keeper.protocols.aave_v3.ranges import accepted
from keeper.protocols.base import Refusal, Settlement
from keeper.types import MAX_UINT256, RAY, USD
from tests.aave_v3_world import ALICE, World

EXHAUSTIVE = 3_000
"""Requests tried one by one."""

UNIT = 10**6


@st.composite
def pairs(draw: st.DrawFn, most: int) -> Pair:
    """A liquidatable pair whose debt is at most `most` token units."""
    debt = draw(st.integers(1, most))
    worth = draw(st.integers(1, 10) | st.integers(1, 20_000).map(USD.__mul__))
    debt_price = max(worth * UNIT // debt, 1)
    # One token unit of collateral is worth anything from a millionth of a cent to hundreds of dollars.
    collateral_price = draw(st.integers(1, 10) | st.integers(0, 10).map(lambda power: UNIT * 10**power))
    world = World(draw(st.sampled_from([1, 6, 7, 8, 9, 10, 11])))
    bonus, fee = draw(st.integers(10_001, 12_000)), draw(st.integers(0, 10_000))
    collateral = world.list(decimals=6, price=collateral_price, threshold=8_000, bonus=bonus, fee=fee)
    owed = world.list(decimals=6, price=debt_price)
    other = world.list(decimals=6, price=USD, threshold=1)
    held = worth * draw(st.integers(1, 1_250)) // 1_000
    world.supply(ALICE, collateral, max(held * UNIT // collateral_price, 1))
    world.borrow(ALICE, owed, debt)
    if world.has_stable_debt and draw(st.booleans()):
        world.borrow_at_stable_rate(ALICE, owed, draw(st.integers(1, debt)), rate=draw(st.integers(0, RAY)))
    if draw(st.booleans()):
        world.supply(ALICE, other, draw(st.integers(1, 10**9)))
    if draw(st.booleans()):
        world.borrow(ALICE, other, draw(st.integers(1, 10**9)))
    for asset in (collateral, owed):
        world.accrue(asset, draw(st.integers(RAY, 3 * RAY)), draw(st.integers(RAY, 3 * RAY)))
    if draw(st.booleans()):
        world.book.put(("liquidity", 0), draw(st.integers(0, 2 * most)))
    pair = examine(Position.of(world.book, ALICE), 1, 0, world.market.frame(world.now))
    assume(isinstance(pair, Pair))
    assert isinstance(pair, Pair)
    return pair


def settles(pair: Pair, request: int) -> bool:
    return not isinstance(liquidate(pair, request), Refusal)


@settings(deadline=None)  # thousands of requests an example
@given(pairs(most=EXHAUSTIVE // 3))
def test_ranges__every_request_tried__are_those_that_settle(pair: Pair) -> None:
    ranges = accepted(pair)
    tried = {request for request in range(1, pair.most + 1) if settles(pair, request)}
    listed = {request for first, last in ranges for request in range(first, last + 1)}
    repeats = {request for request in tried - listed if ranges and request > ranges[-1][1]}
    assert tried - repeats == listed
    assert all(liquidate(pair, request) == liquidate(pair, ranges[-1][1]) for request in repeats)


@given(pairs(most=10**14))
def test_ranges__large_amounts__hold_at_every_end_and_just_beyond(pair: Pair) -> None:
    ranges = accepted(pair)
    for first, last in ranges:
        assert 1 <= first <= last <= pair.most
        assert settles(pair, first)
        assert settles(pair, last)
        assert settles(pair, (first + last) // 2)
        assert first == 1 or not settles(pair, first - 1)
    for (_, end), (start, _) in pairwise(ranges):
        assert end + 1 < start
        assert not settles(pair, end + 1)
    if ranges and settles(pair, MAX_UINT256):
        assert liquidate(pair, MAX_UINT256) == liquidate(pair, ranges[-1][1])


@given(pairs(most=10**14))
def test_settlement__any_accepted_request__stays_within_the_account(pair: Pair) -> None:
    for _, last in accepted(pair):
        outcome = liquidate(pair, last)
        assert not isinstance(outcome, Refusal)
        settled = Settlement(outcome.repay, outcome.seize, outcome.fee, {})
        assert settled.repay <= min(last, pair.owed)
        assert settled.seize + settled.protocol_fee <= pair.balance
        assert all(leg[2] > 0 for leg in outcome.after.legs)
