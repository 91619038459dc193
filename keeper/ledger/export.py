"""Rows for spreadsheets and data frames."""

import csv
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from keeper.errors import ConfigError


def flat(fields: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested fields as one level, their names joined with dots."""
    found: dict[str, Any] = {}
    for name, value in fields.items():
        if isinstance(value, Mapping):
            found |= flat(value, f"{prefix}{name}.")
        else:
            found[prefix + name] = value
    return found


def write_csv(file: Path, rows: Iterable[Mapping[str, Any]]) -> int:
    """Write `rows` with a header line; returns how many.

    Integers stay whole: amounts are decimal strings already.

    Raises:
        ConfigError: the file cannot be written.
    """
    flattened = [flat(row) for row in rows]
    columns = list(dict.fromkeys(name for row in flattened for name in row))
    try:
        with file.open("w", encoding="utf-8", newline="") as stream:
            writer = csv.DictWriter(stream, columns)
            writer.writeheader()
            writer.writerows(flattened)
    except OSError as error:
        raise ConfigError(f"--csv {file}: cannot be written ({error.strerror}); check the path") from None
    return len(flattened)
