"""Uniswap v3 pools as values: prices at ticks, swaps from edges, and what is read of them when."""

from collections.abc import Mapping
from random import Random

import pytest
from eth_abi.abi import encode

from keeper.plan.inventory import Inventory
from keeper.plan.uniswap_v3.depth import Depth
from keeper.plan.uniswap_v3.maths import (
    MAX_TICK,
    MIN_TICK,
    fall_in,
    rise_in,
    sqrt_price_at,
    tick_at,
    with_fee,
)
from keeper.plan.uniswap_v3.pool import Pool
from keeper.plan.uniswap_v3.reads import TICKS_AGE, Sight, look
from keeper.protocols.base import FlashKind
from keeper.types import ZERO_ADDRESS, Address, Call
from tests.unit.test_plan_uniswap_v3 import drive

ADDRESS = Address("0x" + "cc" * 20)
EXECUTOR = Address("0x" + "ee" * 20)
NETS = {-1200: 10**18, -300: 10**19, 0: 10**18, 600: -(10**19), 1800: -2 * 10**18}
SPACING = 60


def pool(tick: int = 7) -> Pool:
    active = sum(net for at, net in NETS.items() if at <= tick)
    depth = Depth(3000, SPACING, (-1, 0), NETS, tick, active)
    return Pool((sqrt_price_at(tick) + sqrt_price_at(tick + 1)) // 2, tick, active, depth)


def test_sqrt_price_at__both_ends_and_the_middle__the_contracts_constants() -> None:
    assert sqrt_price_at(MIN_TICK) == 4295128739
    assert sqrt_price_at(0) == 2**96
    assert sqrt_price_at(MAX_TICK) == 1461446703485210103287273052203988822378723970342
    with pytest.raises(ValueError, match="no tick"):
        sqrt_price_at(MAX_TICK + 1)


def test_tick_at__prices_around_random_ticks__the_greatest_tick_not_above() -> None:
    rng = Random(5)
    for tick in [
        MIN_TICK,
        MAX_TICK - 1,
        -1,
        0,
        1,
        *(rng.randint(MIN_TICK + 1, MAX_TICK - 1) for _ in range(500)),
    ]:
        price = sqrt_price_at(tick)
        assert tick_at(price) == tick
        assert tick_at(sqrt_price_at(tick + 1) - 1) == tick
        assert tick == MIN_TICK or tick_at(price - 1) == tick - 1


@pytest.mark.parametrize("falling", [True, False])
def test_swap__in_two_parts__pays_what_one_pays_but_for_rounding(falling: bool) -> None:
    rng, whole_pool = Random(6), pool()
    for _ in range(300):
        amount = int(10 ** rng.uniform(3, 17))
        part = rng.randint(1, amount)
        whole = whole_pool.swap(falling, amount)
        first = whole_pool.swap(falling, part)
        assert whole
        assert first
        second = first.after.swap(falling, amount - part)
        assert second
        assert 0 <= whole.amount_out - first.amount_out - second.amount_out + 3 <= 6
        assert abs(second.after.sqrt_price - whole.after.sqrt_price) <= whole.after.sqrt_price // 10**6


def test_swap__there_and_back__never_gains() -> None:
    rng, start = Random(7), pool()
    for _ in range(300):
        falling, amount = rng.random() < 0.5, int(10 ** rng.uniform(3, 17))
        there = start.swap(falling, amount)
        assert there
        back = there.after.swap(not falling, there.amount_out)
        assert back
        assert back.amount_out <= amount


@pytest.mark.parametrize(("falling", "bound"), [(True, 0), (False, 600)])
def test_swap__ends_exactly_on_a_tick__goes_on_from_there_in_both_directions(
    falling: bool, bound: int
) -> None:
    start, end = pool(), sqrt_price_at(bound)
    needed = (
        fall_in(end, start.sqrt_price, start.liquidity)
        if falling
        else rise_in(start.sqrt_price, end, start.liquidity)
    )
    there = start.swap(falling, with_fee(needed, 3000))
    assert there
    assert there.crossed == 1
    assert there.after.sqrt_price == end
    assert there.after.tick == (bound - 1 if falling else bound)
    assert there.after.liquidity == start.depth.active(there.after.tick)
    for onward in (True, False):
        further = there.after.swap(onward, 10**12)
        assert further
        assert further.after.liquidity == start.depth.active(further.after.tick)


def test_swap__more_than_the_window_holds__not_told() -> None:
    assert pool().swap(True, 10**30) is None
    assert pool().swap(False, 10**30) is None


def test_depth__parts_of_different_states__refused() -> None:
    with pytest.raises(ValueError, match="below zero"):
        Depth(3000, SPACING, (-1, 0), {0: 10**18, 60: -(10**19)}, 30, 10**18)


class Chain:
    """A pool that answers like the contract."""

    def __init__(self, nets: Mapping[int, int], tick: int) -> None:
        self.nets = dict(nets)
        self.tick = tick

    def reply(self, call: Call) -> bytes | None:
        assert call.to == ADDRESS
        active = sum(net for at, net in self.nets.items() if at <= self.tick)
        match call.data[:4].hex():
            case "3850c7bd":
                return encode(["uint160", "int24"], [sqrt_price_at(self.tick) + 1, self.tick])
            case "1a686502":
                return encode(["uint128"], [active])
            case "5339c296":
                word = int.from_bytes(call.data[4:], signed=True)
                bits = sum(1 << at // SPACING % 256 for at in self.nets if at // SPACING // 256 == word)
                return encode(["uint256"], [bits])
            case "f30dba93":
                net = self.nets[int.from_bytes(call.data[4:], signed=True)]
                return encode(["uint128", "int128"], [abs(net), net])
        return None

    def look(self, block: int, last: Sight | None) -> tuple[Sight, list[int]]:
        sight, asked = drive(look(ADDRESS, 3000, SPACING, block, last), self.reply)
        assert sight
        return sight, [len(calls) for calls in asked]


def test_look__first_time__the_whole_window() -> None:
    chain = Chain(NETS, 7)
    sight, rounds = chain.look(1, None)
    assert rounds == [2, 2, len(NETS)]
    assert sight.pool.depth.nets == NETS
    assert sight.pool.liquidity == sight.pool.depth.active(7)


def test_look__only_the_price_moved__one_round_and_the_same_ladders() -> None:
    chain = Chain(NETS, 7)
    first, _ = chain.look(1, None)
    chain.tick = -500
    second, rounds = chain.look(2, first)
    assert rounds == [4]
    assert second.pool.depth is first.pool.depth
    assert second.pool.tick == -500


@pytest.mark.parametrize(
    "change", [{-300: 2 * 10**19}, {-900: 10**17, 900: -(10**17)}, {60: 10**16, 120: -(10**16)}]
)
def test_look__a_position_came__the_ticks_are_read_again(change: Mapping[int, int]) -> None:
    chain = Chain(NETS, 7)
    first, _ = chain.look(1, None)
    chain.nets |= change
    second, rounds = chain.look(2, first)
    assert len(rounds) == 3
    assert second.pool.depth.nets == dict(sorted({**NETS, **change}.items()))


def test_look__ticks_grew_old__they_are_read_again() -> None:
    chain = Chain(NETS, 7)
    first, _ = chain.look(1, None)
    chain.nets[-1200] += 5  # far away, and in use already: nothing tells
    chain.nets[1800] -= 5
    assert chain.look(TICKS_AGE, first)[0].pool.depth is not first.pool.depth


def test_look__old_ticks_read_again_and_found_unchanged__the_same_ladders() -> None:
    chain = Chain(NETS, 7)
    first, _ = chain.look(1, None)
    second, rounds = chain.look(1 + TICKS_AGE, first)
    assert len(rounds) == 3
    assert second.ticks_read_at == 1 + TICKS_AGE
    assert second.pool.depth is first.pool.depth


def test_look__no_pool_or_none_that_answers__nothing() -> None:
    assert drive(look(ADDRESS, 3000, SPACING, 1, None), lambda _: None)[0] is None


def test_inventory__balance_and_allowance__the_smaller_of_both_by_token() -> None:
    owner, one, other = ADDRESS, Address("0x" + "0a" * 20), Address("0x" + "0b" * 20)
    held = {
        (one, "70a08231"): 50,
        (one, "dd62ed3e"): 30,
        (other, "70a08231"): 7,
        (other, "dd62ed3e"): 2**256 - 1,
    }

    def reply(call: Call) -> bytes:
        if call.to == EXECUTOR:
            return encode(["address"], [owner])
        assert owner[2:] in call.data.hex()
        return encode(["uint256"], [held[call.to, call.data[:4].hex()]])

    [source], _ = drive(Inventory(EXECUTOR).lend({one, other}), reply)
    assert (source.kind, source.lender) == (FlashKind.NONE, ZERO_ADDRESS)
    assert [source.available(token) for token in (one, other)] == [30, 7]
    assert source.fee(one, 10**9) == 0
