"""`keeper positions`: accounts ranked by health."""

from decimal import Decimal
from typing import Annotated, Any

import typer

from keeper.app.view import View
from keeper.cli.options import ConfigOption, JsonOption
from keeper.cli.output import factor, make_table, print_json, print_table, token, usd
from keeper.cli.reading import read
from keeper.errors import ConfigError
from keeper.protocols.base import Health, Market, Side
from keeper.risk.scan import borrowers
from keeper.risk.worth import worth
from keeper.types import WAD, borrower, checksum, counted, section

SHOWN = 25


def positions(
    config: ConfigOption = None,
    json: JsonOption = False,
    block: Annotated[int | None, typer.Option(help="As of this block instead of the latest.", min=0)] = None,
    limit: Annotated[int | None, typer.Option(help="Show at most this many.", min=1)] = None,
    below: Annotated[str | None, typer.Option(help="Only health factors below this, e.g. 1.05.")] = None,
) -> None:
    """Accounts ranked by health, riskiest first."""
    bound = None if below is None else _bound(below)

    async def show(view: View) -> None:
        rows = [
            (market, health)
            for market in view.markets
            for health in borrowers(market, view.frame(market))[0]
            if bound is None or health.health_factor < bound
        ]
        rows.sort(key=lambda row: row[1].health_factor)
        if json:
            print_json([_document(view, market, health) for market, health in rows[:limit]])
        else:
            _print(view, rows, limit or SHOWN)

    read(config, block, show)


def _bound(text: str) -> int:
    try:
        return int(Decimal(text) * WAD)
    except (ArithmeticError, ValueError):
        raise ConfigError(f"--below {text!r}: not a number; write e.g. --below 1.05") from None


def _document(view: View, market: Market, health: Health) -> dict[str, Any]:
    return {
        "deployment": market.deployment,
        "market": section(health.account) or market.name,
        "account": checksum(borrower(health.account)),
        "collateral": str(health.collateral),
        "debt": str(health.debt),
        "unit": market.unit,
        "health_factor": str(health.health_factor),
        "liquidatable": health.liquidatable,
        "block": view.block.number,
        **{name: str(value) for name, value in health.details.items()},
    }


def _money(view: View, market: Market, health: Health) -> tuple[str, str]:
    """Collateral and debt for people: in dollars, or in tokens where a price is missing."""
    frame = view.frame(market)
    value = worth(market, health, frame)
    if value:
        return usd(value.collateral), usd(value.debt)
    sides: dict[Side, list[str]] = {side: [] for side in Side}
    for holding in market.holdings(health.account, frame):
        if holding.side is Side.DEBT or holding.enabled:
            asset = holding.asset
            sides[holding.side].append(f"{token(holding.amount, asset.decimals)} {asset.symbol}")
    return " + ".join(sides[Side.COLLATERAL]), " + ".join(sides[Side.DEBT])


def _print(view: View, rows: list[tuple[Market, Health]], limit: int) -> None:
    if not rows:
        print_table(f"No such account at block {view.block.number}.")
        return
    title = f"{counted(len(rows), 'account')} at block {view.block.number}, riskiest first"
    table = make_table(title, ("deployment", "account"), ("collateral", "debt", "health factor"))
    for market, health in rows[:limit]:
        style = "red" if health.liquidatable else None
        table.add_row(
            market.deployment,
            checksum(borrower(health.account)),
            *_money(view, market, health),
            factor(health.health_factor),
            style=style,
        )
    print_table(table)
    if len(rows) > limit:
        print_table(f"… and {len(rows) - limit} more; --limit shows them")
