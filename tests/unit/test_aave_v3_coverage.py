"""Every event the contracts declare is in the table of events, by the contracts' own sources."""

import gzip
import json
import re
from pathlib import Path

import pytest

from keeper.index.book import ColumnarBook
from keeper.protocols.aave_v3.events import EVENTS
from keeper.protocols.aave_v3.recording import AaveV3Recording
from keeper.protocols.aave_v3.records import Role
from keeper.protocols.decode import topic
from keeper.sim.replay import logs_of

RUNS = Path(__file__).parents[1] / "vectors/data"

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

ADAPTERS = {
    "AggregatorProposed(address,address)",
    "AggregatorConfirmed(address,address)",
    "NewTransmission(uint32,int192,address,uint32,int192[],bytes,int192,bytes32,uint40)",
    "SecondaryRoundIdUpdated(uint32)",
    "PrimaryFeedUnlocked(uint32)",
    "CutoffTimeSet(uint32)",
    "MaxSyncIterationsSet(uint32)",
    "CapParametersUpdated(uint256,uint256,uint256,uint16)",
    "PriceCapUpdated(int256)",
    "PriceCapRatioUpdated(int256)",
    "DiscountRatePerYearUpdated(uint64,uint64)",
    "FixedPriceUpdated(int256,int256)",
}
"""Events of price sources that no installed package declares: from the reference, aave.md section 9."""

ARTIFACTS = Path(__file__).parents[2] / "node_modules/@aave/core-v3/artifacts/contracts"

_V3_0_PROXY = "dependencies/openzeppelin/upgradeability/BaseUpgradeabilityProxy"

V3_0_2 = {
    Role.PROVIDER: ("protocol/configuration/PoolAddressesProvider",),
    Role.POOL: ("protocol/pool/L2Pool", _V3_0_PROXY),
    Role.CONFIGURATOR: ("protocol/pool/PoolConfigurator", _V3_0_PROXY),
    Role.ORACLE: ("misc/AaveOracle",),
    Role.HALF_UP_A_TOKEN: ("protocol/tokenization/DelegationAwareAToken", _V3_0_PROXY),
    Role.HALF_UP_V_TOKEN: ("protocol/tokenization/VariableDebtToken", _V3_0_PROXY),
    Role.STABLE_TOKEN: ("protocol/tokenization/StableDebtToken", _V3_0_PROXY),
    Role.ACL_MANAGER: ("protocol/configuration/ACLManager",),
    Role.SENTINEL: ("protocol/configuration/PriceOracleSentinel",),
}

IN_NO_PACKAGE = {
    Role.CONFIGURATOR: {"EModeCategoryIsolationChanged(uint8,bool)"},  # v3.7
    Role.FEED: ADAPTERS,
}
"""What releases without an installed package add: v3.1 to v3.5 and v3.7, see aave.md sections 3 to 5."""

_EVENT = re.compile(r"^\s*event\s+(\w+)\s*\(([^)]*)\)", re.MULTILINE)


def declared_v3_6(role: Role) -> set[str]:
    """Canonical signatures of the events in the role's source files of v3.6."""
    found = set()
    for file in DECLARED_IN.get(role, ()):
        for name, arguments in _EVENT.findall((SOURCES / file).read_text()):
            types = [argument.split()[0] for argument in arguments.split(",") if argument.strip()]
            found.add(f"{name}({','.join(_canonical(kind) for kind in types)})")
    assert bool(found) == (role in DECLARED_IN), f"no event found in the sources of {role.name}"
    return found


def declared_v3_0_2(role: Role) -> set[str]:
    """The same in the compiled contracts of v3.0.2."""
    found = set()
    for contract in V3_0_2.get(role, ()):
        artifact = ARTIFACTS / f"{contract}.sol" / f"{contract.rsplit('/', 1)[-1]}.json"
        for entry in json.loads(artifact.read_text())["abi"]:
            if entry["type"] == "event":
                found.add(f"{entry['name']}({','.join(each['type'] for each in entry['inputs'])})")
    assert bool(found) == (role in V3_0_2), f"no event found in the artifacts of {role.name}"
    return found


def _canonical(kind: str) -> str:
    elementary = re.fullmatch(r"(address|bool|string|bytes\d*|u?int\d+)(\[\])?", kind)
    return kind if elementary else "uint8"  # every other type used is an enum


@pytest.mark.parametrize("role", list(Role))
def test_event_table__against_contracts_of_both_packages__covers_exactly_the_declared_events(
    role: Role,
) -> None:
    in_table = {event.signature for event in EVENTS if event.role is role}
    declared = declared_v3_6(role) | declared_v3_0_2(role) | IN_NO_PACKAGE.get(role, set())
    # Half-up tokens were in use up to v3.4, whose delegation events are those of v3.6.
    also = declared_v3_6(Role.A_TOKEN) if role is Role.HALF_UP_A_TOKEN else set()
    also |= declared_v3_0_2(Role.HALF_UP_A_TOKEN) if role is Role.A_TOKEN else set()
    assert declared <= in_table <= declared | also


@pytest.mark.parametrize("run", sorted(RUNS.glob("aave-v3*.json.gz")), ids=lambda path: path.name)
def test_event_table__every_log_of_a_recorded_run__has_a_row(run: Path) -> None:
    document = json.loads(gzip.decompress(run.read_bytes()))
    market = AaveV3Recording().open(document, ColumnarBook())
    rows = {(event.role, topic(event.signature)) for event in EVENTS}
    seen = 0
    for block in document["blocks"]:
        for log in logs_of(block):
            market.fold(log, int(block["timestamp"]))
            watched = market.book.get(("role", log.address))
            if watched and log.topics:
                seen += 1
                assert (Role(watched.role), log.topics[0]) in rows
    assert seen > 1_000


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
