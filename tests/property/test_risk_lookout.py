"""Whoever the lookout leaves out is not liquidatable, whatever prices and legs did meanwhile."""

from random import Random
from unittest.mock import patch

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from keeper.protocols.base import Side
from keeper.risk import lookout as module
from keeper.risk.lookout import Lookout
from keeper.risk.scan import scan
from keeper.types import BPS, RAY, USD
from tests.aave_v3_world import World, address

ACCOUNTS = 60
ASSETS = 4
MOVES = st.integers(BPS - 300, BPS + 300) | st.integers(BPS // 2, 2 * BPS)
"""Prices as they creep and as they jump, in parts of BPS."""


def a_market(revision: int, seed: int) -> World:
    """Accounts of dust to millions, most of them near their limit."""
    world, random = World(revision), Random(seed)
    assets = [
        world.list(decimals=random.choice([6, 8, 18]), price=random.randint(1, 5_000 * USD), threshold=8_000)
        for _ in range(ASSETS)
    ]
    for asset in assets:
        world.accrue(asset, RAY, RAY, (random.randint(0, RAY), random.randint(0, RAY)))
    for number in range(ACCOUNTS):
        account, worth = address(0xACC0 + number), int(10 ** random.uniform(0, 14))
        used = random.uniform(0.95, 1.01) * 0.8
        for asset, side in ((random.choice(assets), Side.COLLATERAL), (random.choice(assets), Side.DEBT)):
            info = next(each for each in world.market.assets() if each.address == asset)
            assert info.price
            share = 1 if side is Side.COLLATERAL else used
            units = int(worth * share) * 10**info.decimals // info.price
            if side is Side.COLLATERAL and units:
                world.supply(account, asset, units, collateral=True)
            elif units:
                world.borrow(account, asset, units)
    return world


@given(
    revision=st.sampled_from([1, 4, 7, 9, 11]),
    seed=st.integers(0, 10**6),
    moves=st.lists(MOVES, min_size=ASSETS, max_size=ASSETS),
    seconds=st.tuples(st.integers(0, 10**5), st.integers(0, 10**5)),
    touched=st.integers(0, 3),
    few=st.sampled_from([0, 100]),
)
def test_lookout__prices_time_and_legs_moved__misses_nobody(
    revision: int, seed: int, moves: list[int], seconds: tuple[int, int], *, touched: int, few: int
) -> None:
    world = a_market(revision, seed)
    market, lookout = world.market, Lookout()
    lookout.rest(market, market.frame(world.now + seconds[0]))
    infos = market.assets()
    for number in range(touched):
        world.borrow(address(0xACC0 + number), infos[0].address, 10 ** (6 + number))
    prices = {
        info.address: max((info.price or 0) * move // BPS, 1) for info, move in zip(infos, moves, strict=True)
    }
    frame = market.frame(world.now + seconds[1], prices)
    with patch.multiple(module, FEW=few, SHARE=1):
        assert scan(market, frame, lookout).liquidatable == scan(market, frame).liquidatable


def test_lookout__hundredth_percent_down__looks_at_few() -> None:
    world = a_market(11, seed=7)
    market, lookout = world.market, Lookout()
    lookout.rest(market, market.frame(world.now))
    prices = {info.address: (info.price or 0) * 9_999 // BPS for info in market.assets()}
    rows = lookout.suspects(market, market.frame(world.now + 1, prices))
    assert rows is not None
    below = np.flatnonzero(market.screen(market.frame(world.now)) < 1)
    assert set(below.tolist()) <= set(rows.tolist())
    assert len(rows) < ACCOUNTS * 3 // 4


def test_lookout__one_price_jumps_and_another_falls__looks_at_those_in_danger_alone() -> None:
    world = a_market(11, seed=7)
    market, lookout = world.market, Lookout()
    lookout.rest(market, market.frame(world.now))
    risen, fallen = market.assets()[:2]
    prices = {risen.address: (risen.price or 0) * 11 // 10, fallen.address: (fallen.price or 0) * 9 // 10}
    frame = market.frame(world.now, prices)
    with patch.multiple(module, FEW=10, SHARE=1):
        rows = lookout.suspects(market, frame)
    assert rows is not None
    everybody = np.arange(len(world.book.accounts()))
    assert rows.tolist() == np.flatnonzero(market.screen_of(everybody, frame) < 1).tolist()
    assert 0 < len(rows) < len(everybody) * 2 // 3
    with patch.multiple(module, FEW=10):
        assert lookout.suspects(market, frame) is None  # nearly all are suspects by the bound


def test_lookout__price_appears__asks_for_a_full_screen() -> None:
    world = a_market(11, seed=7)
    market, lookout = world.market, Lookout()
    asset = market.assets()[0].address
    lookout.rest(market, market.frame(world.now, {asset: 0}))
    assert lookout.suspects(market, market.frame(world.now)) is None


def test_lookout__price_more_than_halved__asks_for_a_full_screen() -> None:
    world = a_market(11, seed=7)
    market, lookout = world.market, Lookout()
    lookout.rest(market, market.frame(world.now))
    info = market.assets()[0]
    prices = {info.address: (info.price or 0) * 49 // 100}
    assert lookout.suspects(market, market.frame(world.now, prices)) is None


def test_lookout__next_block_is_expected_earlier__still_looks_at_few() -> None:
    world = a_market(11, seed=7)
    market, lookout = world.market, Lookout()
    lookout.rest(market, market.frame(world.now + 12))
    rows = lookout.suspects(market, market.frame(world.now + 11))
    assert rows is not None
    assert len(rows) < ACCOUNTS * 3 // 4


def test_lookout__index_falls__asks_for_a_full_screen() -> None:
    world = a_market(11, seed=7)
    market, lookout = world.market, Lookout()
    asset = market.assets()[0].address
    world.accrue(asset, 2 * RAY, 2 * RAY)
    lookout.rest(market, market.frame(world.now))
    world.accrue(asset, RAY, RAY)
    assert lookout.suspects(market, market.frame(world.now)) is None
