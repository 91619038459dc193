"""Which pools are worth knowing: those between tokens that a liquidation can sell for one another."""

from collections import Counter
from collections.abc import Collection, Iterable
from itertools import combinations

from keeper.types import Address

Pair = tuple[Address, Address]

FEW = 24
"""Between so many tokens every pair is looked up: whatever is between two of them may be a way."""

HUBS = 4
"""Of more tokens each is paired with those that most markets have, for ways of two hops."""


def pairs_to_know(tokens: Collection[Address], sold: Iterable[Pair] | None) -> set[Pair]:
    """Pairs, each in the order of its addresses. `sold`: (collateral, debt) pairs; None: any two of `tokens`.

    As many as there are isolated markets and tokens, not as the tokens squared.
    """
    if sold is None or len(tokens) <= FEW:
        return set(combinations(sorted(set(tokens)), 2))
    direct = {ordered for ordered in map(_ordered, sold) if ordered[0] != ordered[1]}
    met = Counter(token for pair in direct for token in pair)
    hubs = sorted(met, key=lambda token: (-met[token], token))[:HUBS]
    return direct | {_ordered((token, hub)) for token in met for hub in hubs if token != hub}


def _ordered(pair: Pair) -> Pair:
    one, other = pair
    return (one, other) if one < other else (other, one)
