"""Environment variables and .env: KEEPER__SECTION__KEY for settings, a few names for secrets."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dotenv.parser import parse_stream

from keeper.config.secrets import Secret

PREFIX = "KEEPER__"

SECRETS = {
    "KEEPER_PRIVATE_KEY": ("signer", "private_key"),
    "KEEPER_PRIVATE_KEY_FILE": ("signer", "private_key_file"),
    "KEEPER_KEYSTORE_PASSWORD": ("signer", "password"),
    "KEEPER_KEYSTORE_PASSWORD_FILE": ("signer", "password_file"),
    "KEEPER_RELAY_KEY": ("relay", "key"),
    "KEEPER_RELAY_KEY_FILE": ("relay", "key_file"),
}


def merged(file: Path, env: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """The variables of `file` (none if there is no such file) under those of `env`, and the problems.

    An empty variable counts as not set, as container tools pass unset ones on that way.
    """
    variables, problems = _read(file)
    variables.update(env)
    return {name: value for name, value in variables.items() if value.strip()}, problems


def settings(variables: Mapping[str, str]) -> dict[tuple[str | int, ...], tuple[str, Any]]:
    """Settings by key path ("deployment", 0, "name"): the variable's name and the value."""
    found: dict[tuple[str | int, ...], tuple[str, Any]] = {}
    for name, value in sorted(variables.items()):
        if name in SECRETS:
            key = SECRETS[name]
            found[key] = (name, value if name.endswith("_FILE") else Secret(value.strip()))
        elif name.startswith(PREFIX):
            parts = name.removeprefix(PREFIX).lower().split("__")
            found[tuple(int(part) if part.isdigit() else part for part in parts)] = (name, value)
    return found


def _read(file: Path) -> tuple[dict[str, str], list[str]]:
    try:
        with file.open(encoding="utf-8") as stream:
            bindings = list(parse_stream(stream))
    except FileNotFoundError:
        return {}, []
    except (OSError, UnicodeDecodeError):
        return {}, [f"{file}: cannot be read as text; check its permissions, or write it anew"]
    problems = [
        f"{file}: line {binding.original.line}: not NAME=value; correct that line"
        for binding in bindings
        if binding.error or (binding.key is not None and binding.value is None)
    ]
    return {b.key: b.value for b in bindings if b.key is not None and b.value is not None}, problems
