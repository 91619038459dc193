"""Every event the contracts of Aave v2 declare is in the table of events."""

import json
from pathlib import Path

import pytest

from keeper.protocols.aave_v2.events import EVENTS
from keeper.protocols.aave_v3.records import Role

ROOT = Path(__file__).parents[2]
ARTIFACTS = ROOT / "node_modules/@aave/protocol-v2/artifacts/contracts"
_PROXY = "dependencies/openzeppelin/upgradeability/BaseUpgradeabilityProxy"

DECLARED_IN = {
    Role.PROVIDER: ("protocol/configuration/LendingPoolAddressesProvider",),
    Role.POOL: (
        "protocol/lendingpool/LendingPool",
        "protocol/lendingpool/LendingPoolCollateralManager",
        _PROXY,
    ),
    Role.CONFIGURATOR: ("protocol/lendingpool/LendingPoolConfigurator", _PROXY),
    Role.ORACLE: ("misc/AaveOracle",),
    Role.A_TOKEN: ("protocol/tokenization/AToken", _PROXY),
    Role.V_TOKEN: ("protocol/tokenization/VariableDebtToken", _PROXY),
    Role.STABLE_TOKEN: ("protocol/tokenization/StableDebtToken", _PROXY),
}

IN_LATER_ORACLES = {Role.ORACLE: {"BaseCurrencySet(address,uint256)"}}


def declared(role: Role) -> set[str]:
    """Canonical signatures of the events in the role's compiled contracts."""
    found = set()
    for contract in DECLARED_IN[role]:
        artifact = ARTIFACTS / f"{contract}.sol" / f"{contract.rsplit('/', 1)[-1]}.json"
        for entry in json.loads(artifact.read_text())["abi"]:
            if entry["type"] == "event":
                found.add(f"{entry['name']}({','.join(each['type'] for each in entry['inputs'])})")
    return found


@pytest.mark.parametrize("role", DECLARED_IN)
def test_event_table__against_the_contracts__covers_exactly_the_declared_events(role: Role) -> None:
    in_table = {event.signature for event in EVENTS if event.role is role}
    assert in_table == declared(role) | IN_LATER_ORACLES.get(role, set())
