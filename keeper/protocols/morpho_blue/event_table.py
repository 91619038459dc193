"""The table of events for people: docs/events-morpho-blue.md, written by scripts/build_docs."""

from keeper.protocols.morpho_blue.coverage import Coverage
from keeper.protocols.morpho_blue.events import EVENTS
from keeper.protocols.morpho_blue.records import Role

TITLES = {
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
