"""The names under which a LendingPoolAddressesProvider keeps what this folder cares about."""

from keeper.protocols.aave_v3.names import PRICE_ORACLE, address_id

__all__ = ["CONFIGURATOR", "POOL", "PRICE_ORACLE"]

POOL = address_id("LENDING_POOL")
CONFIGURATOR = address_id("LENDING_POOL_CONFIGURATOR")
