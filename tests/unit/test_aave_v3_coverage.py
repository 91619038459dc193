"""Every event the contracts declare is in the table of events, by the contracts' own sources."""

import re
from pathlib import Path

import pytest

from keeper.protocols.aave_v3.events import EVENTS, Coverage
from keeper.protocols.aave_v3.records import Role

SOURCES = Path(__file__).parents[2] / "node_modules/@aave-dao/aave-v3-origin/src/contracts"

_PROXY = "dependencies/openzeppelin/upgradeability/BaseUpgradeabilityProxy.sol"
_TOKEN = (_PROXY, "dependencies/openzeppelin/contracts/IERC20.sol", "interfaces/IScaledBalanceToken.sol")

DECLARED_IN = {
    Role.PROVIDER: (
        "interfaces/IPoolAddressesProvider.sol",
        "dependencies/openzeppelin/contracts/Ownable.sol",
    ),
    Role.POOL: (_PROXY, "interfaces/IPool.sol"),
    Role.CONFIGURATOR: (_PROXY, "interfaces/IPoolConfigurator.sol"),
    Role.ORACLE: ("interfaces/IAaveOracle.sol",),
    Role.A_TOKEN: (
        *_TOKEN,
        "interfaces/IAToken.sol",
        "interfaces/IInitializableAToken.sol",
        "protocol/tokenization/delegation/interfaces/IBaseDelegation.sol",
    ),
    Role.V_TOKEN: (
        *_TOKEN,
        "interfaces/IInitializableDebtToken.sol",
        "interfaces/ICreditDelegationToken.sol",
    ),
    Role.FEED: ("dependencies/chainlink/AggregatorInterface.sol",),
    Role.ACL_MANAGER: ("dependencies/openzeppelin/contracts/IAccessControl.sol",),
    Role.SENTINEL: ("interfaces/IPriceOracleSentinel.sol",),
    Role.RATE_STRATEGY: ("interfaces/IDefaultInterestRateStrategyV2.sol",),
}

_EVENT = re.compile(r"^\s*event\s+(\w+)\s*\(([^)]*)\)", re.MULTILINE)


def declared(role: Role) -> set[str]:
    """Canonical signatures of the events in the role's source files."""
    found = set()
    for file in DECLARED_IN[role]:
        for name, arguments in _EVENT.findall((SOURCES / file).read_text()):
            types = [argument.split()[0] for argument in arguments.split(",") if argument.strip()]
            found.add(f"{name}({','.join(_canonical(kind) for kind in types)})")
    assert found, f"no event found in the sources of {role.name}"
    return found


def _canonical(kind: str) -> str:
    elementary = re.fullmatch(r"(address|bool|string|bytes\d*|u?int\d+)(\[\])?", kind)
    return kind if elementary else "uint8"  # every other type used is an enum


@pytest.mark.parametrize("role", list(Role))
def test_event_table__against_contract_sources__covers_exactly_the_declared_events(role: Role) -> None:
    assert {event.signature for event in EVENTS if event.role is role} == declared(role)


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: f"{event.role.name}-{event.signature}")
def test_event_table__each_row__has_a_handler_or_a_reason(event: Coverage) -> None:
    assert (event.handler is None) == bool(event.reason)


def test_event_table__rows__are_unique() -> None:
    rows = [(event.role, event.signature) for event in EVENTS]
    assert len(rows) == len(set(rows))


def test_event_table__no_source_of_a_deployed_contract__is_left_out() -> None:
    """Files that declare events but belong to no watched contract are named here, so a new one shows up."""
    known = {file for files in DECLARED_IN.values() for file in files}
    foreign = {
        "dependencies/openzeppelin/upgradeability/BaseAdminUpgradeabilityProxy.sol",  # not the proxy used
        "dependencies/weth/WETH9.sol",
        "interfaces/IPoolAddressesProviderRegistry.sol",  # lists providers, holds no state of any
    }
    declaring = {
        str(file.relative_to(SOURCES))
        for file in SOURCES.rglob("*.sol")
        if _EVENT.search(file.read_text())
        and file.relative_to(SOURCES).parts[0] in {"dependencies", "interfaces", "misc", "protocol"}
    }
    assert declaring == known | foreign
