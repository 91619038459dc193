"""The configuration described: as a table, as a commented keeper.toml, as .env lines.

All three come from the model, so they cannot disagree with it; tests compare the files in the
repository with what stands here.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic.fields import FieldInfo

from keeper.config.deployment import PROTOCOL_ADDRESSES, PROTOCOL_OPTIONS
from keeper.config.environment import PREFIX, SECRETS
from keeper.config.keys import OPTION_KEYS, PROTOCOL_KEYS, all_keys, is_secret_text
from keeper.config.secrets import SecretUrl
from keeper.types import ZERO_ADDRESS

ENV_HEADER = """\
# Settings as environment variables; they win over keeper.toml. Lists are written with commas,
# the number in DEPLOYMENT__0 counts the [[deployment]] sections from 0. Secrets stand only here,
# never in keeper.toml; each may come from a file instead. Keep this file to yourself (chmod 600).
"""


def default_of(field: FieldInfo) -> str:
    """The default as TOML, "required", or "none"."""
    if field.default in (ZERO_ADDRESS, SecretUrl("")):
        return "none"
    if field.is_required() or (field.examples and field.default == {}):
        return "required"
    return field.examples[0] if field.default not in (None, ()) and field.examples else "none"


def variable_of(key: str) -> str:
    """The environment variable that sets `key`."""
    special = {".".join(path): name for name, path in SECRETS.items()}
    return special.get(key, PREFIX + key.replace("[]", ".0").replace(".", "__").upper())


def table() -> str:
    """All keys as a Markdown table."""
    rows = ["| key | default | environment variable | meaning |", "|---|---|---|---|"]
    for key, field, meaning in all_keys():
        where = "environment only" if is_secret_text(field) else f"`{default_of(field)}`"
        rows.append(f"| `{key}` | {where} | `{variable_of(key)}` | {meaning} |")
    return "\n".join(rows) + "\n"


def dotenv() -> str:
    """All variables, commented out, with their defaults."""
    lines = [ENV_HEADER]
    for key, field, meaning in sorted(all_keys(), key=lambda item: not is_secret_text(item.field)):
        default = default_of(field)
        value = "" if default in {"required", "none"} else default.strip('"')
        note = f" ({default})" if not value and not is_secret_text(field) else ""
        lines.append(f"# {meaning}{note}\n# {variable_of(key)}={value}\n")
    return "\n".join(lines)


def toml(values: Mapping[str, Any], more: Mapping[str, Sequence[Mapping[str, Any]]] | None = None) -> str:
    """A commented keeper.toml. `values` by dotted key, as TOML text; what is absent stays commented out.

    `more` are further tables of a list section ("deployment"), by plain key, without comments.
    """
    lines = ["# The keeper's settings. Secrets (the private key) belong into .env, never here.", ""]
    section = ""
    protocol = values.get("deployment[].protocol", "").strip('"')
    for key, field, meaning in all_keys():
        place, _, name = key.rpartition(".")
        foreign = (
            place == "deployment[]"
            and name in {**PROTOCOL_KEYS, **OPTION_KEYS}
            and name not in PROTOCOL_ADDRESSES.get(protocol, ())
            and name not in PROTOCOL_OPTIONS.get(protocol, ())
        )
        if is_secret_text(field) or foreign:
            continue
        if place != section:
            lines += _tables(section.removesuffix("[]"), more or {})
            section = place
            lines += ["", *_header(place, any(known.startswith(f"{place}.") for known in values))]
        example = field.examples[0] if field.examples else '""'
        setting = f"{name} = {values[key]}" if key in values else f"# {name} = {example}"
        lines.append(f"{setting}  # {meaning}")
    return "\n".join(lines) + "\n"


def _tables(section: str, more: Mapping[str, Sequence[Mapping[str, Any]]]) -> Iterator[str]:
    for table in more.get(section, ()):
        yield from ("", f"[[{section}]]", *(f"{name} = {value}" for name, value in table.items()))


def _header(place: str, used: bool) -> Iterator[str]:
    plain = place.removesuffix("[]")
    header = f"[[{plain}]]" if place != plain else f"[{plain}]"
    # A list section that is opened has to be filled in; a plain one may stand empty.
    yield header if used or place == plain else f"# {header}"
