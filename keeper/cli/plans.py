"""`keeper plans`: what could be liquidated now, and what it would pay."""

from collections import defaultdict
from typing import Annotated, Any

import typer

from keeper.app.appraise import Appraiser
from keeper.app.view import View
from keeper.cli.options import ConfigOption, JsonOption
from keeper.cli.output import make_table, print_json, print_table, token, usd
from keeper.cli.reading import read
from keeper.plan.model import Plan, Rejection
from keeper.protocols.base import FlashKind
from keeper.types import Address, borrower, checksum, counted, section

PAID_BY = {FlashKind.NONE: "owner", FlashKind.FLASH_SWAP: "flash_swap"}
"""Who pays before the collateral is sold, besides lenders."""


def plans(
    config: ConfigOption = None,
    json: JsonOption = False,
    limit: Annotated[int | None, typer.Option(help="Show at most this many.", min=1)] = None,
) -> None:
    """Candidates now, ranked by expected net profit, with the whole breakdown."""

    async def show(view: View) -> None:
        appraiser = Appraiser(view)
        outcomes = [found for market in view.markets for found in await appraiser.candidates(market)]
        rank(outcomes)
        if json:
            print_json([plan_fields(outcome) for outcome in outcomes[:limit]])
        elif not outcomes:
            print_table(f"No account can be liquidated at block {view.block.number}.")
        else:
            _print(view, outcomes[:limit])

    read(config, None, show)


def plan_fields(outcome: Plan | Rejection) -> dict[str, Any]:
    """A plan, or the best try of a rejected account, as JSON fields; amounts are decimal strings.

    `reason` is null for a plan. `expected_profit` is the net profit in USD with 8 decimals. `paid_by` is
    "lender", "flash_swap" or "owner", null where the protocol waits for its money.
    """
    plan = outcome if isinstance(outcome, Plan) else outcome.best
    fields: dict[str, Any] = {
        "deployment": outcome.deployment,
        "market": section(outcome.account),
        "account": checksum(borrower(outcome.account)),
        "block": outcome.block.number,
        "reason": None if isinstance(outcome, Plan) else outcome.reason.value,
        "detail": None if isinstance(outcome, Plan) else outcome.detail,
    }
    if plan is None:
        empty = ("debt_asset", "collateral_asset", "repay", "seize", "expected_profit", "gas")
        return fields | dict.fromkeys(empty)
    profit, settlement = plan.profit, plan.settlement
    return fields | {
        "debt_asset": checksum(plan.opportunity.debt.address),
        "collateral_asset": checksum(plan.opportunity.collateral.address),
        "repay": str(settlement.repay),
        "seize": str(settlement.seize),
        "protocol_fee": str(settlement.protocol_fee),
        "expected_profit": str(profit.net_usd),
        "gas": profit.gas,
        "breakdown": {
            "swap_out": str(profit.swap_out),
            "flash_fee": str(profit.flash_fee),
            "gross": str(profit.gross),
            "gross_usd": str(profit.gross_usd),
            "gas_price": str(profit.gas_price),
            "data_fee": str(profit.data_fee),
            "gas_usd": str(profit.gas_usd),
            "bid": str(profit.bid),
            "net_usd": str(profit.net_usd),
            "min_profit": str(plan.min_profit),
            "lender": checksum(plan.loan.lender) if plan.loan else None,
            "paid_by": plan.loan and PAID_BY.get(plan.loan.kind, "lender"),
            "hops": [{"token_out": checksum(hop.token_out), "fee": hop.fee} for hop in plan.route.hops],
        },
    }


def rank(outcomes: list[Plan | Rejection]) -> None:
    """Sort in place by the net profit of an account, whatever its deployment; its steps stay together."""
    nets: dict[tuple[str, Address], int] = defaultdict(int)
    for outcome in outcomes:
        best = outcome if isinstance(outcome, Plan) else outcome.best
        nets[outcome.deployment, outcome.account] += best.profit.net_usd if best else 0
    outcomes.sort(
        key=lambda each: (isinstance(each, Plan), nets[each.deployment, each.account]),
        reverse=True,
    )


def _print(view: View, outcomes: list[Plan | Rejection]) -> None:
    count = len({(outcome.deployment, outcome.account) for outcome in outcomes})
    title = f"{counted(count, 'account')} can be liquidated at block {view.block.number}"
    words = ("deployment", "account", "pair")
    table = make_table(title, words, ("repay", "seize", "gross", "gas", "bid", "net"), ("why not",))
    for outcome in outcomes:
        why = "" if isinstance(outcome, Plan) else f"{outcome.reason.value}: {outcome.detail}"
        plan = outcome if isinstance(outcome, Plan) else outcome.best
        table.add_row(
            outcome.deployment,
            checksum(borrower(outcome.account)),
            *(plan_cells(plan) if plan else [""] * 7),
            why,
        )
    print_table(table)


def plan_cells(plan: Plan) -> list[str]:
    """Pair, repay, seize, gross, gas, bid and net of a plan for people."""
    debt, collateral, profit = plan.opportunity.debt, plan.opportunity.collateral, plan.profit
    return [
        f"{collateral.symbol} → {debt.symbol}",
        f"{token(plan.settlement.repay, debt.decimals)} {debt.symbol}",
        f"{token(plan.settlement.seize, collateral.decimals)} {collateral.symbol}",
        usd(profit.gross_usd),
        usd(profit.gas_usd),
        usd(profit.gross_usd - profit.gas_usd - profit.net_usd),
        usd(profit.net_usd),
    ]
