"""Every event a comet declares or emits is in the table of events."""

from pathlib import Path

import pytest

from keeper.protocols.aave_v3.decode import topic
from keeper.protocols.comet.coverage import Coverage
from keeper.protocols.comet.event_table import markdown
from keeper.protocols.comet.events import EVENTS
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


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.signature)
def test_event_table__each_row__has_a_handler_or_a_reason(event: Coverage) -> None:
    assert (event.handler is None) == bool(event.reason)


def test_event_table__rows__are_unique() -> None:
    assert len({event.signature for event in EVENTS}) == len(EVENTS)


def test_event_table__in_the_documentation__is_the_one_in_the_code() -> None:
    written = (ROOT / "docs/events-comet.md").read_text()
    assert written == markdown(), "scripts/build_docs writes it again"
