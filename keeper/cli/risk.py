"""`keeper risk`: bad debt now, how far everyone is from liquidation, and what price shocks would do."""

from collections.abc import Sequence
from typing import Annotated, Any

import typer
from rich.table import Table

from keeper.app.view import View
from keeper.cli.options import ConfigOption, JsonOption
from keeper.cli.output import factor, make_table, print_json, print_table, usd
from keeper.cli.reading import read
from keeper.protocols.base import Market
from keeper.risk.report import RiskReport, report
from keeper.risk.stress import Shock, Stress, parse_shock
from keeper.types import counted

LINES = (
    ("accounts liquidated", "accounts", str),
    ("their collateral", "collateral", usd),
    ("their debt", "debt", usd),
    ("debt repaid by liquidators", "repaid", usd),
    ("debt above collateral (insolvency)", "insolvency", usd),
    ("bad debt left after liquidation (deficit)", "deficit", usd),
)


def risk(
    config: ConfigOption = None,
    json: JsonOption = False,
    block: Annotated[int | None, typer.Option(help="As of this block instead of the latest.", min=0)] = None,
    shock: Annotated[
        list[str] | None, typer.Option(help='Price change to try, e.g. "WETH=-30%". May be repeated.')
    ] = None,
) -> None:
    """Bad debt, distance to liquidation, and what price shocks would do. Needs no key."""
    shocks = [parse_shock(text) for text in shock or []]

    async def show(view: View) -> None:
        reports = [(market, report(market, view.block.timestamp, shocks)) for market in view.markets]
        if json:
            print_json([_document(view, market, found, shocks) for market, found in reports])
        for market, found in () if json else reports:
            _print(view, market, found, shocks)

    read(config, block, show)


def _document(view: View, market: Market, found: RiskReport, shocks: Sequence[Shock]) -> dict[str, Any]:
    return {
        "deployment": market.deployment,
        "market": market.name,
        "block": view.block.number,
        "unit": "USD",
        "accounts": found.accounts,
        "collateral": str(found.collateral),
        "debt": str(found.debt),
        "bad_debt": {"deficit": str(found.deficit), "insolvency": str(found.insolvency)},
        "unpriced_accounts": found.blind,
        "unvalued_accounts": found.unvalued,
        "ladder": [
            {
                "from": str(rung.low),
                "to": None if rung.high is None else str(rung.high),
                "accounts": rung.accounts,
                "collateral": str(rung.collateral),
                "debt": str(rung.debt),
            }
            for rung in found.ladder
        ],
        "shocks": {shock.symbol: f"{float(shock.change * 100):+g}%" for shock in shocks},
        "stress": found.stress and _stress_document(found.stress),
    }


def _stress_document(stress: Stress) -> dict[str, Any]:
    money = {name: str(getattr(stress, name)) for _, name, _ in LINES if name != "accounts"}
    return {"accounts": stress.accounts, **money}


def _print(view: View, market: Market, found: RiskReport, shocks: Sequence[Shock]) -> None:
    who = counted(found.accounts, "borrower")
    owe = (
        f"{who} {'owes' if found.accounts == 1 else 'owe'} {usd(found.debt)} against {usd(found.collateral)}"
    )
    print_table(f"{market.deployment} at block {view.block.number}: {owe}")
    print_table(
        f"Bad debt now: {usd(found.deficit)} booked by the protocol, "
        f"{usd(found.insolvency)} owed above collateral"
    )
    if found.blind:
        print_table(f"{found.blind} accounts cannot be judged: an oracle gives no price")
    if found.unvalued:
        print_table(f"{found.unvalued} accounts are in no sum: what they hold or owe has no price in USD")
    print_table(_ladder_table(found))
    if found.stress:
        names = ", ".join(f"{shock.symbol} {float(shock.change * 100):+g}%" for shock in shocks)
        table = make_table(f"If {names}", ("",), ("",))
        table.show_header = False
        for label, name, shown in LINES:
            table.add_row(label, shown(getattr(found.stress, name)))
        print_table(table)


def _ladder_table(found: RiskReport) -> Table:
    numbers = ("health factor", "accounts", "collateral", "debt")
    table = make_table("Distance to liquidation", (), numbers)
    for rung in found.ladder:
        bounds = f"from {factor(rung.low)}" if rung.high is None else f"below {factor(rung.high)}"
        style = "red" if not rung.low and rung.accounts else None
        table.add_row(bounds, str(rung.accounts), usd(rung.collateral), usd(rung.debt), style=style)
    return table
