"""Fee arithmetic: first quotes, replacements that mempools take, ceilings."""

import pytest

from keeper.execute.fees import (
    Quote,
    Raise,
    break_even_price,
    bumped_fees,
    cancel_fees,
    first_fees,
    market_fees,
    outbids,
    purge_fees,
)
from keeper.execute.model import Fees
from keeper.ports import BlockFees
from tests.execute_samples import sample_step

GWEI = 10**9


def test_first_fees__room_below_the_ceiling__cap_is_tip_and_twice_the_base_fee() -> None:
    assert first_fees(Quote(2 * GWEI, 30 * GWEI), 300 * GWEI) == Fees(2 * GWEI, 62 * GWEI)


def test_first_fees__ceiling_in_the_way__cap_stops_there() -> None:
    assert first_fees(Quote(2 * GWEI, 30 * GWEI), 40 * GWEI) == Fees(2 * GWEI, 40 * GWEI)
    assert first_fees(Quote(50 * GWEI, 30 * GWEI), 40 * GWEI) == Fees(40 * GWEI, 40 * GWEI)


def test_first_fees__ceiling_at_the_base_fee__none() -> None:
    assert first_fees(Quote(2, 30), 30) is None


@pytest.mark.parametrize(
    "previous", [Fees(0, 0), Fees(0, 7), Fees(1, 9), Fees(2 * GWEI, 62 * GWEI), Fees(5, 5)]
)
def test_bumped_fees__any_previous__both_fields_rise_by_a_tenth_and_a_wei(previous: Fees) -> None:
    fees = bumped_fees(previous, Quote(0, 0), 10**30)
    assert fees is not None
    assert fees.tip * 10 >= previous.tip * 11 + 10
    assert fees.cap * 10 >= previous.cap * 11 + 10
    assert fees.tip <= fees.cap


def test_bumped_fees__base_fee_rose__follows_the_fresh_quote() -> None:
    assert bumped_fees(Fees(GWEI, 3 * GWEI), Quote(2 * GWEI, 50 * GWEI), 300 * GWEI) == Fees(
        2 * GWEI, 102 * GWEI
    )


def test_bumped_fees__fresh_quote_above_the_ceiling__stops_there() -> None:
    assert bumped_fees(Fees(GWEI, 3 * GWEI), Quote(2 * GWEI, 50 * GWEI), 60 * GWEI) == Fees(
        2 * GWEI, 60 * GWEI
    )


def test_bumped_fees__least_raise_above_the_ceiling__none() -> None:
    assert bumped_fees(Fees(GWEI, 100 * GWEI), Quote(GWEI, 30 * GWEI), 110 * GWEI) is None
    assert bumped_fees(Fees(GWEI, 100 * GWEI), Quote(GWEI, 30 * GWEI), 110 * GWEI + 1) is not None


def test_break_even_price__batch_of_two__gas_at_that_price_costs_the_profit() -> None:
    steps = [sample_step(1, simulated=49_000_000), sample_step(2, simulated=1_000_000)]
    price = break_even_price(steps, 1_000_000)
    # 50 USD at 2000 USD an ether is 0.025 ether.
    assert price == 25 * 10**15 // 1_000_000


def test_break_even_price__data_fee_is_due_anyway__only_the_rest_buys_gas() -> None:
    # 50 USD are 0.025 ether; the same batch with 0.005 ether for its bytes.
    steps = [sample_step(1, simulated=50_000_000).costing(500_000, 5 * 10**15)]
    assert break_even_price(steps, 1_000_000) == pytest.approx(20 * 10**15 // 1_000_000, rel=1e-7)
    ruined = [sample_step(1, simulated=50_000_000).costing(500_000, 26 * 10**15)]
    assert break_even_price(ruined, 1_000_000) == 0


def test_break_even_price__gas_is_free__no_limit() -> None:
    assert break_even_price([sample_step(gas=0)], 1_000_000) is None


def test_bumped_fees__dearer_than_a_multiple_of_the_quote__none_above_the_free_range() -> None:
    rule = Raise(multiple=5, free=100 * GWEI)
    quote = Quote(GWEI, 10 * GWEI)  # 21 gwei
    assert bumped_fees(Fees(GWEI, 95 * GWEI), quote, 300 * GWEI, rule) is not None
    assert bumped_fees(Fees(GWEI, 100 * GWEI), quote, 300 * GWEI, rule) is None
    assert bumped_fees(Fees(GWEI, 100 * GWEI), Quote(GWEI, 20 * GWEI), 300 * GWEI, rule) is not None


def test_market_fees__no_mempool__priced_anew_only_when_the_market_left_it_behind() -> None:
    assert market_fees(Fees(0, 100), Quote(0, 100), 300) is None
    assert market_fees(Fees(0, 100), Quote(0, 101), 300) == Fees(0, 202)
    assert market_fees(Fees(0, 100), Quote(0, 400), 300) is None


def test_cancel_fees__dearer_than_the_quote_allows_a_payload__allowed() -> None:
    previous, quote = Fees(50 * GWEI, 290 * GWEI), Quote(GWEI, GWEI)
    assert bumped_fees(previous, quote, 300 * GWEI) is None
    fees = cancel_fees(previous, quote, 600 * GWEI)
    assert fees is not None
    assert fees.cap * 10 >= previous.cap * 11
    assert cancel_fees(None, quote, 600 * GWEI) == Fees(GWEI, 3 * GWEI)


def test_purge_fees__all_that_may_be_paid() -> None:
    assert purge_fees(Fees(GWEI, 3 * GWEI), Quote(3 * GWEI, GWEI), 600 * GWEI) == Fees(6 * GWEI, 600 * GWEI)


@pytest.mark.parametrize(
    ("blocks", "expected"),
    [
        ([], False),
        ([BlockFees(10, 0)], True),
        ([BlockFees(10, 4)], True),
        ([BlockFees(10, 5)], False),
        ([BlockFees(97, 4)], False),
        ([BlockFees(101, 0)], False),
        ([BlockFees(10, 4), BlockFees(10, 6)], False),
    ],
)
def test_outbids__tip_left_above_the_base_fee__compared_with_every_block(
    blocks: list[BlockFees], expected: bool
) -> None:
    assert outbids(Fees(5, 100), blocks) is expected
