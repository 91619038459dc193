"""The table of events for people: docs/events-aave.md, written by scripts/build_docs."""

from keeper.protocols.aave_v3.events import EVENTS
from keeper.protocols.aave_v3.records import Role
from keeper.protocols.coverage import EventTable

_TITLES = {
    Role.PROVIDER: "PoolAddressesProvider",
    Role.POOL: "Pool, L2Pool",
    Role.CONFIGURATOR: "PoolConfigurator",
    Role.ORACLE: "AaveOracle",
    Role.A_TOKEN: "aToken since v3.5",
    Role.V_TOKEN: "Variable debt token since v3.5",
    Role.HALF_UP_A_TOKEN: "aToken up to v3.4",
    Role.HALF_UP_V_TOKEN: "Variable debt token up to v3.4",
    Role.STABLE_TOKEN: "Stable debt token (v3.0, v3.1)",
    Role.FEED: "Price sources and what stands behind them",
    Role.ACL_MANAGER: "ACLManager (not watched)",
    Role.SENTINEL: "PriceOracleSentinel (not watched)",
    Role.RATE_STRATEGY: "Interest rate strategy (not watched)",
}

_HEAD = """# Events of Aave v3, v3.0 to v3.7

Made from `keeper/protocols/aave_v3/events.py`, which is also what folds them; a test compares the
table with the contracts' own interfaces, and the recorded runs with the table. An event is either
handled by the function named, or ignored for the reason given. Which table a token's events are read
by follows its revision, see `releases.py`.
"""

TABLE = EventTable("events-aave.md", _HEAD, _TITLES, EVENTS)
