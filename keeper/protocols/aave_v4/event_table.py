"""The table of events for people: docs/events-aave-v4.md, written by scripts/build_docs."""

from keeper.protocols.aave_v4.coverage import Coverage
from keeper.protocols.aave_v4.events import EVENTS
from keeper.protocols.aave_v4.records import Role

TITLES = {
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
