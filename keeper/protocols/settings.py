"""What an operator configured of a deployment, as a protocol reads it."""

from collections.abc import Mapping
from typing import Any

from keeper.errors import ConfigError
from keeper.types import Address, parse_address


def contract(deployment: str, settings: Mapping[str, Any], key: str) -> Address:
    """The contract that `settings[key]` names.

    Raises:
        ConfigError: it is missing or no address.
    """
    try:
        return parse_address(str(settings.get(key, "")))
    except ValueError as error:
        raise ConfigError(f"deployment {deployment!r}: {key}: {error}") from None
