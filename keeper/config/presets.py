"""Live deployments by network, for `keeper init --network`. The data: keeper/presets/networks.toml."""

import tomllib
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any, NamedTuple

from keeper.config.problems import line
from keeper.errors import ConfigError

MORPHO = "morpho-blue"


class Network(NamedTuple):
    """A chain. `deployments` are [[deployment]] tables, `swap` and `lender` those of that name, if any."""

    name: str
    chain_id: int
    deployments: Sequence[Mapping[str, Any]]
    swap: Mapping[str, str] | None
    lender: Mapping[str, str] | None

    @property
    def protocols(self) -> list[str]:
        """The protocols that have a deployment here."""
        return sorted({str(table["protocol"]) for table in self.deployments})

    def only(self, protocols: Sequence[str]) -> "Network":
        """The deployments of `protocols`; Morpho lends to the others and need not be named for itself.

        Raises:
            ConfigError: one has no deployment here; lists those that have.
        """
        unknown = [protocol for protocol in protocols if protocol not in self.protocols]
        if unknown:
            known = f"known on {self.name}: {', '.join(self.protocols)}"
            shown = ", ".join(f'"{protocol}"' for protocol in unknown)
            raise ConfigError(line("--protocol", shown, f"no preset on {self.name}", f"{known}; {_all()}"))
        chosen = [table for table in self.deployments if table["protocol"] in protocols]
        return self._replace(deployments=chosen, lender=None if MORPHO in protocols else self.lender)


def networks() -> dict[str, Network]:
    """Every network that has presets, by name."""
    text = files("keeper").joinpath("presets", "networks.toml").read_text(encoding="utf-8")
    return {name: _network(name, table) for name, table in tomllib.loads(text).items()}


def network(name: str) -> Network:
    """The network called `name`.

    Raises:
        ConfigError: there is none; lists those there are, with their protocols.
    """
    found = networks().get(name)
    if found is None:
        raise ConfigError(line("--network", f'"{name}"', "no presets", _all()))
    return found


def _network(name: str, table: Mapping[str, Any]) -> Network:
    deployments = table.get("deployment", [])
    morpho = next((each["morpho"] for each in deployments if each["protocol"] == MORPHO), None)
    swap = table.get("swap")
    return Network(
        name,
        table["chain_id"],
        deployments,
        swap and {"kind": "uniswap-v3", **swap},
        morpho and {"kind": "morpho", "address": morpho},
    )


def _all() -> str:
    return "known: " + "; ".join(f"{name} ({', '.join(each.protocols)})" for name, each in networks().items())
