"""Every event a comet declares or emits is in the table of events."""

from pathlib import Path

from keeper.protocols.comet.events import EVENTS
from keeper.protocols.decode import topic
from keeper.types import Address
from tests.comet_world import document

ROOT = Path(__file__).parents[2]

DECLARED = {
    "d1cf3d15": "Supply",
    "9b1bfa7f": "Withdraw",
    "ddf252ad": "Transfer",
    "fa56f7b2": "SupplyCollateral",
    "d6d480d5": "WithdrawCollateral",
    "29db89d4": "TransferCollateral",
    "1547a878": "AbsorbDebt",
    "9850ab1a": "AbsorbCollateral",
    "f891b2a4": "BuyCollateral",
    "3be39979": "PauseAction",
    "bc7cd75a": "Upgraded",
}
"""First topics as the reference lists them (other-protocols.md, section 2.2)."""


def test_event_table__against_the_reference__has_every_topic_with_a_handler() -> None:
    rows = {topic(event.signature)[2:10]: event for event in EVENTS}
    for start, name in DECLARED.items():
        assert rows[start].signature.startswith(f"{name}(")
        assert rows[start].handler is not None


def test_event_table__every_log_of_a_recorded_comet__has_a_row() -> None:
    run = document()
    comet = Address(run["contracts"]["comet"].lower())
    rows = {topic(event.signature) for event in EVENTS}
    seen = [
        log["topics"][0]
        for block in run["blocks"]
        for log in block["logs"]
        if log["address"].lower() == comet
    ]
    assert len(seen) > 300
    assert set(seen) <= rows
