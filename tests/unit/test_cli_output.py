"""Numbers for people and for machines."""

import io
import json
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple

import pytest
from rich.console import Console
from rich.table import Table

from keeper.cli.output import factor, make_table, print_json, print_table, token, usd
from keeper.types import MAX_UINT256, WAD, counted


class Colour(StrEnum):
    RED = "red"


class Pair(NamedTuple):
    left: int
    right: str


@dataclass(frozen=True, slots=True)
class Message:
    amount: int
    colour: Colour


@pytest.mark.parametrize(
    ("amount", "shown"),
    [
        (0, "$0.00"),
        (1, "<$0.01"),
        (-1, "-<$0.01"),
        (10**6, "$0.01"),
        (123456_78000000 - 1, "$123,456.78"),
        (1234_56000000, "$1,234.56"),
        (-5 * 10**7, "-$0.50"),
        (10**30, "$10,000,000,000,000,000,000,000.00"),
    ],
)
def test_usd__any_amount__reads_as_dollars(amount: int, shown: str) -> None:
    assert usd(amount) == shown


@pytest.mark.parametrize(
    ("wad", "shown"),
    [
        (MAX_UINT256, "∞"),
        (0, "0.0000"),
        (WAD, "1.0000"),
        (WAD - 1, "0.9999"),
        (1023456789 * 10**9, "1.0234"),
        (12345 * WAD, "12,345.0000"),
    ],
)
def test_factor__any_health__is_never_rounded_up(wad: int, shown: str) -> None:
    assert factor(wad) == shown


@pytest.mark.parametrize(
    ("amount", "decimals", "shown"),
    [
        (0, 18, "0"),
        (1, 18, "<0.000001"),
        (15 * 10**17, 18, "1.5"),
        (1234567890, 6, "1,234.56789"),
        (-1_500_000, 6, "-1.5"),
        (7, 0, "7"),
        (123, 2, "1.23"),
    ],
)
def test_token__any_amount__is_cut_to_six_decimals(amount: int, decimals: int, shown: str) -> None:
    assert token(amount, decimals) == shown


@pytest.mark.parametrize(
    ("value", "document"),
    [
        (2**53, 2**53),
        (2**53 + 1, str(2**53 + 1)),
        (-(2**60), str(-(2**60))),
        (True, True),
        ({"a": [10**20, None, 1.5]}, {"a": [str(10**20), None, 1.5]}),
        (Pair(10**18, "x"), {"left": str(10**18), "right": "x"}),
        ([Message(5, Colour.RED)], [{"amount": 5, "colour": "red"}]),
        ("∞", "∞"),
    ],
)
def test_print_json__any_value__is_one_line_that_loses_no_digit(
    value: Any, document: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    print_json(value)
    (line,) = capsys.readouterr().out.splitlines()
    assert json.loads(line) == document


def test_print_json__not_a_number__is_refused() -> None:
    with pytest.raises(ValueError, match="Out of range float values"):
        print_json(float("nan"))


def test_print_table__in_a_pipe__keeps_addresses_whole_and_brackets_literal(
    capsys: pytest.CaptureFixture[str],
) -> None:
    table = Table()
    for column in ("a", "b", "c", "d"):
        table.add_column(column)
    address = "0x" + "a" * 40
    table.add_row(address, address, address, "[red]TOKEN[/red]")
    print_table(table)
    out = capsys.readouterr().out
    assert out.count(address) == 3
    assert "[red]TOKEN[/red]" in out


def test_make_table__narrow_terminal__folds_words_and_cuts_nothing() -> None:
    address, amounts = "0x" + "0123456789" * 4, ("$1,234,567.89", "$98,765.43", "1.0244")
    table = make_table("", ("deployment", "account"), ("collateral", "debt", "health factor"))
    table.add_row("morpho-blue-devnet", address, *amounts)
    narrow = io.StringIO()
    Console(file=narrow, width=80).print(table)
    lines = narrow.getvalue().splitlines()
    assert "…" not in narrow.getvalue()
    assert [amount for amount in amounts if amount not in narrow.getvalue()] == []
    start = next(line.index("account") for line in lines if "account" in line)
    folded = "".join(line[start:].split()[0] for line in lines[3:] if line[start:].strip())
    assert folded == address
    assert max(map(len, lines)) <= 80


def test_print_table__many_numbers_in_a_narrow_terminal__leave_room_for_the_words(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    numbers = [f"number {index}" for index in range(6)]
    table = make_table("", ("account",), numbers)
    table.add_row("0xab", *(["1,234,567.89"] * 6))
    print_table(table)
    out = capsys.readouterr().out
    assert "0xab" in out
    assert out.count("1,234,567.89") == 6


def test_counted__one_and_many__agree_with_their_noun() -> None:
    assert [counted(count, "row") for count in (0, 1, 1000)] == ["0 rows", "1 row", "1,000 rows"]
    assert counted(2, "mismatch", "mismatches") == "2 mismatches"
