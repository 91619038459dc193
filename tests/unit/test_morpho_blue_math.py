"""Morpho's arithmetic against integers that the real contracts produced."""

import pytest

from keeper.protocols.morpho_blue import curve, math
from keeper.protocols.morpho_blue.liquidation import Outcome, liquidate, seized_for
from keeper.protocols.morpho_blue.position import Position, is_healthy, most_borrowed
from keeper.protocols.morpho_blue.records import Totals
from keeper.types import WAD
from tests.morpho_world import World


@pytest.mark.parametrize(
    ("exponent", "expected"),
    [
        (0, WAD),
        (WAD // 2, 1651011472238365496),
        (WAD, 2707864291678420188),
        (-WAD, 370113253479550356),
        (-3 * WAD // 2, 223189711819114384),
        (20 * WAD, 485255815886449558710910976),
        (-20 * WAD, 2060822889),
        (-42 * WAD, 0),
    ],
)
def test_exp__recorded_exponents__equal_the_contract(exponent: int, expected: int) -> None:
    assert curve.exp(exponent) == expected


def test_curve__constants__are_the_deployed_ones() -> None:
    speed, initial, low, high = curve.ADJUSTMENT_SPEED, curve.INITIAL_RATE, curve.MIN_RATE, curve.MAX_RATE
    assert (speed, initial, low, high) == (1585489599188, 1268391679, 31709791, 63419583967)


@pytest.mark.parametrize(
    ("borrowed", "elapsed", "rate", "at_target", "interest", "fee_shares"),
    [
        (950000000000003, 12, 3170994279, 1268403745, 36149335, 3253439594151),
        (316666666666667, 12, 651808371, 1268376037, 2476871, 222918299503),
        (950000000000003, 432000, 3783686577, 1777152649, 1554094749711, 139673168669604585),
        (316666666666667, 432000, 528858478, 811937422, 72356104961, 6511625406133736),
    ],
)
def test_accrual__recorded_markets__equal_the_contracts(  # noqa: PLR0917 - one name a recorded number
    borrowed: int, elapsed: int, rate: int, at_target: int, interest: int, fee_shares: int
) -> None:
    before = Totals(1000000000000007, 900000000000000000011, borrowed, 1, 0, WAD // 10)
    rates = curve.rates(before.supply_assets, before.borrow_assets, curve.INITIAL_RATE, elapsed)
    after = math.accrued(before, rates.average, elapsed)
    assert rates == (rate, at_target)
    assert after.borrow_assets - before.borrow_assets == interest
    assert after.supply_assets - before.supply_assets == interest
    assert after.supply_shares - before.supply_shares == fee_shares


@pytest.mark.parametrize(
    ("lltv", "expected"),
    [
        (385, 1150000000000000000),
        (625, 1126760563380281690),
        (770, 1074113856068743286),
        (860, 1043841336116910229),
        (915, 1026167265264238070),
        (945, 1016776817488561260),
        (965, 1010611419909044972),
        (980, 1006036217303822937),
    ],
)
def test_incentive__usual_lltvs__equal_the_contract(lltv: int, expected: int) -> None:
    assert math.incentive(lltv * WAD // 1000) == expected


def test_curve__first_rate__is_the_initial_one_bent_by_utilization() -> None:
    assert curve.rates(0, 0, 0, 100).at_target == curve.INITIAL_RATE
    assert curve.rates(10, 9, 0, 100).average == curve.INITIAL_RATE


def test_position__recorded_one__equals_the_contract() -> None:
    world = World()
    shares, price = 500000000000012345, 650 * 10**24 - 1
    account = world.position(shares, WAD, assets=950000000000003, price=price)
    market = world.market.frame(world.now).market(0)
    totals = market.totals._replace(borrow_shares=830000000000000000005)
    market = market._replace(totals=totals)
    whole = math.borrowed_up(totals, shares)
    assert (whole, most_borrowed(WAD, market)) == (572289156627, 558999999)
    position = Position.of(world.book, account)
    assert not is_healthy(position, market)
    assert seized_for(shares, price, market.incentive, market) == 919044735226153846153
    half = liquidate(position, market, 5 * 10**17, 0)
    assert isinstance(half, Outcome)
    assert (half.repaid_shares, half.repaid) == (272021579821052, 311350002)
