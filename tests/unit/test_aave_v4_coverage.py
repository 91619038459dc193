"""Every event of Aave v4 has a row in the table of events, and the recorded run shows no other."""

from pathlib import Path

import pytest

from keeper.index.book import ColumnarBook
from keeper.protocols.aave_v4.events import EVENTS
from keeper.protocols.aave_v4.recording import AaveV4Recording
from keeper.protocols.aave_v4.records import Role
from keeper.protocols.decode import topic
from keeper.sim.replay import load, logs_of

ROOT = Path(__file__).parents[2]
RUN = ROOT / "tests/vectors/data/aave-v4-s2.json.gz"

NAMES = {
    Role.SPOKE: (
        "Supply Withdraw Borrow Repay LiquidationCall ReportDeficit SetUsingAsCollateral "
        "UpdateUserRiskPremium RefreshPremiumDebt RefreshAllUserDynamicConfig "
        "RefreshSingleUserDynamicConfig AddReserve UpdateReserveConfig AddDynamicReserveConfig "
        "UpdateDynamicReserveConfig UpdateLiquidationConfig UpdateReservePriceSource SetSpokeImmutables "
        "SetUserPositionManager UpdatePositionManager Upgraded AdminChanged Initialized AuthorityUpdated"
    ),
    Role.HUB: (
        "AddAsset UpdateAsset UpdateAssetConfig AddSpoke UpdateSpokeConfig Add Remove Draw Restore "
        "RefreshPremium ReportDeficit EliminateDeficit TransferShares MintFeeShares Sweep Reclaim "
        "Upgraded AdminChanged Initialized AuthorityUpdated"
    ),
    Role.ORACLE: "UpdateReserveSource SetSpoke",
    Role.RATE_STRATEGY: "UpdateInterestRateData",
}
"""Of the contracts and the proxies in front of them, from the reference: aave.md section 6.3."""

TOPICS = {"LiquidationCall": "0x2a1f12d9", "UpdateAsset": "0xa1facf11"}
"""From the same place, section 7."""


@pytest.mark.parametrize("role", list(Role))
def test_event_table__against_the_reference__has_every_event(role: Role) -> None:
    named = [event.signature.split("(")[0] for event in EVENTS if event.role is role]
    assert sorted(named) == sorted(NAMES[role].split())


@pytest.mark.parametrize(("name", "start"), TOPICS.items())
def test_event_table__signatures__have_the_topics_of_the_reference(name: str, start: str) -> None:
    (found,) = {event.signature for event in EVENTS if event.signature.startswith(f"{name}(")}
    assert topic(found).startswith(start)


def test_event_table__every_log_of_a_recorded_run__has_a_row() -> None:
    document = load(RUN)
    market = AaveV4Recording().open(document, ColumnarBook())
    oracle = document["contracts"]["oracle"].lower()
    rows = {(event.role, topic(event.signature)) for event in EVENTS}
    seen = set()
    for block in document["blocks"]:
        for log in logs_of(block):
            market.fold(log, int(block["timestamp"]))
            role = Role.ORACLE if log.address == oracle else market.book.get(("role", log.address))
            if role is not None:
                seen.add((Role(role), log.topics[0]))
    assert seen <= rows
    assert len(seen) > 30
