"""The table of events for people: docs/events-euler-v2.md, written by scripts/build_docs."""

from keeper.protocols.coverage import EventTable
from keeper.protocols.euler_v2.events import EVENTS
from keeper.protocols.euler_v2.records import Role

_TITLES = {
    Role.FACTORY: "GenericFactory",
    Role.CONNECTOR: "EthereumVaultConnector",
    Role.VAULT: "EVault",
    Role.DEBT_TOKEN: "DToken (not watched)",
    Role.ROUTER: "EulerRouter (not watched)",
    Role.PROTOCOL_CONFIG: "ProtocolConfig (not watched)",
}

_HEAD = """# Events of Euler v2

Made from `keeper/protocols/euler_v2/events.py`, which is also what folds them; a test compares the
table with the recorded runs. An event is either handled by the function named, or ignored for the
reason given.
"""

TABLE = EventTable("events-euler-v2.md", _HEAD, _TITLES, EVENTS)
