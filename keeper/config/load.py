"""Reading the configuration: defaults < keeper.toml < .env < environment < flags."""

import os
import tomllib
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from keeper.config import checks, environment, problems
from keeper.config.model import Config, Store
from keeper.config.secrets import Secret
from keeper.errors import ConfigError

FILE = Path("keeper.toml")
PATH_KEYS = {
    "signer": ("keystore", "password_file", "private_key_file", "ca_file", "cert_file", "key_file"),
    "relay": ("key_file",),
}


def load(
    path: Path | str = FILE,
    overrides: Mapping[str, Any] | None = None,
    env: Mapping[str, str] | None = None,
) -> Config:
    """Read `path` and the `.env` next to it, apply `env` and `overrides`, and check everything.

    Args:
        path: the TOML file. Relative paths in any layer are relative to its folder.
        overrides: flags by dotted key ("chain.id"); None values are flags that were not given.
        env: environment variables; those of the process unless given.

    Raises:
        ConfigError: with one line for every problem found.
    """
    path = Path(path)
    raw = _read(path)
    found = _secrets_in_file(raw, path.name)
    origins: dict[str, str] = {}
    variables, more = environment.merged(path.parent / ".env", os.environ if env is None else env)
    found += more
    settings = environment.settings(variables)
    if not (raw or settings):
        raise ConfigError(f"{path}: empty: nothing is configured; run `keeper init` to write one")
    for key, (variable, value) in settings.items():
        _put(raw, key, value)
        origins[problems.dotted(key)] = variable
    for name, value in (overrides or {}).items():
        if value is not None:
            _put(raw, tuple(name.split(".")), value)
            origins[name] = f"--{name.rpartition('.')[2].replace('_', '-')}"
    raw.setdefault("chain", {})
    _anchor(raw, path.parent.resolve())
    return _validated(raw, found, origins)


def _validated(raw: dict[str, Any], found: list[str], origins: Mapping[str, str]) -> Config:
    found = [*found, *checks.problems(raw)]
    try:
        config = Config.model_validate(raw)
    except ValidationError as error:
        found = [*problems.from_validation(error, origins), *found]
    if found:
        # Not chained: pydantic's own error holds the raw values.
        raise ConfigError("\n".join(found)) from None
    return config


def _read(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            return tomllib.load(file, parse_float=Decimal)
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such file; run `keeper init` or name another with --config") from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: not valid TOML: {error}; correct that line") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{path}: not a text file in UTF-8; write it anew with `keeper init`") from None
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}; check path and permissions") from None


def _secrets_in_file(raw: dict[str, Any], file: str) -> list[str]:
    """Refuse secrets in the file, which gets shared and committed; remove them from `raw`."""
    swaps = raw.get("swap")
    places = [
        ("signer.private_key", raw.get("signer"), "KEEPER_PRIVATE_KEY"),
        ("signer.password", raw.get("signer"), "KEEPER_KEYSTORE_PASSWORD"),
        ("relay.key", raw.get("relay"), "KEEPER_RELAY_KEY"),
    ]
    places += [
        (f"swap[{place}].api_key", swap, f"KEEPER__SWAP__{place}__API_KEY")
        for place, swap in enumerate(swaps if isinstance(swaps, list) else [])
    ]
    return [
        problems.line(key, "(secret)", f"a secret in {file}", f"move it to {variable} in .env")
        for key, section, variable in places
        if isinstance(section, dict) and section.pop(key.rpartition(".")[2], None) is not None
    ]


def _put(raw: dict[str, Any], key: tuple[str | int, ...], value: Any) -> None:
    """Set a nested key, making sections and list entries as needed.

    Where the file holds a value of another shape, the file's mistake stays and gets reported.
    """
    place: Any = raw
    for part, following in zip(key, (*key[1:], None), strict=True):
        fresh: Any = value if following is None else [] if isinstance(following, int) else {}
        if isinstance(part, int) and isinstance(place, list) and part <= len(place):
            if part == len(place):
                place.append(fresh)
        elif isinstance(part, str) and isinstance(place, dict):
            place.setdefault(part, fresh)
        else:
            return
        if following is None:
            place[part] = value
        place = place[part]


def _anchor(raw: dict[str, Any], folder: Path) -> None:
    """Make relative paths absolute, so that they mean the same wherever the keeper is started."""
    for section, keys in PATH_KEYS.items():
        table = raw.get(section)
        for key in keys:
            if isinstance(table, dict) and isinstance(table.get(key), str):
                table[key] = str(folder / Path(table[key]).expanduser())
    store = raw.setdefault("store", {})
    if isinstance(store, dict):
        url = store.setdefault("url", Store().url.reveal())
        file = str(url.reveal() if isinstance(url, Secret) else url).removeprefix("sqlite:///")
        if str(url).startswith("sqlite:///") and not file.startswith((":memory:", "/", "file:")):
            store["url"] = f"sqlite:///{folder / file}"
