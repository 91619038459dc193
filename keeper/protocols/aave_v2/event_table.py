"""The table of events for people: docs/events-aave-v2.md, written by scripts/build_docs."""

from keeper.protocols.aave_v2.coverage import Coverage
from keeper.protocols.aave_v2.events import EVENTS
from keeper.protocols.aave_v3.records import Role

TITLES = {
    Role.PROVIDER: "LendingPoolAddressesProvider",
    Role.POOL: "LendingPool",
    Role.CONFIGURATOR: "LendingPoolConfigurator",
    Role.ORACLE: "AaveOracle",
    Role.A_TOKEN: "aToken",
    Role.V_TOKEN: "Variable debt token",
    Role.STABLE_TOKEN: "Stable debt token",
    Role.FEED: "Price sources and what stands behind them",
}

_HEAD = """# Events of Aave v2

Made from `keeper/protocols/aave_v2/events.py`, which is also what folds them; a test compares the
table with the contracts' own interfaces. An event is either handled by the function named, or ignored
for the reason given.
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
    folder, module = event.handler.__module__.rsplit(".", 2)[-2:]
    return f"| `{event.signature}` | handled: `{folder}.{module}.{event.handler.__name__}` |"
