"""The bloom filter; tests/integration/test_chain_completeness.py compares it with a node's."""

from keeper.chain.bloom import bloom_of, mask, may_contain
from keeper.types import Address, Log
from tests.logs import mined

ADDRESS = Address("0x095e7baea6a6c7c4c2dfeb977efac326af552d87")


def log(*topics: str) -> Log:
    return mined(ADDRESS, topics)


def test_mask__any_item__has_at_most_three_bits() -> None:
    counts = {mask(f"0x{number:064x}").bit_count() for number in range(300)}
    assert counts <= {1, 2, 3}
    assert 3 in counts


def test_may_contain__what_was_logged__is_always_suggested() -> None:
    topics = [f"0x{number:064x}" for number in range(5)]
    bloom = bloom_of([log(*topics)])
    assert may_contain(bloom, ADDRESS)
    assert all(may_contain(bloom, topic) for topic in topics)
    assert not may_contain(bloom, "0x" + "11" * 20)
    assert not may_contain(0, ADDRESS)
