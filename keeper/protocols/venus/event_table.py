"""The table of events for people: docs/events-venus.md, written by scripts/build_docs."""

from keeper.protocols.coverage import EventTable
from keeper.protocols.venus.events import EVENTS
from keeper.protocols.venus.records import Role

_TITLES = {
    Role.COMPTROLLER: "Comptroller",
    Role.V_TOKEN: "vToken, cToken",
    Role.ORACLE: "Oracle (where prices are posted to it; any other is read)",
    Role.MODEL: "Interest rate model",
    Role.VAI_CONTROLLER: "VAIController",
    Role.LIQUIDATOR: "Liquidator",
}

_HEAD = """# Events of Venus' core pool and Compound v2

Made from `keeper/protocols/venus/events.py`, which is also what folds them; tests compare the table with
the contracts' own interfaces, and the recorded runs with the table. An event is either handled by the
function named, or ignored for the reason given.
"""

TABLE = EventTable("events-venus.md", _HEAD, _TITLES, EVENTS)
