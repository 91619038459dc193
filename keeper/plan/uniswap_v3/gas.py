"""What swaps cost in gas, by how many pools they pass and how many ticks they cross."""

POOL_GAS = 92_000
"""Gas of a swap in one pool that crosses no initialised tick, as QuoterV2 measures it on the devnet."""
TICK_GAS = 46_000
"""Gas of each initialised tick that it crosses."""


def swap_gas(pools: int, crossed: int) -> int:
    """Gas of swaps in so many pools that cross so many initialised ticks together."""
    return POOL_GAS * pools + TICK_GAS * crossed
