"""What the operator forbids: each guard lets pass what it should and names what it should not."""

from dataclasses import dataclass, replace
from typing import Any, cast

import pytest

from keeper.plan.guards import Guards
from keeper.plan.model import Plan, Reason, Rejection
from keeper.protocols.base import Health, Market
from keeper.types import USD, WAD, Address
from tests.execute_samples import USDC, WETH, account, block_ref, sample_plan

STRANGER = account(99)


@dataclass(frozen=True)
class Book:
    """A market with one account: what it has and owes, USD with 8 decimals."""

    collateral: int = 1_500 * USD
    debt: int = 1_400 * USD
    unit = "USD"

    def health(self, who: Address, frame: Any) -> Health:
        return Health(who, self.collateral, self.debt, WAD - 1, liquidatable=True)


def verdict(guards: Guards, plan: Plan, book: Book = Book()) -> Plan | Rejection:
    [outcome] = guards.sift(cast("Market", book), None, [plan])
    return outcome


def objection(guards: Guards, plan: Plan, book: Book = Book()) -> tuple[Reason, str]:
    outcome = verdict(guards, plan, book)
    assert isinstance(outcome, Rejection)
    assert (outcome.account, outcome.block, outcome.best) == (plan.account, plan.block, plan)
    return outcome.reason, outcome.detail


def sold_for(plan: Plan, usdc: int) -> Plan:
    return replace(plan, profit=replace(plan.profit, swap_out=usdc))


def test_sift__no_guards__everything_passes_in_order() -> None:
    rejection = Rejection("aave-core", account(2), block_ref(100), Reason.NO_ROUTE, "none")
    outcomes: list[Plan | Rejection] = [sample_plan(1), rejection, sample_plan(3)]
    assert Guards().sift(cast("Market", Book()), None, outcomes) == outcomes


@pytest.mark.parametrize("denied", [account(1), USDC.address, WETH.address])
def test_sift__denied_borrower_or_token__rejected_by_name(denied: Address) -> None:
    assert objection(Guards(deny=frozenset({denied})), sample_plan(1)) == (
        Reason.DENIED,
        f"guards.deny has {denied}",
    )
    assert verdict(Guards(deny=frozenset({STRANGER})), sample_plan(1)) == sample_plan(1)


@pytest.mark.parametrize(
    ("allow", "passes"),
    [
        ({account(1)}, True),
        ({USDC.address, WETH.address}, True),
        ({USDC.address}, False),
        ({STRANGER}, False),
        ({STRANGER, WETH.address}, False),
    ],
)
def test_sift__allow_list__the_borrower_or_both_tokens(allow: set[Address], passes: bool) -> None:
    guards, plan = Guards(allow=frozenset(allow)), sample_plan(1)
    if passes:
        assert verdict(guards, plan) == plan
    else:
        assert objection(guards, plan) == (
            Reason.DENIED,
            "guards.allow has neither the borrower nor both tokens",
        )


def test_sift__account_in_one_of_several_markets__its_borrower_is_what_lists_name() -> None:
    plan = sample_plan(1)
    keyed = replace(plan, opportunity=replace(plan.opportunity, account=Address(f"{account(1)}:0xabc")))
    assert objection(Guards(deny=frozenset({account(1)})), keyed)[0] is Reason.DENIED
    assert verdict(Guards(allow=frozenset({account(1)})), keyed) == keyed


def test_sift__denied_and_allowed__denied() -> None:
    both = frozenset({account(1)})
    assert objection(Guards(deny=both, allow=both), sample_plan(1))[0] is Reason.DENIED


def test_sift__largest_plan__counts_what_is_repaid_to_the_unit() -> None:
    guards = Guards(max_plan_usd=1_000 * USD)
    assert verdict(guards, sample_plan(1)) == sample_plan(1)  # repays 1000 USDC
    larger = sample_plan(1, repay=1_000_000_001)
    assert objection(guards, larger) == (
        Reason.TOO_LARGE,
        "it repays $1,000.00, guards.max_plan_usd is $1,000.00",
    )


@pytest.mark.parametrize(
    ("usdc", "passes"),
    # 0.525 WETH are worth 1050 dollars at the oracle's price.
    [
        (1_050_000_000, True),
        (1_029_000_000, True),
        (1_071_000_000, True),
        (1_028_000_000, False),
        (1_072_000_000, False),
    ],
)
def test_sift__oracle_gap__counts_in_both_directions(usdc: int, passes: bool) -> None:
    guards, plan = Guards(oracle_gap=200), sold_for(sample_plan(1), usdc)
    if passes:
        assert verdict(guards, plan) == plan
    else:
        reason, detail = objection(guards, plan)
        assert reason is Reason.ORACLE_GAP
        assert detail.startswith("exchange and oracle are 2.09% apart")


@pytest.mark.parametrize(
    ("debt", "toxic"),
    # Repaid are 1000 of debt; lost are 0.527 WETH, 1054 dollars: 1 / (1 + bonus) is 94.877 %.
    [(1_423_149_900, False), (1_423_149_905, False), (1_423_150_000, True), (1_600_000_000, True)],
)
def test_sift__toxic_account__the_whole_bonus_counts_with_the_protocols_part(debt: int, toxic: bool) -> None:
    book = Book(collateral=1_500 * USD, debt=debt * 100)
    plan = sample_plan(1)
    assert verdict(Guards(), plan, book) == plan
    if toxic:
        assert objection(Guards(toxic=False), plan, book)[0] is Reason.TOXIC
    else:
        assert verdict(Guards(toxic=False), plan, book) == plan


@pytest.mark.parametrize("guards", [Guards(oracle_gap=200), Guards(toxic=False)])
def test_sift__collateral_without_a_price__what_cannot_be_checked_does_not_pass(guards: Guards) -> None:
    plan = sample_plan(1)
    blind = replace(plan, opportunity=replace(plan.opportunity, collateral=replace(WETH, price=None)))
    assert objection(guards, blind) == (
        Reason.PRICE_MISSING,
        "no price of WETH to hold against the guards",
    )
    assert verdict(Guards(), blind) == blind


def test_sift__second_step_too_large__the_account_is_left_alone() -> None:
    plan = replace(sample_plan(1), second=sample_plan(1, repay=2_000_000_000))
    assert objection(Guards(max_plan_usd=1_500 * USD), plan)[0] is Reason.TOO_LARGE
    assert verdict(Guards(max_plan_usd=2_000 * USD), plan) == plan
