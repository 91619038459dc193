"""`keeper explain ACCOUNT`: legs, health, what would make it cross, and the best plan or why not."""

from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from rich.table import Table

from keeper.app.appraise import Appraiser
from keeper.app.view import View
from keeper.cli.options import ConfigOption, JsonOption
from keeper.cli.output import factor, make_table, print_json, print_table, usd
from keeper.cli.plans import plan_cells, plan_fields
from keeper.cli.reading import read
from keeper.errors import ConfigError, Degraded
from keeper.plan.model import Plan, Rejection
from keeper.protocols.base import Health, Market
from keeper.risk.crossing import PriceCrossing, price_crossings, time_crossing
from keeper.types import Address, borrower, checksum, parse_address, section


def explain(
    account: Annotated[str, typer.Argument(help="Address of the borrower.")],
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Everything about one account."""
    try:
        address = parse_address(account)
    except ValueError as error:
        raise ConfigError(f"ACCOUNT: {error}") from None

    async def show(view: View) -> None:
        holding = [(market, key) for market in view.markets for key in _held(market, address)]
        documents = []
        for market, key in holding:
            health = market.health(key, view.frame(market))
            (outcome,) = await Appraiser(view).plan(market, [key]) if health.debt else (None,)
            if json:
                documents.append(_document(view, market, health, outcome))
            else:
                _print(view, market, health, outcome)
        if json:
            print_json(documents)
        if not holding:
            raise Degraded(f"{checksum(address)} has no position in any configured deployment")

    read(config, None, show)


def _held(market: Market, address: Address) -> list[Address]:
    """Keys of the accounts that `address` has in a deployment's markets."""
    accounts = market.book.accounts()
    return [key for key in accounts if borrower(key) == address and any(market.book.legs(key))]


def _document(view: View, market: Market, health: Health, outcome: Plan | Rejection | None) -> dict[str, Any]:
    crossings, when = _crossings(view, market, health)
    return {
        "deployment": market.deployment,
        "market": section(health.account) or market.name,
        "account": checksum(borrower(health.account)),
        "block": view.block.number,
        "unit": market.unit,
        "collateral": str(health.collateral),
        "debt": str(health.debt),
        "health_factor": str(health.health_factor),
        "liquidatable": health.liquidatable,
        "group": market.book.group(health.account),
        "legs": [
            {
                "asset": checksum(holding.asset.address),
                "symbol": holding.asset.symbol,
                "side": holding.side.name.lower(),
                "amount": str(holding.amount),
                "value": None if holding.value is None else str(holding.value),
                "enabled": holding.enabled,
            }
            for holding in market.holdings(health.account, view.frame(market))
        ],
        "crossing_prices": [
            {
                "asset": checksum(crossing.asset.address),
                "symbol": crossing.asset.symbol,
                "price": str(crossing.price),
                "now": str(crossing.asset.price),
                "direction": "falls" if crossing.falls else "rises",
            }
            for crossing in crossings
        ],
        "crossing_time": when,
        "plan": None if outcome is None else plan_fields(outcome),
    }


def _crossings(view: View, market: Market, health: Health) -> tuple[list[PriceCrossing], int | None]:
    if health.liquidatable or not health.debt:
        return [], None
    try:
        prices = price_crossings(market, health.account, view.block.timestamp)
        return prices, time_crossing(market, health.account, view.block.timestamp)
    except Degraded:
        return [], None


def _print(view: View, market: Market, health: Health, outcome: Plan | Rejection | None) -> None:
    state = "can be liquidated" if health.liquidatable else "is healthy"
    print_table(
        f"{checksum(borrower(health.account))} in {market.deployment} at block {view.block.number}: "
        f"health factor {factor(health.health_factor)}, {state}"
    )
    print_table(_holdings_table(view, market, health.account))
    crossings, when = _crossings(view, market, health)
    for crossing in crossings:
        verb = "falls to" if crossing.falls else "rises to"
        now = crossing.asset.price or 1
        change = (crossing.price - now) * 100 / now
        where = f"{usd(crossing.price)} ({change:+.1f}% from {usd(now)})"
        print_table(f"crosses when {crossing.asset.symbol} {verb} {where}")
    if when is not None:
        date = datetime.fromtimestamp(when, UTC).strftime("%Y-%m-%d %H:%M UTC")
        print_table(f"crosses by interest alone on {date}")
    if isinstance(outcome, Plan):
        pair, repay, seize, gross, gas, bid, net = plan_cells(outcome)
        sums = f"gross {gross} - gas {gas}{f' - bid {bid}' if outcome.bid_bps else ''} = net {net}"
        print_table(f"best plan {pair}: repay {repay}, seize {seize}, {sums}")
    elif outcome is not None:
        print_table(f"no plan, {outcome.reason.value}: {outcome.detail}")


def _holdings_table(view: View, market: Market, account: Address) -> Table:
    table = make_table("", ("side", "asset"), ("amount", "value"))
    for holding in market.holdings(account, view.frame(market)):
        side = holding.side.name.lower() + ("" if holding.enabled else " (not used)")
        value = "no price" if holding.value is None else usd(holding.value)
        amount = f"{holding.amount / 10**holding.asset.decimals:,.6f}"
        table.add_row(side, holding.asset.symbol, amount, value)
    return table
