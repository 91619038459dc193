"""What the contracts say, read from Anvil itself and not through anything that could lie."""

from collections.abc import Sequence

from keeper.devnet.network import Network
from keeper.types import Address
from tests.differential import Mismatch

DERIVED_PRICE = "price derived from logs"

Position = tuple[int, int, int]
"""Collateral and debt in the oracle's unit, health factor: from getUserAccountData."""


async def contract_positions(
    network: Network, users: Sequence[Address], block: int
) -> dict[Address, Position]:
    """Answers of getUserAccountData for `users` at the end of `block`."""
    pool = network.market.contracts["PoolInstance"]
    calls = [(network.market.pool, pool.encode("getUserAccountData", user)) for user in users]
    answers = await network.node.call_many(calls, block)
    positions = {}
    for user, answer in zip(users, answers, strict=True):
        words = [int.from_bytes(answer[at : at + 32]) for at in range(0, len(answer), 32)]
        positions[user] = (words[0], words[1], words[5])
    return positions


def wrong(found: Sequence[Mismatch]) -> list[str]:
    """What of `found` is wrong.

    A price source that a lie, or a read torn by a reorganisation, cost its trust is no mismatch: it is read
    at every block instead of derived.
    """
    return [str(each) for each in found if (each.figure, each.keeper) != (DERIVED_PRICE, None)]
