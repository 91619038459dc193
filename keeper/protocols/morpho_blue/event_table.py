"""The table of events for people: docs/events-morpho-blue.md, written by scripts/build_docs."""

from keeper.protocols.coverage import EventTable
from keeper.protocols.morpho_blue.events import EVENTS
from keeper.protocols.morpho_blue.records import Role

_TITLES = {
    Role.MORPHO: "Morpho",
    Role.IRM: "Interest rate models that Morpho's owner enabled",
    Role.FACTORY: "PreLiquidationFactory (where configured)",
    Role.PRE_LIQUIDATION: "PreLiquidation (not watched)",
}

_HEAD = """# Events of Morpho Blue

Made from `keeper/protocols/morpho_blue/events.py`, which is also what folds them; tests compare the
table with the contracts' own list of events and with the recorded runs. An event is either handled by
the function named, or ignored for the reason given.
"""

TABLE = EventTable("events-morpho-blue.md", _HEAD, _TITLES, EVENTS)
