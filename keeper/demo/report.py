"""The demo's report: what fell, what the keeper did about it, and what it earned."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from rich import box
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from keeper.demo.story import Story
from keeper.ledger.model import LedgerEntry, Outcome
from keeper.ledger.pnl import totals
from keeper.risk.ladder import Rung
from keeper.types import USD, Mode, borrower, checksum, counted

SHOWN = 12
UNFAILED = {Outcome.SUCCESS, Outcome.PENDING}


def summary(story: Story) -> dict[str, Any]:
    """The numbers of the demo's last JSON line: money in USD with 8 decimals, gas in units."""
    sums = totals(story.entries, Mode.LIVE)
    return {
        "liquidations": sums.outcomes.get(Outcome.SUCCESS, 0),
        "gross_profit": sums.gross_usd,
        "net_profit": sums.net_usd,
        "gas_used": sums.gas_used,
        "bad_debt": story.after.deficit + story.after.insolvency,
        "seconds": round(story.seconds, 1),
        "accounts": len({entry.account for entry in story.entries if entry.outcome is Outcome.SUCCESS}),
        "failed": sum(count for outcome, count in sums.outcomes.items() if outcome not in UNFAILED),
        "left_unprofitable": len(story.rejected),
        "protocols": list(story.protocols),
        "by_deployment": dict(
            Counter(entry.deployment for entry in story.entries if entry.outcome is Outcome.SUCCESS)
        ),
    }


def render(story: Story) -> RenderableType:
    """The report for people."""
    return Group(*_parts(story))


def _parts(story: Story) -> Iterator[RenderableType]:
    found = summary(story)
    success = found["liquidations"]
    words = Text()
    words.append(counted(success, "liquidation"), style="bold green")
    words.append(f", {found['failed']} failed, net profit ")
    words.append(_usd(found["net_profit"]), style="bold green")
    words.append(f" after {_usd(found['gross_profit'] - found['net_profit'])} gas, bad debt ")
    bad_style = "bold green" if not found["bad_debt"] else "bold red"
    words.append(_usd(found["bad_debt"]), style=bad_style)
    words.append(", all repaid without capital of its own")
    title = f"Keeper demo: {', '.join(story.protocols)}"
    yield Panel(words, title=title, border_style="green", box=box.ROUNDED)
    yield _prices(story)
    yield _liquidations(story)
    yield _distance(story)
    if story.rejected:
        yield _left(story)


def _prices(story: Story) -> RenderableType:
    moved = [
        f"{symbol} {_usd(first)} → {_usd(last)} ({(last - first) * 100 / first:+.1f}%)"
        for symbol, (first, last) in story.prices.items()
        if first != last
    ]
    return Text("Prices fell: " + " · ".join(moved), style="dim")


def _liquidations(story: Story) -> RenderableType:
    table = Table(title="Best liquidations", box=box.SIMPLE_HEAD, title_justify="left")
    for name in ("block", "account", "repaid", "seized"):
        table.add_column(name, justify="right" if name in {"repaid", "seized"} else "left")
    for name in ("expected", "realised", "gas", "net"):
        table.add_column(name, justify="right")
    done = [entry for entry in story.entries if entry.outcome is Outcome.SUCCESS]
    done.sort(key=lambda entry: -(entry.realised.net_usd if entry.realised else 0))
    for entry in done[:SHOWN]:
        table.add_row(*_cells(story, entry))
    if len(done) > SHOWN:
        rest = sum(entry.realised.net_usd for entry in done[SHOWN:] if entry.realised)
        table.add_row("", f"… and {len(done) - SHOWN} more", "", "", "", "", "", _usd(rest), style="dim")
    return table


def _cells(story: Story, entry: LedgerEntry) -> list[str]:
    realised = entry.realised
    assert realised is not None, "a success is realised"
    short = checksum(borrower(entry.account))
    debt_symbol, debt_decimals = story.symbols[entry.debt]
    seized_symbol, seized_decimals = story.symbols[entry.collateral]
    return [
        str(realised.block),
        f"{short[:6]}…{short[-4:]}",
        f"{realised.repaid / 10**debt_decimals:,.2f} {debt_symbol}",
        f"{realised.seized / 10**seized_decimals:,.4f} {seized_symbol}",
        _usd(entry.expected.gross_usd),
        _usd(realised.profit_usd),
        _usd(realised.gas_usd),
        _usd(realised.net_usd),
    ]


def _distance(story: Story) -> RenderableType:
    table = Table(title="Borrowers by health factor", box=box.SIMPLE_HEAD, title_justify="left")
    table.add_column("")
    for before in story.before.ladder:
        table.add_column(_bounds(before), justify="right")
    for name, rungs in (("before", story.before.ladder), ("after", story.after.ladder)):
        table.add_row(name, *(str(rung.accounts) for rung in rungs))
    return table


def _bounds(rung: Rung) -> str:
    if rung.high is None:
        return f"≥{rung.low / 1e18:.2f}"
    return f"<{rung.high / 1e18:.2f}"


def _left(story: Story) -> RenderableType:
    lines = [f"  {each['account']}  {each['reason']}: {each['detail']}" for each in story.rejected]
    return Text("Left alone, and why:\n" + "\n".join(lines), style="dim")


def _usd(amount: int) -> str:
    return f"{'-' if amount < 0 else ''}${abs(amount) / USD:,.2f}"
