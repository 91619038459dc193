"""A stub market and thin pools, all in exact integers and without a chain: for sizes and bursts."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from random import Random
from typing import Any

from keeper.plan.model import Hop
from keeper.plan.route import Path, PoolKey, Pools, Quote, QuoteRequest
from keeper.plan.uniswap_v3.depth import Depth
from keeper.plan.uniswap_v3.maths import sqrt_price_at
from keeper.plan.uniswap_v3.pool import Pool
from keeper.protocols.base import (
    AssetInfo,
    Dialect,
    FlashKind,
    Instruction,
    Opportunity,
    Reads,
    Refusal,
    Settlement,
)
from keeper.protocols.flash import Lender
from keeper.types import USD, Address, BlockRef, Call, Hash

GWEI = 10**9
FACTORY = Address("0x" + "fa" * 20)
POOL = Address("0x" + "aa" * 20)
BLOCK = BlockRef(7, Hash("0x" + "07" * 32), Hash("0x" + "06" * 32), 1_700_000_000, GWEI)
USDC = AssetInfo(0, Address("0x" + "01" * 20), "USDC", 18, USD)
WETH = AssetInfo(1, Address("0x" + "02" * 20), "WETH", 18, 2000 * USD)
LINK = AssetInfo(2, Address("0x" + "03" * 20), "LINK", 18, 20 * USD)
ASSETS = (USDC, WETH, LINK)
SPACING = {500: 10, 3000: 60, 10_000: 200}


def account(number: int) -> Address:
    return Address(f"0x{number:040x}")


def premium(amount: int) -> int:
    return -(-amount * 5 // 10_000)


@dataclass
class ThinMarket:
    """Pays what is repaid in collateral at the oracle's prices plus a bonus of its own for each account."""

    opened: Mapping[Address, Sequence[Opportunity]]
    bonus: Mapping[Address, int]
    deployment: str = "thin"

    def assets(self) -> Sequence[AssetInfo]:
        return ASSETS

    def pairs(self) -> None:
        """Any two."""

    def borrower(self, who: Address) -> Address:
        return who

    def instruction(self, _: Opportunity, __: int, ___: Settlement) -> Instruction:
        return Instruction(Dialect.AAVE, POOL)

    def flash_sources(self) -> Sequence[Lender]:
        return [Lender(FlashKind.AAVE, POOL, {asset.address: 10**30 for asset in ASSETS}, premium)]

    def opportunities(self, who: Address, _: Any) -> Sequence[Opportunity]:
        return self.opened.get(who, [])

    def settle(self, pair: Opportunity, repay: int, _: Any) -> Settlement | Refusal:
        if not any(low <= repay <= high for low, high in pair.ranges):
            return Refusal("range", "not allowed")
        worth = repay * (pair.debt.price or 0) * (10_000 + self.bonus[pair.account])
        return Settlement(repay, worth // ((pair.collateral.price or 1) * 10_000), 0)


def thin_pools(rng: Random, dollars: int) -> Pools:
    """Pools between all three tokens near the oracle's prices, with about `dollars` in each of few bands."""
    pools: dict[PoolKey, Pool] = {}
    pairs = [(USDC, WETH), (USDC, LINK), (WETH, LINK)]
    for (low, high), fee in ((pair, fee) for pair in pairs for fee in SPACING):
        if rng.random() < 0.25:
            continue
        spacing = SPACING[fee]
        price = (low.price or 0) / (high.price or 1) * rng.uniform(0.997, 1.003)
        tick = next(tick for tick in count(-120_000) if 1.0001**tick > price)
        nets: dict[int, int] = {}
        active = 0
        for _ in range(rng.randint(1, 5)):
            reach = rng.randint(200, 6000) // spacing + 1
            centre = tick // spacing + rng.randint(-reach // 2, reach // 2)
            size = dollars * 10**18 * 10 ** rng.uniform(-0.7, 0.7)
            liquidity = int(size / (low.price or 1) * USD * price**0.5 * 10_000 / (reach * spacing))
            lower, upper = (centre - reach) * spacing, (centre + reach) * spacing
            nets[lower] = nets.get(lower, 0) + liquidity
            nets[upper] = nets.get(upper, 0) - liquidity
            active += liquidity if lower <= tick < upper else 0
        words = (tick - 9000) // spacing // 256, (tick + 9000) // spacing // 256
        key = PoolKey(FACTORY, low.address, high.address, fee)
        depth = Depth(fee, spacing, words, {at: net for at, net in nets.items() if net}, tick, active)
        inside = (sqrt_price_at(tick) + sqrt_price_at(tick + 1)) // 2
        pools[key] = Pool(inside, tick, active, depth)
    return pools


class ThinVenue:
    """Offers every path of one or two of the pools; whoever asks the chain gets no answer."""

    factory = FACTORY

    def __init__(self, pools: Pools) -> None:
        self.pools = pools

    def discover(self, pairs: Collection[tuple[Address, Address]], block: int) -> Reads[None]:
        yield from ()

    def observe(self, paths: Iterable[Path], block: BlockRef) -> Reads[Pools]:
        yield from ()
        return self.pools

    def routes(self, token_in: Address, token_out: Address) -> Sequence[Path]:
        direct = [(hop,) for hop in self._hops(token_in) if hop.token_out == token_out]
        double = [
            (first, second)
            for first in self._hops(token_in)
            for second in self._hops(first.token_out)
            if first.token_out != token_out and second.token_out == token_out
        ]
        return [Path(FACTORY, token_in, hops) for hops in [*direct, *double]]

    def quote(self, requests: Sequence[QuoteRequest]) -> Reads[list[Quote | None]]:
        yield from ()
        return [None for _ in requests]

    def _hops(self, token: Address) -> list[Hop]:
        pairs = [(key, {key.token0, key.token1}) for key in self.pools]
        return [Hop(next(iter(pair - {token})), key.fee) for key, pair in pairs if token in pair]


class NoChain:
    """Whoever asks it something fails."""

    async def call_many(self, calls: Sequence[Call], block: int | str = "latest") -> list[bytes | None]:
        assert not calls
        return []
