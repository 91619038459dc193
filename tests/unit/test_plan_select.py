"""What goes out now, in which order and company."""

from dataclasses import replace
from typing import cast

from keeper.plan.model import Leg, Plan, Profit, Reason, Route
from keeper.plan.select import RESERVE, affordable, batched, ranked, without
from keeper.protocols.base import AssetInfo, Dialect, Instruction, Opportunity, Settlement
from keeper.types import USD, ZERO_ADDRESS, Address, BlockRef, Hash

ZERO_HASH = Hash("0x" + "00" * 32)
TOKEN = AssetInfo(0, ZERO_ADDRESS, "USD", 6, USD)


def plan(number: int, net: int, gas: int = 700_000) -> Plan:
    account = Address(f"0x{number:040x}")
    return Plan(
        deployment="stub",
        borrower=account,
        block=BlockRef(1, ZERO_HASH, ZERO_HASH, 0, 0),
        opportunity=Opportunity(account, TOKEN, TOKEN, ((1, 2),)),
        instruction=Instruction(Dialect.AAVE, ZERO_ADDRESS),
        settlement=Settlement(2, 3, 0),
        route=Route((), 3, 3, 0),
        profit=Profit(3, 2, 0, 1, 1, gas, 1, 1, net),
        min_profit=0,
    )


def numbers(plans: object) -> list[int]:
    return [int(item.account, 16) for item in cast("list[Plan]", plans)]


def test_without__account_in_flight__rejected_with_its_plan() -> None:
    plans = [plan(1, 10), plan(2, 20), plan(3, 30)]
    kept, dropped = without(plans, frozenset({("stub", plans[1].account), ("other", plans[0].account)}))
    assert kept == [plans[0], plans[2]]
    assert [(item.reason, item.account, item.best) for item in dropped] == [
        (Reason.IN_FLIGHT, plans[1].account, plans[1])
    ]


def test_ranked__by_net_profit__ties_by_account() -> None:
    assert numbers(ranked([plan(3, 5), plan(1, 7), plan(2, 5)])) == [1, 2, 3]


def test_batched__step_limit__most_valuable_first() -> None:
    batches = batched([plan(number, number) for number in range(1, 6)], max_steps=2, gas_limit=10**9)
    assert [numbers(batch) for batch in batches] == [[5, 4], [3, 2], [1]]


def test_batched__gas_limit__starts_another_transaction() -> None:
    plans = [plan(1, 9, gas=600), plan(2, 8, gas=400), plan(3, 7, gas=1), plan(4, 6, gas=999)]
    assert [numbers(batch) for batch in batched(plans, 32, 1000)] == [[1, 2], [3, 4]]


def test_batched__plan_larger_than_the_limit__stands_alone() -> None:
    plans = [plan(1, 9, gas=5000), plan(2, 8, gas=10), plan(3, 7, gas=10)]
    assert [numbers(batch) for batch in batched(plans, 32, 1000)] == [[1], [2, 3]]


def test_batched__no_plans__no_transaction() -> None:
    assert batched([], 32, 1000) == []


def test_batched__routers_sell_for_two__they_do_not_share_a_transaction() -> None:
    route = Route((Leg(ZERO_ADDRESS, (), 3, b"call"),), 3, 3, 0)
    routed = [replace(plan(number, number), route=route) for number in (1, 3)]
    batches = batched([*routed, plan(2, 2)], max_steps=5, gas_limit=10**9)
    assert [numbers(batch) for batch in batches] == [[3, 2], [1]]


def test_batched__value_limit__no_transaction_carries_more_unless_one_plan_does() -> None:
    plans = [plan(1, 90), plan(2, 60), plan(3, 50), plan(4, 40), plan(5, 10)]
    batches = batched(plans, max_steps=32, gas_limit=10**9, value_limit=80)
    assert [numbers(batch) for batch in batches] == [[1], [2], [3], [4, 5]]


def test_ranked__turns__before_profit() -> None:
    assert numbers(ranked([plan(1, 9), replace(plan(2, 5), turn=1), replace(plan(3, 7), turn=2)])) == [
        1,
        2,
        3,
    ]


def test_affordable__purse_runs_out__the_first_turns_are_paid_for() -> None:
    plans = [plan(1, 9, gas=100), plan(2, 8, gas=300), plan(3, 7, gas=100)]
    kept, dropped = affordable(plans, 250 * RESERVE)
    assert numbers(kept) == [1, 3]
    assert [(item.reason, item.best) for item in dropped] == [(Reason.NO_GAS_MONEY, plans[1])]


def test_affordable__chain_takes_a_data_fee__it_is_put_aside_too() -> None:
    plain, dear = plan(1, 9, gas=100), plan(2, 8, gas=100)
    dear = replace(dear, profit=replace(dear.profit, data_fee=1))
    assert numbers(affordable([dear], 100 * RESERVE)[0]) == []
    assert numbers(affordable([dear], 101 * RESERVE)[0]) == [2]
    assert numbers(affordable([plain, dear], 200 * RESERVE)[0]) == [1]
