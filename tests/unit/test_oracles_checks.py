"""When the oracle is asked although its prices can be derived, and what a wrong derivation leads to."""

import pytest

from keeper.protocols.oracles.checks import AGGREGATOR_BLOCKS, Disagreement, PriceChecks
from keeper.types import BlockRef, Hash
from tests.aave_v3_world import address

SOURCE, ASSET = address(1), address(2)


def block(number: int) -> BlockRef:
    return BlockRef(number, Hash("0x01"), Hash("0x00"), 12 * number, 0)


def agree(checks: PriceChecks, prices: list[int]) -> int:
    """Agreement on `prices` in consecutive blocks; returns the number of the next block."""
    for number, price in enumerate(prices):
        checks.agreed(SOURCE, price, block(number))
    return len(prices)


def test_due__every_block__is_the_default() -> None:
    checks = PriceChecks(agreements=2)
    following = agree(checks, [1, 2, 3])
    assert all(checks.due(SOURCE, block(number)) for number in range(following, following + 20))


@pytest.mark.parametrize(("prices", "asked"), [([1, 2], True), ([1, 1, 1], True), ([1, 1, 2], False)])
def test_due__thinned__waits_for_agreements_of_which_one_is_on_a_new_price(
    prices: list[int], asked: bool
) -> None:
    checks = PriceChecks(every=10, agreements=3)
    following = agree(checks, prices)
    assert checks.due(SOURCE, block(following)) == asked


def test_due__thinned__comes_again_after_so_many_blocks_and_after_a_reorganisation() -> None:
    checks = PriceChecks(every=10, agreements=3)
    agree(checks, [1, 1, 2])
    assert [number for number in range(13) if checks.due(SOURCE, block(number))] == [0, 1, 2, 12]


def test_disagreement__trust_gained__starts_anew() -> None:
    checks = PriceChecks(every=10, agreements=3)
    following = agree(checks, [1, 1, 2])
    found = Disagreement(ASSET, SOURCE, 2, 3, following, relearnt=False)
    checks.disagreed(found)
    assert (list(checks.disagreements), checks.total) == ([found], 1)
    assert checks.due(SOURCE, block(following))


def test_proxies_due__blocks_leapt_over__are_not_missed() -> None:
    checks = PriceChecks()
    heads = [7, 8, 8 + AGGREGATOR_BLOCKS, 9 + AGGREGATOR_BLOCKS, 3, 4]
    assert [checks.proxies_due(block(number)) for number in heads] == [True, False, True, False, True, False]
