"""Errors in words: each problem one line with key, value, reason and fix."""

import json
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from difflib import get_close_matches
from pathlib import PurePath
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from keeper.config.keys import all_keys, find, is_secret_text, section_of
from keeper.config.secrets import Secret, public_url, scrub

SECRET_NAME = re.compile(r"key|secret|password|token|mnemonic|seed", re.IGNORECASE)

REASONS = {
    "int_type": "not a whole number",
    "int_parsing": "not a whole number",
    "int_parsing_size": "too large",
    "int_from_float": "not a whole number",
    "float_type": "not a number",
    "float_parsing": "not a number",
    "string_type": "not text",
    "string_too_short": "empty",
    "path_type": "not a file name",
    "model_type": "not a section",
    "tuple_type": "not a list",
    "too_short": "empty list",
    "missing": "required",
    "extra_forbidden": "unknown key",
}


def line(key: str, value: str, reason: str, fix: str) -> str:
    """The one form every configuration problem has."""
    return f"{key}: {value}: {reason}; {fix}"


def from_validation(error: ValidationError, origins: Mapping[str, str]) -> list[str]:
    """One line for each thing pydantic found. `origins` says which variable or flag set a key."""
    return [_describe(details, origins) for details in error.errors() if not _follows(details)]


def dotted(location: Sequence[str | int]) -> str:
    """("deployment", 0, "name") as "deployment[0].name"."""
    text = ""
    for part in location:
        text += f"[{part}]" if isinstance(part, int) else f".{part}"
    return text.removeprefix(".")


def _follows(details: ErrorDetails) -> bool:
    """A list is also "too short" when its entries are wrong; those are reported themselves."""
    return details["type"] == "too_short" and bool(details["input"])


def _describe(details: ErrorDetails, origins: Mapping[str, str]) -> str:
    location = [part for part in details["loc"] if part != "settings"]
    if isinstance(location[-1], int) and _is_plain_list(location):
        location.pop()  # the value itself says which entry of the list it is
    key = dotted(location)
    origin = f" ({origins[key]})" if key in origins else ""
    value = "not set" if details["type"] == "missing" else _shown(location, details["input"])
    return line(key + origin, value, _reason(details), _fix(location, details["type"]))


def _is_plain_list(location: Sequence[str | int]) -> bool:
    field = find(location)
    return field is not None and section_of(field) is None


def _shown(location: Sequence[str | int], value: Any) -> str:
    field = find(location)
    name = str(location[-1])
    if value is None or value in ([], ()):
        return "not set"
    if isinstance(value, Secret) or (field is not None and is_secret_text(field)):
        return "(secret)"
    if field is None and SECRET_NAME.search(name):
        return "(secret)"
    if isinstance(value, dict | list | tuple):
        return "{…}" if isinstance(value, dict) else "[…]"
    holds_urls = name == "url" or str(location[0]) in {"chain", "store"}
    if isinstance(value, str) and field is not None and holds_urls:
        value = public_url(value)
    if isinstance(value, Decimal | PurePath):
        value = str(value)
    return scrub(json.dumps(value, ensure_ascii=False, default=str), keys=True)[:80]


def _reason(details: ErrorDetails) -> str:
    kind = details["type"]
    if kind == "value_error":
        return str(details["ctx"]["error"])
    if kind in {"enum", "literal_error"}:
        return f"not one of {details['ctx']['expected']}"
    message = details["msg"].removeprefix("Input ")
    return REASONS.get(kind, message[:1].lower() + message[1:])


def _fix(location: Sequence[str | int], kind: str) -> str:
    if kind == "extra_forbidden":
        return _suggestion(dotted(location))
    field = find(location)
    if field is not None and (section := section_of(field)) is not None:
        header = f"[{location[0]}]" if field.annotation is section else f"[[{location[0]}]]"
        return f"write a section {header} (docs/configuration.md)"
    if field is not None and field.examples:
        return f"write e.g. {field.examples[0]}"
    return "see docs/configuration.md"


def _suggestion(key: str) -> str:
    section, _, last = re.sub(r"\[\d+\]", "", key).rpartition(".")
    names = [
        name.replace("[]", "").rpartition(".") for name, field, _ in all_keys() if not is_secret_text(field)
    ]
    here = [name for place, _, name in names if place == section]
    if not section:
        here += dict.fromkeys(place.partition(".")[0] for place, _, _ in names if place)
    if near := get_close_matches(last, here, n=1, cutoff=0.7):
        return f"did you mean {section}.{near[0]}?".replace(" .", " ")
    elsewhere = [f"{place}.{name}" for place, _, name in names if name == last]
    if elsewhere:
        return f"did you mean {elsewhere[0]}?"
    return f"known here: {', '.join(here)}" if here else "see docs/configuration.md"
