"""The table of events for people: docs/events-venus.md, written by scripts/build_docs."""

from keeper.protocols.venus.event import Coverage
from keeper.protocols.venus.events import EVENTS
from keeper.protocols.venus.records import Role

TITLES = {
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
