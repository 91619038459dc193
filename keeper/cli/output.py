"""What goes to stdout: JSON for machines, tables and money for people.

An amount of money in JSON is a decimal string always (`str(amount)`), so that a field keeps its
type; `print_json` only catches what would otherwise lose digits in a reader with 53-bit numbers.
"""

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, is_dataclass
from enum import Enum
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console, RenderableType
from rich.table import Table

from keeper.types import MAX_UINT256, USD, WAD

EXACT_IN_JSON = 2**53
CENT = USD // 100
PIPE_WIDTH = 240
WORD, GAP = 12, 3
"""How far a column of words may be folded; between columns."""


def print_json(value: Any) -> None:
    """Print `value` as one JSON document on one line, at once: also the form of streams."""
    print(json.dumps(_encode(value), allow_nan=False), flush=True)  # noqa: T201 - stdout is the result


def print_table(content: RenderableType) -> None:
    """Print a table or a line for people; in a pipe it is not cut to a terminal's width.

    Square brackets are no markup here: token symbols come from strangers.
    """
    console = Console(file=sys.stdout, markup=False, highlight=False, emoji=False)
    if not sys.stdout.isatty():
        console.width = PIPE_WIDTH
    elif isinstance(content, Table):
        console.width = max(console.width, _least(content))
    console.print(content)


def make_table(title: str, words: Sequence[str], numbers: Sequence[str], more: Sequence[str] = ()) -> Table:
    """A table with columns of `words`, then of `numbers`, then `more` words.

    Nothing is cut: in a narrow terminal words fold, numbers stay whole.
    """
    table = Table(title=title or None, box=SIMPLE_HEAD, pad_edge=False, title_justify="left")
    for name in words:
        table.add_column(name, overflow="fold")
    for name in numbers:
        table.add_column(name, justify="right", no_wrap=True)
    for name in more:
        table.add_column(name, overflow="fold")
    return table


def _least(table: Table) -> int:
    """The width below which a terminal's own line breaks are easier to read than columns of two letters."""
    least = 0
    for column in table.columns:
        whole = max(len(str(cell)) for cell in (column.header, *column.cells))
        least += GAP + (whole if column.no_wrap else min(whole, WORD))
    return least


def usd(amount: int) -> str:
    """USD with 8 decimals as "$1,234.56"; an amount below a cent is not shown as nothing."""
    sign = "-" if amount < 0 else ""
    size = abs(amount)
    if 0 < size < CENT:
        return f"{sign}<$0.01"
    cents = (size + CENT // 2) // CENT
    return f"{sign}${cents // 100:,}.{cents % 100:02}"


def factor(wad: int) -> str:
    """A health factor cut to 4 decimals, so that 0.99999 never reads as healthy; ∞ without debt."""
    if wad == MAX_UINT256:
        return "∞"
    return f"{wad // WAD:,}.{wad % WAD // 10**14:04}"


def token(amount: int, decimals: int) -> str:
    """A token amount cut to 6 decimals: "1,234.5"; "<0.000001" where nothing else would be left."""
    sign = "-" if amount < 0 else ""
    whole, rest = divmod(abs(amount), 10**decimals)
    digits = f"{rest:0{decimals}}"[:6].rstrip("0") if decimals else ""
    if amount and not whole and not digits:
        return f"{sign}<0.000001"
    return f"{sign}{whole:,}" + (f".{digits}" if digits else "")


def _encode(value: Any) -> Any:
    value = _opened(value)
    if isinstance(value, Mapping):
        return {str(key): _encode(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_encode(item) for item in value]
    too_long = isinstance(value, int) and abs(value) > EXACT_IN_JSON
    return str(value) if too_long else value


def _opened(value: Any) -> Any:
    """Enums and messages as the plain values they are made of."""
    if isinstance(value, Enum):
        return value.value
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    return value._asdict() if isinstance(value, tuple) and hasattr(value, "_asdict") else value
