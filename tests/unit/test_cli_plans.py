"""The order of `keeper plans`."""

from dataclasses import replace

from keeper.cli.plans import rank
from keeper.plan.model import Plan, Reason, Rejection
from tests.execute_samples import account, block_ref, sample_plan


def plan(deployment: str, number: int, net: int) -> Plan:
    found = sample_plan(number)
    return replace(found, deployment=deployment, profit=replace(found.profit, net_usd=net))


def test_rank__several_deployments__is_by_what_an_account_pays_in_all_and_reasons_come_last() -> None:
    first, second = plan("a", 1, 10), plan("a", 1, 30)
    middle, small = plan("b", 2, 35), plan("a", 3, 20)
    nothing = Rejection("b", account(4), block_ref(100), Reason.UNPROFITABLE, "no")
    tried = Rejection("a", account(5), block_ref(100), Reason.BELOW_MINIMUM, "little", plan("a", 5, 99))
    outcomes: list[Plan | Rejection] = [nothing, small, tried, first, second, middle]
    rank(outcomes)
    assert outcomes == [first, second, middle, small, tried, nothing]
