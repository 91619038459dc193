"""Rows for spreadsheets and data frames."""

import csv
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from keeper.errors import ConfigError


def flat(fields: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested fields as one level, their names joined with dots; what a list holds is numbered from 0."""
    found: dict[str, Any] = {}
    for name, value in fields.items():
        if isinstance(value, Mapping):
            found |= flat(value, f"{prefix}{name}.")
        elif isinstance(value, list):
            found |= flat({str(place): each for place, each in enumerate(value)}, f"{prefix}{name}.")
        else:
            found[prefix + name] = value
    return found


def write_csv(file: Path, rows: Iterable[Mapping[str, Any]]) -> int:
    """Write `rows` with a header line; returns how many.

    Integers stay whole: amounts are decimal strings already.

    Raises:
        ConfigError: the file cannot be written.
    """
    flattened, columns = _table(rows)
    try:
        with file.open("w", encoding="utf-8", newline="") as stream:
            writer = csv.DictWriter(stream, columns)
            writer.writeheader()
            writer.writerows(flattened)
    except OSError as error:
        raise ConfigError(f"--csv {file}: cannot be written ({error.strerror}); check the path") from None
    return len(flattened)


def write_parquet(file: Path, rows: Iterable[Mapping[str, Any]]) -> int:
    """Write `rows` as one Parquet table; returns how many.

    Amounts stay decimal strings: Parquet's own decimals end at 76 digits, and readers' often at 38.

    Raises:
        ConfigError: the file cannot be written, or the extra `parquet` is not installed.
    """
    try:
        from pyarrow import ArrowException, Table, parquet  # noqa: PLC0415 - an extra
    except ImportError:
        raise ConfigError(
            f"--parquet {file}: pyarrow is not installed; run `pip install 'keeper[parquet]'` or use --csv"
        ) from None
    flattened, columns = _table(rows)
    try:
        parquet.write_table(
            Table.from_pydict({name: [row.get(name) for row in flattened] for name in columns}), file
        )
    except OSError as error:
        raise ConfigError(f"--parquet {file}: cannot be written ({error}); check the path") from None
    except ArrowException as error:
        raise ConfigError(f"--parquet {file}: {error}; use --csv") from None
    return len(flattened)


def _table(rows: Iterable[Mapping[str, Any]]) -> tuple[list[dict[str, Any]], Sequence[str]]:
    """Flat rows, and every name in them in the order first met."""
    flattened = [flat(row) for row in rows]
    return flattened, list(dict.fromkeys(name for row in flattened for name in row))
