"""Reads the contracts that Hardhat packages carry ready compiled."""

from collections.abc import Mapping

from keeper.devnet.contract import Contract
from keeper.devnet.packages import package
from keeper.types import Address

_LOGIC = "contracts/protocol/libraries/logic"


def load_artifacts(name: str, files: Mapping[str, str]) -> dict[str, Contract]:
    """Contracts of the npm package `name`; `files` maps what to call each to its path without suffix.

    Raises:
        ConfigError: the package is not installed.
    """
    folder = package(name) / "artifacts" / "contracts"
    return {
        known_as: Contract.load(folder / f"{path}.sol" / f"{path.rpartition('/')[2]}.json")
        for known_as, path in files.items()
    }


def link(contract: Contract, libraries: Mapping[str, Address]) -> Contract:
    """`contract` with its libraries' addresses filled in; keys are library names."""
    return contract.link({f"{_LOGIC}/{name}.sol:{name}": at for name, at in libraries.items()})
