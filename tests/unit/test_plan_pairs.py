"""Which pools are looked up: all between a few tokens, of many only those that some market needs."""

from itertools import combinations

from keeper.plan.pairs import FEW, HUBS, pairs_to_know
from keeper.plan.uniswap_v3 import UniswapV3
from keeper.types import Address
from tests.unit.test_plan_uniswap_v3 import FACTORY, QUOTER, drive, exchange

TOKENS = [Address(f"0x{number:040x}") for number in range(1, 201)]
LOANS = TOKENS[:5]
MARKETS = [(collateral, LOANS[place % 5]) for place, collateral in enumerate(TOKENS[5:])]
"""Isolated markets of 195 collaterals that lend one of five tokens each."""


def test_pairs__a_pooled_market__any_two_tokens() -> None:
    assert pairs_to_know(TOKENS[:40], None) == set(combinations(TOKENS[:40], 2))


def test_pairs__few_tokens__any_two_of_them_even_of_isolated_markets() -> None:
    tokens = TOKENS[:FEW]
    assert pairs_to_know(tokens, [(tokens[0], tokens[1])]) == set(combinations(tokens, 2))


def test_pairs__many_isolated_markets__theirs_and_ways_over_hubs() -> None:
    pairs = pairs_to_know(TOKENS, MARKETS)
    assert all(one < other for one, other in pairs)
    hubs = {token for token in TOKENS if sum(token in pair for pair in pairs) > len(MARKETS) // 2}
    assert hubs == set(LOANS[:HUBS])
    assert {tuple(sorted(market)) for market in MARKETS} <= pairs
    for market in MARKETS:
        for token in market:
            assert {tuple(sorted((token, hub))) for hub in hubs - {token}} <= pairs


def test_pairs__a_loan_against_itself__needs_no_pool() -> None:
    one, other = TOKENS[:2]
    assert pairs_to_know(TOKENS, [(one, one), (other, one)]) == {(one, other)}


def test_pairs__200_tokens__a_twentieth_of_the_calls() -> None:
    asked = []
    for pairs in (pairs_to_know(TOKENS, None), pairs_to_know(TOKENS, MARKETS)):
        _, rounds = drive(UniswapV3(FACTORY, QUOTER).discover(pairs, 1), exchange({}))
        asked.append(sum(len(calls) for calls in rounds))
    everything, needed = asked
    assert everything == 4 * 200 * 199 // 2
    assert needed * 20 < everything


def test_pairs__tokens_without_debt_against_them__are_left_out() -> None:
    assert pairs_to_know(TOKENS, []) == set()
