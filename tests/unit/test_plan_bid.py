"""The builder's share of a plan's profit, and what is left."""

from dataclasses import replace
from typing import Any

import pytest

from keeper.app.bids import Bidder
from keeper.errors import CallReverted
from keeper.plan.bid import with_bid
from keeper.plan.model import Plan, Reason, Rejection
from keeper.plan.profit import break_even
from keeper.types import BPS, USD, Address, Call
from tests.execute_samples import EXECUTOR, USDC, account, block_ref, sample_plan

PLAN = sample_plan()  # 50 USDC gross, 45 of them are the minimum


@pytest.mark.parametrize(("share", "bid"), [(0, 0), (5_000, 2_500_000), (10_000, 5_000_000)])
def test_with_bid__share_of_what_exceeds_the_minimum__never_touches_it(share: int, bid: int) -> None:
    found = with_bid(PLAN, share)
    assert found.profit.bid == bid == PLAN.profit.gross * found.bid_bps // BPS
    assert PLAN.profit.gross - bid >= PLAN.min_profit == found.min_profit
    assert found.profit.net_usd == PLAN.profit.net_usd - bid * 100


@pytest.mark.parametrize("gross", [1, 7, 45_000_000, 45_000_001, 123_456_789])
def test_with_bid__any_profit__leaves_the_least_wanted(gross: int) -> None:
    least = 1 * USD
    profit = replace(PLAN.profit, gross=gross, gross_usd=gross * 100, net_usd=gross * 100 - USD)
    plan = replace(PLAN, profit=profit, min_profit=break_even(profit, USDC, least))
    found = with_bid(plan, 9_999)
    if profit.net_usd < least:
        assert found == plan
    else:
        assert found.profit.net_usd >= least


class Chain:
    """Answers for the executor; counts the questions."""

    def __init__(self, word: bytes | None) -> None:
        self.word = word
        self.asked: list[Call] = []

    async def call(self, call: Call, *_: Any) -> bytes:
        self.asked.append(call)
        if self.word is None:
            raise CallReverted("no such function")
        return self.word


def bidder(word: bytes | None) -> tuple[Bidder, Chain]:
    chain: Any = Chain(word)
    return Bidder(chain, EXECUTOR, 5_000), chain


async def test_bid__debt_is_the_wrapped_native_token__bids_and_asks_once() -> None:
    found, chain = bidder(bytes(12) + bytes.fromhex(USDC.address[2:]))
    rejection = Rejection("aave-core", account(9), block_ref(100), Reason.NO_PAIR, "none")
    assert await found.bid([rejection]) == [rejection]
    assert chain.asked == []
    for _ in range(2):
        assert await found.bid([PLAN, rejection]) == [with_bid(PLAN, 5_000), rejection]
    assert [call.to for call in chain.asked] == [EXECUTOR]


@pytest.mark.parametrize("word", [bytes(32), bytes(12) + b"\x11" * 20, None, b""])
async def test_bid__executor_cannot_pay_in_it__no_bid(word: bytes | None) -> None:
    found, _ = bidder(word)
    outcomes: list[Plan | Rejection] = [PLAN]
    assert await found.bid(outcomes) == [PLAN]
    assert PLAN.opportunity.debt.address != Address("0x" + "11" * 20)
