"""Every event that Morpho Blue declares is in the table of events."""

from pathlib import Path

import pytest

from keeper.protocols.decode import topic
from keeper.protocols.morpho_blue.events import EVENTS
from keeper.protocols.morpho_blue.records import Role
from keeper.sim.replay import load

ROOT = Path(__file__).parents[2]

_PARAMS = "(address,address,address,address,uint256)"

DECLARED = {
    Role.MORPHO: {  # EventsLib.sol of Morpho Blue 1.0; its compiled interface leaves library events out
        "SetOwner(address)",
        "SetFee(bytes32,uint256)",
        "SetFeeRecipient(address)",
        "EnableIrm(address)",
        "EnableLltv(uint256)",
        f"CreateMarket(bytes32,{_PARAMS})",
        "Supply(bytes32,address,address,uint256,uint256)",
        "Withdraw(bytes32,address,address,address,uint256,uint256)",
        "Borrow(bytes32,address,address,address,uint256,uint256)",
        "Repay(bytes32,address,address,uint256,uint256)",
        "SupplyCollateral(bytes32,address,address,uint256)",
        "WithdrawCollateral(bytes32,address,address,address,uint256)",
        "Liquidate(bytes32,address,address,uint256,uint256,uint256,uint256,uint256)",
        "FlashLoan(address,address,uint256)",
        "SetAuthorization(address,address,address,bool)",
        "IncrementNonce(address,address,uint256)",
        "AccrueInterest(bytes32,uint256,uint256,uint256)",
    },
    Role.IRM: {  # AdaptiveCurveIrm, FixedRateIrm
        "BorrowRateUpdate(bytes32,uint256,uint256)",
        "SetBorrowRate(bytes32,uint256)",
    },
    Role.FACTORY: {
        "CreatePreLiquidation(address,bytes32,(uint256,uint256,uint256,uint256,uint256,address))",
    },
    Role.PRE_LIQUIDATION: {"PreLiquidate(bytes32,address,address,uint256,uint256,uint256)"},
}

TOPICS = {  # as the reference lists them
    "CreateMarket": "ac4b2400",
    "Supply": "edf88704",
    "Withdraw": "a56fc0ad",
    "Borrow": "57095454",
    "Repay": "52acb05c",
    "SupplyCollateral": "a3b9472a",
    "WithdrawCollateral": "e80ebd7c",
    "Liquidate": "a4946ede",
    "AccrueInterest": "9d9bd501",
    "SetFee": "139d6f58",
    "SetFeeRecipient": "2e979f80",
    "SetAuthorization": "d5e969f0",
    "BorrowRateUpdate": "7120161a",
    "CreatePreLiquidation": "c36ddf25",
    "PreLiquidate": "d5b01f14",
}


@pytest.mark.parametrize("role", list(Role))
def test_event_table__against_the_contracts__covers_exactly_the_declared_events(role: Role) -> None:
    assert {event.signature for event in EVENTS if event.role is role} == DECLARED[role]


def test_event_table__signatures__hash_to_the_known_topics() -> None:
    hashed = {event.signature.partition("(")[0]: topic(event.signature)[2:10] for event in EVENTS}
    assert {name: hashed[name] for name in TOPICS} == TOPICS


def test_event_table__recorded_run__has_no_event_it_does_not_know() -> None:
    document = load(ROOT / "tests/vectors/data/morpho-blue-s1.json.gz")
    ours = set(document["contracts"].values())
    logs = [log for block in document["blocks"] for log in block["logs"]]
    seen = {log["topics"][0] for log in logs if log["address"] in ours}
    assert seen <= {topic(event.signature) for event in EVENTS}
    assert len(seen) == 14
