"""The names under which a PoolAddressesProvider keeps what this folder cares about."""


def address_id(name: str) -> str:
    """The bytes32 of a name."""
    return "0x" + name.encode().ljust(32, b"\0").hex()


POOL = address_id("POOL")
POOL_CONFIGURATOR = address_id("POOL_CONFIGURATOR")
PRICE_ORACLE = address_id("PRICE_ORACLE")
PRICE_ORACLE_SENTINEL = address_id("PRICE_ORACLE_SENTINEL")
