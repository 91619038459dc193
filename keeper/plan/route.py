"""Ways to sell seized collateral, and the venues that offer them."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple, Protocol

from keeper.plan.model import Hop
from keeper.protocols.base import Reads
from keeper.types import ZERO_ADDRESS, Address, BlockRef

if TYPE_CHECKING:  # the venue that keeps pools speaks of routes itself
    from keeper.plan.uniswap_v3.pool import Pool


class Path(NamedTuple):
    """A chain of pools of the venue whose factory is named, starting from `token_in`."""

    factory: Address
    token_in: Address
    hops: tuple[Hop, ...]


class PoolKey(NamedTuple):
    """A pool by its factory, its tokens in their order, and its fee (1e-6)."""

    factory: Address
    token0: Address
    token1: Address
    fee: int


PATHS = 4096
"""Paths whose pools are remembered: a sale is tried over the same few again and again."""

Pools = Mapping[PoolKey, "Pool"]
"""What is known of pools exactly: as they are, or as they will be after some swaps."""


@lru_cache(maxsize=PATHS)
def steps(path: Path) -> tuple[tuple[PoolKey, bool], ...]:
    """The pools of `path` in its order, and whether token0 is what is sold to each."""
    found, token = list[tuple[PoolKey, bool]](), path.token_in
    for hop in path.hops:
        falling = token < hop.token_out
        pair = (token, hop.token_out) if falling else (hop.token_out, token)
        found.append((PoolKey(path.factory, *pair, hop.fee), falling))
        token = hop.token_out
    return tuple(found)


@lru_cache(maxsize=PATHS)
def keys(path: Path) -> frozenset[PoolKey]:
    """The pools of `path`."""
    return frozenset(key for key, _ in steps(path))


class QuoteRequest(NamedTuple):
    """How much does `path` return for `amount_in` units of its first token?"""

    path: Path
    amount_in: int


class SplitRequest(NamedTuple):
    """How much do `paths`, from the same token to the same token, return together for `amount_in` units?

    `gas_worth`: units of their last token that a unit of gas costs. `hop_gas` comes on top for each pool.
    """

    paths: tuple[Path, ...]
    amount_in: int
    gas_worth: float
    hop_gas: int = 0


Question = QuoteRequest | SplitRequest


class Quote(NamedTuple):
    """What a sale returns: units of its last token, and the gas its swaps burn.

    `parts` say how a sale over several paths is divided; `call` is the router that sells, and its calldata.
    """

    amount_out: int
    gas: int
    parts: tuple[tuple[Path, int], ...] = ()
    call: tuple[Address, bytes] | None = None


class Venue(Protocol):
    """A decentralised exchange. Pure: it says which calls to make and what the bytes mean."""

    factory: Address

    def discover(self, pairs: Collection[tuple[Address, Address]], block: int) -> Reads[None]:
        """Learn which pools of `pairs` can trade, where the knowledge as of `block` is stale.

        The tokens of each pair are in the order of their addresses.
        """
        ...

    def routes(self, token_in: Address, token_out: Address) -> Sequence[Path]:
        """Known paths from `token_in` to `token_out`, the most promising first."""
        ...

    def observe(self, paths: Iterable[Path], block: BlockRef) -> Reads[Pools]:
        """The state at `block` of the pools on those of `paths` that are its own, as far as it can tell."""
        ...

    def quote(self, requests: Sequence[QuoteRequest]) -> Reads[list[Quote | None]]:
        """Quotes in the order asked; None where the path cannot take the whole amount."""
        ...


class SameAsset:
    """The venue of liquidations whose collateral is the debt asset: nothing to swap."""

    factory = ZERO_ADDRESS

    def discover(self, pairs: Collection[tuple[Address, Address]], block: int) -> Reads[None]:
        del pairs, block
        yield from ()

    def routes(self, token_in: Address, token_out: Address) -> Sequence[Path]:
        return [Path(self.factory, token_in, ())] if token_in == token_out else []

    def observe(self, paths: Iterable[Path], block: BlockRef) -> Reads[Pools]:
        del paths, block
        yield from ()
        return {}

    def quote(self, requests: Sequence[QuoteRequest]) -> Reads[list[Quote | None]]:
        yield from ()
        return [Quote(request.amount_in, 0) for request in requests]
