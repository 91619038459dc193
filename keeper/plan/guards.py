"""What the operator forbids, whatever it would pay: applied to finished plans."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from keeper.plan.model import Plan, Reason, Rejection
from keeper.plan.profit import to_usd
from keeper.plan.verdict import dollars
from keeper.protocols.base import Market
from keeper.risk.worth import worth
from keeper.types import BPS, Address


@dataclass(frozen=True, slots=True)
class Guards:
    """The operator's bounds. USD have 8 decimals; None and empty sets forbid nothing.

    `deny` and `allow` name borrowers and tokens: a plan that touches a denied one is dropped; with
    `allow`, its borrower or both of its tokens have to be in it. `oracle_gap` (bps) is how far the exchange's
    price may be from the oracle's. Without `toxic`, accounts are left alone whose loan-to-value exceeds
    1 / (1 + bonus): each further liquidation of these adds bad debt (Qin et al. 2021, §5; Warmuz et al.
    2022, "Toxic liquidation spirals").
    """

    max_plan_usd: int | None = None
    deny: frozenset[Address] = frozenset()
    allow: frozenset[Address] = frozenset()
    oracle_gap: int | None = None
    toxic: bool = True

    def sift(
        self, market: Market, frame: Any, outcomes: Sequence[Plan | Rejection]
    ) -> list[Plan | Rejection]:
        """The same outcomes, with a rejection for each plan that a guard forbids."""
        return [self._guarded(market, frame, each) if isinstance(each, Plan) else each for each in outcomes]

    def _guarded(self, market: Market, frame: Any, plan: Plan) -> Plan | Rejection:
        objections = (each for step in plan.steps for each in self._objections(market, frame, step))
        objection = next(objections, None)
        if objection is None:
            return plan
        return Rejection(plan.deployment, plan.account, plan.block, *objection, best=plan)

    def _objections(self, market: Market, frame: Any, plan: Plan) -> Iterator[tuple[Reason, str]]:
        debt, collateral = plan.opportunity.debt, plan.opportunity.collateral
        borrower = plan.borrower
        denied = {borrower, debt.address, collateral.address} & self.deny
        if denied:
            yield Reason.DENIED, f"guards.deny has {', '.join(sorted(denied))}"
        if self.allow and borrower not in self.allow and not {debt.address, collateral.address} <= self.allow:
            yield Reason.DENIED, "guards.allow has neither the borrower nor both tokens"
        repaid = to_usd(plan.settlement.repay, debt)
        if self.max_plan_usd is not None and repaid > self.max_plan_usd:
            limit = dollars(self.max_plan_usd)
            yield Reason.TOO_LARGE, f"it repays {dollars(repaid)}, guards.max_plan_usd is {limit}"
        if not collateral.price:
            if self.oracle_gap is not None or not self.toxic:
                yield Reason.PRICE_MISSING, f"no price of {collateral.symbol} to hold against the guards"
            return
        seized = to_usd(plan.settlement.seize, collateral)
        gap = abs(to_usd(plan.profit.swap_out, debt) - seized) * BPS // max(seized, 1)
        if self.oracle_gap is not None and gap > self.oracle_gap:
            apart = f"{Decimal(gap) / 100}% apart"
            yield Reason.ORACLE_GAP, f"exchange and oracle are {apart}, guards.oracle_gap_bps allows less"
        if self.toxic:
            return
        health = market.health(plan.account, frame)
        held = worth(market, health, frame) or health
        # What the protocol keeps of the bonus is gone for the account as well.
        lost = to_usd(plan.settlement.seize + plan.settlement.protocol_fee, collateral)
        if held.debt * lost > held.collateral * repaid:
            yield Reason.TOXIC, "its debt exceeds what the bonus leaves of its collateral"
