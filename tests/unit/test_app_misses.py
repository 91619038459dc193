"""Why liquidations by others were not ours."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest

from keeper.app.misses import Misses
from keeper.index.book import ColumnarBook
from keeper.index.follower import Liquidated
from keeper.ledger.missed import Why
from keeper.plan.model import Plan, Reason, Rejection
from keeper.protocols.base import AssetInfo, LiquidationEvent, Side
from keeper.types import USD, Address, Hash
from tests.execute_samples import block_ref, sample_plan

OURS, STRANGER = Address("0x" + "0e" * 20), Address("0x" + "57" * 20)
DEBT = AssetInfo(0, Address("0x" + "01" * 20), "USDC", 6, USD)
COLLATERAL = AssetInfo(1, Address("0x" + "02" * 20), "WETH", 18, 3_000 * USD)


def market(*accounts: Address) -> Any:
    book = ColumnarBook()
    for account in accounts:
        book.set_quantity(account, 0, Side.DEBT, 1)
    return cast("Any", SimpleNamespace(deployment="devnet", book=book, assets=lambda: [DEBT, COLLATERAL]))


def liquidated(account: Address, liquidator: Address = STRANGER) -> Liquidated:
    event = LiquidationEvent(account, DEBT.address, COLLATERAL.address, 2_900 * 10**6, 10**18, liquidator)
    return Liquidated(event, 12, 1_700_000_000, Hash("0x" + "ab" * 32), 0)


def plan_for(account: Address) -> Plan:
    return replace(sample_plan(), opportunity=replace(sample_plan().opportunity, account=account))


def refused(account: Address) -> Rejection:
    return Rejection("devnet", account, block_ref(11), Reason.UNPROFITABLE, "too thin")


@pytest.mark.parametrize(
    ("decided", "known", "flying", "why", "detail"),
    [
        (None, 0, False, Why.NOT_TRACKED, "the book did not have the account"),
        (None, 1, False, Why.SAME_BLOCK, "liquidatable for the first time in the block that liquidated it"),
        (plan_for, 1, True, Why.OUTBID, "ours was on its way"),
        (plan_for, 1, False, Why.LATE, "3 blocks after we saw it: liquidate for $"),
        (refused, 1, False, Why.REJECTED, "unprofitable: too thin"),
    ],
)
def test_classify__what_was_decided__is_the_reason(
    decided: Any, known: int, flying: bool, why: Why, detail: str
) -> None:
    account = Address("0x" + "a1" * 20)
    misses = Misses(OURS)
    if decided:
        misses.remember("devnet", 9, [decided(account)])
        misses.remember("devnet", 11, [decided(account)])
    flight = {("devnet", account)} if flying else set()
    (found,) = misses.classify(market(account), [liquidated(account)], known, flight)
    assert found.why is why
    assert found.detail.startswith(detail)
    assert found.bonus_usd == 100 * USD


def test_classify__ours__is_no_miss() -> None:
    account = Address("0x" + "a1" * 20)
    assert Misses(OURS).classify(market(account), [liquidated(account, OURS)], 1, set()) == []


def test_remember__account_is_no_candidate_any_more__is_forgotten() -> None:
    account = Address("0x" + "a1" * 20)
    misses = Misses(OURS)
    misses.remember("devnet", 9, [refused(account)])
    misses.remember("other", 9, [])
    misses.remember("devnet", 10, [])
    (found,) = misses.classify(market(account), [liquidated(account)], 1, set())
    assert found.why is Why.SAME_BLOCK
