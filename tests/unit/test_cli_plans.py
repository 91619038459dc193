"""What `keeper plans` says, and in which order."""

from dataclasses import replace

import pytest

from keeper.cli.plans import plan_fields, rank
from keeper.plan.funding import INVENTORY
from keeper.plan.model import Loan, Plan, Reason, Rejection
from keeper.protocols.base import FlashKind
from keeper.types import ZERO_ADDRESS
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


@pytest.mark.parametrize(
    ("loan", "paid_by"),
    [
        (sample_plan(1).loan, "lender"),
        (Loan(FlashKind.FLASH_SWAP, ZERO_ADDRESS), "flash_swap"),
        (INVENTORY.loan, "owner"),
        (None, None),
    ],
)
def test_plan_fields__somebody_pays_first__says_who(loan: Loan | None, paid_by: str | None) -> None:
    assert plan_fields(replace(sample_plan(1), loan=loan))["breakdown"]["paid_by"] == paid_by
