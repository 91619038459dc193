"""The compiled contracts of Venus' core pool, as its npm package carries them."""

from collections.abc import Iterator, Mapping
from typing import Any

from eth_utils.abi import collapse_if_tuple, function_abi_to_4byte_selector

from keeper.devnet.contract import Contract
from keeper.devnet.packages import package
from keeper.types import Address

PACKAGE = "@venusprotocol/venus-protocol"

FACETS = ("MarketFacet", "PolicyFacet", "RewardFacet", "SetterFacet", "FlashLoanFacet")

_FILES = (
    "contracts/Comptroller/Unitroller",
    "contracts/Comptroller/Diamond/Diamond",
    *(f"contracts/Comptroller/Diamond/facets/{facet}" for facet in FACETS),
    "contracts/Lens/ComptrollerLens",
    "contracts/Liquidator/Liquidator",
    "contracts/Tokens/VAI/VAI",
    "contracts/Tokens/VAI/VAIController",
    "contracts/Tokens/VAI/VAIUnitroller",
    "contracts/Tokens/VTokens/VBep20Immutable",
    "contracts/InterestRateModels/JumpRateModel",
    "contracts/InterestRateModels/TwoKinksInterestRateModel",
    "contracts/InterestRateModels/WhitePaperInterestRateModel",
    "contracts/test/AccessControlManagerMock",
    "@venusprotocol/oracle/contracts/DeviationBoundedOracle",
)

_ADD = 0


def load_contracts() -> dict[str, Contract]:
    """Every contract by its name; "Comptroller" is the ABI of all facets together.

    Raises:
        ConfigError: the package is not installed.
    """
    folder = package(PACKAGE) / "artifacts"
    contracts = {}
    for file in _FILES:
        name = file.rpartition("/")[2]
        contracts[name] = Contract.load(folder / f"{file}.sol" / f"{name}.json")
    abi = [entry for _, entries in _new_functions(contracts) for entry in entries]
    return contracts | {"Comptroller": Contract(abi)}


def cuts(contracts: Mapping[str, Contract], addresses: Mapping[str, Address]) -> list[Any]:
    """What diamondCut is told: the facet that answers each function, the first to have it."""
    return [
        (addresses[facet], _ADD, [bytes(function_abi_to_4byte_selector(entry)) for entry in entries])  # type: ignore[arg-type]
        for facet, entries in _new_functions(contracts)
        if entries
    ]


def clone(implementation: Address) -> bytes:
    """Creation code of a minimal proxy (ERC-1167)."""
    head, tail = "3d602d80600a3d3981f3363d3d373d3d3d363d73", "5af43d82803e903d91602b57fd5bf3"
    return bytes.fromhex(head + implementation.removeprefix("0x") + tail)


ACCEPTING = bytes.fromhex("60016000f3")
"""Creation code of a contract that accepts every call and does nothing."""


def _new_functions(contracts: Mapping[str, Contract]) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    seen: set[str] = set()
    for facet in FACETS:
        fresh = []
        for entry in contracts[facet].abi:
            types = ",".join(collapse_if_tuple(field) for field in entry.get("inputs", ()))
            signature = f"{entry.get('name')}({types})"
            if entry["type"] == "function" and signature not in seen:
                seen.add(signature)
                fresh.append(entry)
        yield facet, fresh
