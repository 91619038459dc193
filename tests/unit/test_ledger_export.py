"""Rows as files: CSV and Parquet hold the same, exactly."""

import csv
import sys
from pathlib import Path

import pytest
from pyarrow import parquet

from keeper.errors import ConfigError
from keeper.ledger.export import flat, write_csv, write_parquet

ROWS = [
    {"batch": "a", "block": 2**40, "expected": {"repay": str(10**40)}, "attempts": [{"sent_ms": 4.5}]},
    {"batch": "b", "block": 7, "expected": {"repay": "1"}, "attempts": [], "reason": "late"},
]


def test_flat__list_of_attempts__is_numbered() -> None:
    assert flat({"attempts": [{"sent_ms": 1}, {"sent_ms": 2}], "x": {"y": 3}}) == {
        "attempts.0.sent_ms": 1,
        "attempts.1.sent_ms": 2,
        "x.y": 3,
    }


def test_write_parquet__nested_rows__gives_back_every_value_and_nothing_for_the_missing(
    tmp_path: Path,
) -> None:
    file = tmp_path / "ledger.parquet"
    assert write_parquet(file, ROWS) == 2
    assert parquet.read_table(file).to_pylist() == [
        {
            "batch": "a",
            "block": 2**40,
            "expected.repay": str(10**40),
            "attempts.0.sent_ms": 4.5,
            "reason": None,
        },
        {"batch": "b", "block": 7, "expected.repay": "1", "attempts.0.sent_ms": None, "reason": "late"},
    ]


def test_write_parquet__no_rows__is_an_empty_table(tmp_path: Path) -> None:
    assert write_parquet(tmp_path / "empty.parquet", []) == 0
    assert parquet.read_table(tmp_path / "empty.parquet").num_rows == 0


def test_write_csv__same_rows__has_the_same_columns(tmp_path: Path) -> None:
    file = tmp_path / "ledger.csv"
    assert write_csv(file, ROWS) == 2
    with file.open(encoding="utf-8", newline="") as stream:
        first, second = csv.DictReader(stream)
    assert first["expected.repay"] == str(10**40)
    assert (second["attempts.0.sent_ms"], second["reason"]) == ("", "late")


def test_write_parquet__extra_is_not_installed__says_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ConfigError, match=r"pip install 'keeper\[parquet\]'"):
        write_parquet(tmp_path / "ledger.parquet", ROWS)


@pytest.mark.parametrize("write", [write_csv, write_parquet])
def test_write__folder_does_not_exist__names_the_option_and_the_file(write: object, tmp_path: Path) -> None:
    assert callable(write)
    with pytest.raises(ConfigError, match=r"--(csv|parquet) .*nowhere.*cannot be written"):
        write(tmp_path / "nowhere" / "ledger", ROWS)
