"""The table of events for people: docs/events-aave-v4.md, written by scripts/build_docs."""

from keeper.protocols.aave_v4.events import EVENTS
from keeper.protocols.aave_v4.records import Role
from keeper.protocols.coverage import EventTable

_TITLES = {
    Role.SPOKE: "Spoke",
    Role.HUB: "Hub",
    Role.ORACLE: "AaveOracle of the spoke (not watched)",
    Role.RATE_STRATEGY: "Interest rate strategy (not watched)",
}

_HEAD = """# Events of Aave v4

Made from `keeper/protocols/aave_v4/events.py`, which is also what folds them; a test compares the
recorded runs with the table. An event is either handled by the function named, or ignored for the
reason given. Price sources are not watched: the oracle is asked for all prices at every head.
"""

TABLE = EventTable("events-aave-v4.md", _HEAD, _TITLES, EVENTS)
