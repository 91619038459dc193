"""The table of events for people: docs/events-aave-v2.md, written by scripts/build_docs."""

from keeper.protocols.aave_v2.events import EVENTS
from keeper.protocols.aave_v3.records import Role
from keeper.protocols.coverage import EventTable

_TITLES = {
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

TABLE = EventTable("events-aave-v2.md", _HEAD, _TITLES, EVENTS)
