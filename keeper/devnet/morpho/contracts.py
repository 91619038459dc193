"""The Solidity of Morpho Blue, compiled as its authors do."""

from keeper.devnet.contract import Contract
from keeper.devnet.solidity import Progress, Project, compile_project

PROJECT = Project(
    source="@morpho-org/morpho-blue",
    targets=("src/Morpho.sol:Morpho", "src/mocks/IrmMock.sol:IrmMock"),
    remappings=(),
    settings={
        "viaIR": True,
        "optimizer": {"enabled": True, "runs": 999_999},
        "evmVersion": "paris",
        "metadata": {"bytecodeHash": "none"},
    },
    compiler="solc-0.8.19",
)
"""Settings of the repository's foundry.toml."""


async def load_contracts(progress: Progress = lambda _: None) -> dict[str, Contract]:
    """Morpho and its mock of a rate model, compiled or from the cache; raises as compile_project."""
    return await compile_project(PROJECT, progress)
