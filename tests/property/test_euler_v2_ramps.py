"""LTV ramps and liquidation sizes against a restatement of the protocol's description in fractions.

The whitepaper: a lowered liquidation LTV moves in a straight line from what it was to its target; the
discount equals how far the account is under water, up to a maximum; a liquidator takes over debt worth
the seized collateral times (1 - discount), as much as the debt or the collateral allow.
"""

from fractions import Fraction
from math import floor

from hypothesis import given
from hypothesis import strategies as st

from keeper.protocols.base import Refusal, Settlement
from keeper.protocols.euler_v2.liquidation import discounted
from keeper.protocols.euler_v2.math import liquidation_ltv
from keeper.protocols.euler_v2.ranges import WINDOW
from keeper.protocols.euler_v2.records import Ltv, Scale
from tests.aave_v3_world import START
from tests.euler_v2_world import ALICE, BOB, World, token

bps = st.integers(0, 10_000)
WAD = 10**18


@given(initial=bps, target=bps, ramp=st.integers(0, 2**32 - 1), now=st.integers(-100, 2**32))
def test_liquidation_ltv__any_ramp__is_the_straight_line_rounded_down(
    initial: int, target: int, ramp: int, now: int
) -> None:
    end = START + ramp
    found = liquidation_ltv(Ltv(0, target, initial, end, ramp), START + min(max(now, 0), 2 * ramp))
    elapsed = min(max(now, 0), 2 * ramp)
    if target >= initial or elapsed >= ramp:
        assert found == target
    else:
        line = initial + Fraction(target - initial) * elapsed / ramp
        assert found == floor(line)
    assert min(initial, target) <= found <= max(initial, target)


@given(
    initial=bps,
    target=bps,
    ramp=st.integers(1, 10**7),
    first=st.integers(0, 10**7),
    more=st.integers(0, 10**7),
)
def test_liquidation_ltv__as_time_passes__only_falls(
    initial: int, target: int, ramp: int, first: int, more: int
) -> None:
    ltv = Ltv(0, target, max(initial, target), START + ramp, ramp)
    assert liquidation_ltv(ltv, START + first) >= liquidation_ltv(ltv, START + first + more)


@given(
    liability=st.integers(10**12, 10**30),
    health=st.fractions(0, 1),
    assets=st.integers(1, 10**30),
    held=st.integers(1, 10**30),
    worth=st.integers(1, 10**30),
    most=st.integers(0, 9_999),
)
def test_discounted__any_account__is_the_description_to_within_rounding(  # noqa: PLR0917 - a fact each
    liability: int, health: Fraction, assets: int, held: int, worth: int, most: int
) -> None:
    collateral = floor(liability * health)
    repay, shares = discounted((collateral, liability, assets), held, worth, most)
    factor = max(Fraction(collateral, liability), 1 - Fraction(most, 10_000))
    seized_value = min(Fraction(liability) / factor, Fraction(worth))
    repaid_value = min(Fraction(liability), worth * factor)
    repaid = repaid_value * assets / liability
    seized = seized_value * held / worth
    # Each of the contract's divisions loses less than one of its units: the factor's is 1e-18 of it.
    slack = Fraction(2, 10**18) / factor + Fraction(2, min(liability, worth))
    assert repaid * (1 - slack) - 2 - Fraction(2 * assets, liability) <= repay <= repaid + 1
    assert shares <= held
    assert seized * (1 - slack) - 2 - Fraction(2 * held, worth) <= shares <= seized * (1 + slack) + 2


@given(
    debt=st.integers(1, 10**6),
    shares=st.integers(1, 10**7),
    price=st.sampled_from([1, 10**3, 10**18]),
    cash=st.integers(1, 10**7),
    ltv=st.integers(1, 9_000),
)
def test_ranges__any_liquidatable_account__are_exactly_what_settles(
    debt: int, shares: int, price: int, cash: int, ltv: int
) -> None:
    world = World()
    owed, held = world.create(0), world.create(1)
    world.set_ltv(owed, held, ltv)
    world.quote(0, Scale(price, 1))
    world.quote(1, Scale(price, 2))
    world.tell(owed, shares=10**7, cash=10**7)
    world.tell(held, shares=2 * 10**7, cash=cash)
    world.supply(ALICE, held, shares)
    world.borrow(ALICE, owed, debt)
    frame = world.market.frame(world.now)
    for found in world.market.opportunities(ALICE, frame):
        assert world.market.health(ALICE, frame).liquidatable
        for first, last in found.ranges:
            for request in {first, (first + last) // 2, last}:
                settled = world.market.settle(found, request, frame)
                assert isinstance(settled, Settlement)
                assert settled.repay == request
                assert 0 < settled.seize <= cash
                assert sum(settled.bad_debt.values()) <= debt - request
                assert settled.bad_debt.keys() <= {token(0)}
        first, last = found.ranges[0][0], found.ranges[-1][1]
        before = world.market.settle(found, first - 1, frame) if first > 1 else None
        assert before is None or isinstance(before, Refusal) or not before.seize
        after = world.market.settle(found, last + 1, frame)
        assert isinstance(after, Refusal)


@given(
    debt=st.integers(10**6, 10**24),
    part=st.fractions(Fraction(1, 2), Fraction(4, 3)),
    rates=st.tuples(*[st.just(0) | st.integers(10**16, 10**20)] * 2),
    ltv=st.tuples(*[st.integers(6_000, 9_000)] * 2, st.integers(1, 10**5)),
    aside=st.integers(-WINDOW, WINDOW),
)
def test_ranges__limits_that_move__are_kept_clear_of(
    debt: int, part: Fraction, rates: tuple[int, int], ltv: tuple[int, int, int], aside: int
) -> None:
    world = World()
    owed, held = world.create(0), world.create(1)
    first, last, seconds = ltv
    data = (0, min(first, last), max(first, last), START + seconds, seconds)
    world.emit(owed, "GovSetLTV(address,uint16,uint16,uint16,uint48,uint32)", held, data=data)
    for number, made in enumerate((owed, held)):
        world.quote(number, Scale(1, 1))
        world.tell(made, shares=10**25, cash=10**25)
    world.supply(ALICE, held, floor(debt * part))
    world.borrow(ALICE, owed, debt)
    world.borrow(BOB, held, 10**24)
    for made, rate in zip((owed, held), rates, strict=True):
        world.tell(made, shares=10**25, cash=10**25, rate=rate)
    world.now += WINDOW
    market = world.market
    for found in market.opportunities(ALICE, market.frame(world.now)):
        frame = market.frame(world.now + aside)
        if market.health(ALICE, frame).liquidatable:
            settled = market.settle(found, found.ranges[-1][1], frame)
            assert isinstance(settled, Settlement), settled
