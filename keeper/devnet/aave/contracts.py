"""The Solidity of an Aave v3.6 market, compiled as its authors do."""

from collections.abc import Mapping

from keeper.devnet.contract import Contract
from keeper.devnet.solidity import Progress, Project, compile_project
from keeper.types import Address

_ROOT = "src/contracts"
_LOGIC = "protocol/libraries/logic"

LIBRARIES = ("BorrowLogic", "LiquidationLogic", "PoolLogic", "SupplyLogic", "ConfiguratorLogic")
"""Libraries that need no other; FlashLoanLogic needs BorrowLogic."""

_FILES = (
    "protocol/configuration/PoolAddressesProvider",
    "protocol/configuration/ACLManager",
    "protocol/libraries/helpers/Errors",
    "misc/AaveOracle",
    "misc/DefaultReserveInterestRateStrategyV2",
    "misc/PriceOracleSentinel",
    "instances/PoolInstance",
    "instances/PoolConfiguratorInstance",
    "instances/ATokenInstance",
    "instances/VariableDebtTokenInstance",
    "helpers/AaveProtocolDataProvider",
    *(f"{_LOGIC}/{name}" for name in (*LIBRARIES, "FlashLoanLogic")),
)

PROJECT = Project(
    source="@aave-dao/aave-v3-origin",
    targets=tuple(f"{_ROOT}/{file}.sol:{file.rpartition('/')[2]}" for file in _FILES),
    remappings=(("openzeppelin-contracts/contracts/", "@openzeppelin/contracts"),),
    settings={
        "optimizer": {"enabled": True, "runs": 200},
        "evmVersion": "shanghai",
        "metadata": {"bytecodeHash": "none"},
    },
)
"""Settings of the package's foundry.toml."""


async def load_contracts(progress: Progress = lambda _: None) -> dict[str, Contract]:
    """The market's contracts by Solidity name, compiled or from the cache; raises as compile_project."""
    return await compile_project(PROJECT, progress)


def link(contract: Contract, libraries: Mapping[str, Address]) -> Contract:
    """`contract` with its libraries' addresses filled in; keys are library names."""
    return contract.link({f"{_ROOT}/{_LOGIC}/{name}.sol:{name}": at for name, at in libraries.items()})
