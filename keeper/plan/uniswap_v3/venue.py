"""Uniswap v3 as a venue, known by the addresses of its factory and its QuoterV2 only.

Interfaces: v3-core IUniswapV3Factory and IUniswapV3Pool, v3-periphery IQuoterV2.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import islice, product
from typing import NamedTuple

from eth_abi.abi import decode, encode
from eth_utils.abi import function_signature_to_4byte_selector as selector

from keeper.plan.model import Hop
from keeper.plan.route import Path, PoolKey, Quote, QuoteRequest, keys
from keeper.plan.together import together
from keeper.plan.uniswap_v3.gas import swap_gas
from keeper.plan.uniswap_v3.lending import PoolLender, Vault, balance, lend
from keeper.plan.uniswap_v3.pool import Pool
from keeper.plan.uniswap_v3.reads import Sight, look
from keeper.protocols.base import Reads
from keeper.types import ZERO_ADDRESS, Address, BlockRef, Call, Hash

FEES = (100, 500, 3000, 10000)
HUBS = 4
"""Two-hop paths go through at most this many intermediate tokens, the best connected ones."""
DEPTH = 2
"""Each leg of a two-hop path may use this many pools, the deepest ones."""
FEW = 2
"""Where fewer paths are known than these, paths of three hops join them: one way is soon used up."""
LENDERS = 3
"""Pools of each fee that are asked for a loan, the ones that held most. The sale may need some of them."""

GET_POOL = selector("getPool(address,address,uint24)")
LIQUIDITY = selector("liquidity()")
TICK_SPACING = selector("tickSpacing()")
QUOTE_EXACT_INPUT = selector("quoteExactInput(bytes,uint256)")

FACTS = 4

# v3-core TickMath: a swap without a price limit that ends here found the pool empty.
LOWEST_PRICE = 4295128740
HIGHEST_PRICE = 1461446703485210103287273052203988822378723970341

Pair = tuple[Address, Address]


class Known(NamedTuple):
    """A pool that can trade. `liquidity` compares pools of the same pair only; `held`: of either token."""

    fee: int
    liquidity: int
    address: Address
    spacing: int
    held: tuple[int, int]


class UniswapV3:
    """Discovers pools, builds paths of up to three hops, and keeps the state of the pools on them.

    QuoterV2 answers for pools whose state could not be read. What is known of a pair is read again once it is
    `max_age` blocks old.
    """

    def __init__(self, factory: Address, quoter: Address, max_age: int = 300) -> None:
        self.factory = factory
        self._quoter = quoter
        self._max_age = max_age
        self._pools: dict[Pair, list[Known]] = {}
        self._met: dict[Address, dict[Address, int]] = {}
        self._read_at: dict[Pair, int] = {}
        self._sights: dict[PoolKey, Sight] = {}
        self._seen_in: dict[PoolKey, Hash] = {}

    def discover(self, pairs: Collection[Pair], block: int) -> Reads[None]:
        stale = sorted(pair for pair in pairs if self._stale(pair, block))
        if not stale:
            return
        asked = list(product(stale, FEES))
        answers = yield [Call(self.factory, _get_pool(pair, fee)) for pair, fee in asked]
        found = [
            (pair, fee, pool) for (pair, fee), pool in zip(asked, map(_address, answers), strict=True) if pool
        ]
        facts = yield [call for pair, _, pool in found for call in _facts(pair, pool)]
        pools: dict[Pair, list[Known]] = {pair: [] for pair in stale}
        for number, (pair, fee, pool) in enumerate(found):
            liquidity, spacing, *held = (
                int.from_bytes(fact or b"") for fact in facts[FACTS * number :][:FACTS]
            )
            if liquidity and spacing:
                pools[pair].append(Known(fee, liquidity, pool, spacing, (held[0], held[1])))
        for pair in stale:
            self._pools[pair] = sorted(pools[pair], key=lambda pool: pool.liquidity, reverse=True)
            self._read_at[pair] = block
            self._note(pair)

    def observe(self, paths: Iterable[Path], block: BlockRef) -> Reads[Mapping[PoolKey, Pool]]:
        """The pools on `paths` (those of other venues left out) as they are at `block`."""
        wanted = {key for path in paths if path.factory == self.factory for key in keys(path)}
        unseen = [key for key in sorted(wanted) if self._seen_in.get(key) != block.hash]
        known = [self._known(key) for key in unseen]
        sights = yield from together(
            [
                look(pool.address, pool.fee, pool.spacing, block.number, self._sights.get(key))
                for key, pool in zip(unseen, known, strict=True)
            ]
        )
        for key, sight in zip(unseen, sights, strict=True):
            self._seen_in[key] = block.hash
            if sight is None:
                self._sights.pop(key, None)
            else:
                self._sights[key] = sight
        return {key: self._sights[key].pool for key in wanted if key in self._sights}

    def lend(self, tokens: Collection[Address]) -> Reads[list[PoolLender]]:
        """The pools that may lend `tokens`, with what they hold at the block read."""
        return (yield from lend([vault for token in sorted(set(tokens)) for vault in self._vaults(token)]))

    def routes(self, token_in: Address, token_out: Address) -> Sequence[Path]:
        if token_in == token_out:
            return []
        paths = [
            Path(self.factory, token_in, (Hop(token_out, pool.fee),))
            for pool in self._between(token_in, token_out)
        ]
        for hub in self._hubs(token_in, token_out):
            legs = self._between(token_in, hub)[:DEPTH], self._between(hub, token_out)[:DEPTH]
            paths += [
                Path(self.factory, token_in, (Hop(hub, first.fee), Hop(token_out, second.fee)))
                for first, second in product(*legs)
            ]
        return [*paths, *islice(self._longer(token_in, token_out), max(FEW - len(paths), 0))]

    def _longer(self, token_in: Address, token_out: Address) -> Iterator[Path]:
        """Paths over two other tokens, the best connected first, by the deepest pools."""
        ends = {token_in, token_out}
        turns = [
            (first, second)
            for first in self._met.get(token_in, {}).keys() - ends
            for second in self._met.get(token_out, {}).keys() - ends
            if first != second and self._between(first, second)
        ]
        for turn in sorted(turns, key=lambda turn: (-sum(map(self._pools_of, turn)), turn)):
            hops, token = list[Hop](), token_in
            for towards in (*turn, token_out):
                hops.append(Hop(towards, self._between(token, towards)[0].fee))
                token = towards
            yield Path(self.factory, token_in, tuple(hops))

    def _pools_of(self, token: Address) -> int:
        return sum(self._met[token].values())

    def quote(self, requests: Sequence[QuoteRequest]) -> Reads[list[Quote | None]]:
        answers = yield [Call(self._quoter, _quote_call(request)) for request in requests]
        return [_quoted(answer) for answer in answers]

    def _stale(self, pair: Pair, block: int) -> bool:
        return pair not in self._read_at or not 0 <= block - self._read_at[pair] < self._max_age

    def _known(self, key: PoolKey) -> Known:
        return next(pool for pool in self._pools[key.token0, key.token1] if pool.fee == key.fee)

    def _between(self, a: Address, b: Address) -> list[Known]:
        return self._pools.get((a, b) if a < b else (b, a), [])

    def _vaults(self, token: Address) -> Iterator[Vault]:
        """LENDERS pools of each fee that have `token`."""
        pairs = [(token, other) if token < other else (other, token) for other in self._met.get(token, ())]
        holding = [(pool.held[pair.index(token)], pair, pool) for pair in pairs for pool in self._pools[pair]]
        for fee in FEES:
            rich = sorted((each for each in holding if each[2].fee == fee), key=lambda each: -each[0])
            for _, pair, pool in rich[:LENDERS]:
                yield Vault(PoolKey(self.factory, *pair, fee), pool.address, token)

    def _note(self, pair: Pair) -> None:
        """Remember how many pools the tokens of `pair` have against each other."""
        for token, other in (pair, pair[::-1]):
            met = self._met.setdefault(token, {})
            met.pop(other, None)
            if pools := self._pools[pair]:
                met[other] = len(pools)

    def _hubs(self, token_in: Address, token_out: Address) -> list[Address]:
        both = self._met.get(token_in, {}).keys() & self._met.get(token_out, {}).keys()
        return sorted(both, key=lambda hub: (-self._pools_of(hub), hub))[:HUBS]


def _facts(pair: Pair, pool: Address) -> list[Call]:
    """What is asked of a pool that was found, FACTS calls."""
    return [Call(pool, LIQUIDITY), Call(pool, TICK_SPACING), *(balance(token, pool) for token in pair)]


def _get_pool(pair: Pair, fee: int) -> bytes:
    return GET_POOL + encode(["address", "address", "uint24"], [*pair, fee])


def _address(answer: bytes | None) -> Address | None:
    if answer is None or len(answer) < 32:
        return None
    address = Address("0x" + answer[12:32].hex())
    return None if address == ZERO_ADDRESS else address


def _quote_call(request: QuoteRequest) -> bytes:
    path = bytes.fromhex(request.path.token_in[2:])
    for hop in request.path.hops:
        path += hop.fee.to_bytes(3) + bytes.fromhex(hop.token_out[2:])
    return QUOTE_EXACT_INPUT + encode(["bytes", "uint256"], [path, request.amount_in])


def _quoted(answer: bytes | None) -> Quote | None:
    """None for a revert, and for a pool emptied before it took the whole amount.

    The quoter reports what such a pool pays out; the executor refuses to leave collateral behind.
    """
    if not answer:
        return None
    amount_out, prices_after, crossed, _ = decode(["uint256", "uint160[]", "uint32[]", "uint256"], answer)
    if not amount_out or any(price <= LOWEST_PRICE or price >= HIGHEST_PRICE for price in prices_after):
        return None
    return Quote(amount_out, swap_gas(len(crossed), sum(crossed)))
