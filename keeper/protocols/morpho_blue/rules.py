"""Which markets are wanted: anyone may create one, with any oracle and any token."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from keeper.errors import ConfigError
from keeper.types import Address, parse_address

_HEX = frozenset("0123456789abcdef")


@dataclass(frozen=True, slots=True)
class Rules:
    """Market ids in lower case. An empty `allow` allows every market that is not in `deny`."""

    allow: frozenset[str] = frozenset()
    deny: frozenset[str] = frozenset()

    def wants(self, market_id: str) -> bool:
        """Whether prices are read and liquidations planned in a market."""
        return market_id not in self.deny and (not self.allow or market_id in self.allow)


@dataclass(frozen=True, slots=True)
class Settings:
    """What an operator says of a deployment. `factory`: of pre-liquidation contracts."""

    morpho: Address
    factory: Address | None = None
    usd_oracle: Address | None = None
    rules: Rules = Rules()

    @classmethod
    def of(cls, deployment: str, settings: Mapping[str, Any]) -> "Settings":
        """Parse a [[deployment]].

        Raises:
            ConfigError: `morpho` is missing, or a value is no address or no market id.
        """
        morpho = _address(deployment, settings, "morpho")
        if morpho is None:
            raise ConfigError(f"deployment {deployment!r}: morpho: required")
        return cls(
            morpho,
            _address(deployment, settings, "pre_liquidation_factory"),
            _address(deployment, settings, "usd_oracle"),
            Rules(_ids(deployment, settings, "allow_markets"), _ids(deployment, settings, "deny_markets")),
        )


def _address(deployment: str, settings: Mapping[str, Any], key: str) -> Address | None:
    if not settings.get(key):
        return None
    try:
        return parse_address(str(settings[key]))
    except ValueError as error:
        raise ConfigError(f"deployment {deployment!r}: {key}: {error}") from None


def _ids(deployment: str, settings: Mapping[str, Any], key: str) -> frozenset[str]:
    value: str | Iterable[str] = settings.get(key) or ()
    given = value.split(",") if isinstance(value, str) else value
    ids = frozenset(each.strip().lower() for each in given if each.strip())
    for each in ids:
        if len(each) != 66 or not each.startswith("0x") or not set(each[2:]) <= _HEX:
            raise ConfigError(
                f"deployment {deployment!r}: {key}: {each!r} is no market id, 0x and 64 hex digits"
            )
    return ids
