"""The table of events for people: docs/events-euler-v2.md, written by scripts/build_docs."""

from keeper.protocols.euler_v2.coverage import Coverage
from keeper.protocols.euler_v2.events import EVENTS
from keeper.protocols.euler_v2.records import Role

TITLES = {
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


def markdown() -> str:
    """The whole document."""
    return "\n".join([_HEAD, *(_section(role, title) for role, title in TITLES.items())])


def _section(role: Role, title: str) -> str:
    rows = sorted(_row(event) for event in EVENTS if event.role is role)
    return "\n".join([f"## {title}", "", "| event | |", "|---|---|", *rows, ""])


def _row(event: Coverage) -> str:
    if event.handler is None:
        return f"| `{event.signature}` | ignored: {event.reason} |"
    module = event.handler.__module__.rsplit(".", 1)[-1]
    return f"| `{event.signature}` | handled: `{module}.{event.handler.__name__}` |"
