"""A planner on a table: a market, an exchange and lenders made of numbers."""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

from keeper.errors import Degraded
from keeper.plan.model import Hop, Plan, Rejection
from keeper.plan.planner import Planner
from keeper.plan.route import Path, Pools, Quote, QuoteRequest
from keeper.plan.strategy import GasModel, Strategy
from keeper.protocols.base import (
    AssetInfo,
    Dialect,
    FlashKind,
    Instruction,
    Market,
    Opportunity,
    Reads,
    Refusal,
    Settlement,
)
from keeper.protocols.flash import Lender
from keeper.types import USD, Address, BlockRef, Call, Hash

GWEI = 10**9
ETH = 3000 * USD
FACTORY = Address("0x" + "fa" * 20)
POOL = Address("0x" + "aa" * 20)
BLOCK = BlockRef(7, Hash("0x" + "07" * 32), Hash("0x" + "06" * 32), 1_700_000_000, GWEI)
USDC = AssetInfo(0, Address("0x" + "01" * 20), "USDC", 6, USD)
WETH = AssetInfo(1, Address("0x" + "02" * 20), "WETH", 18, ETH)
WBTC = AssetInfo(2, Address("0x" + "03" * 20), "WBTC", 8, 60_000 * USD)
ALL = dict.fromkeys((USDC.address, WETH.address, WBTC.address), 10**30)
GAS = GasModel(liquidation=500_000, hop=20_000, bad_debt=75_000)


def premium(amount: int) -> int:
    return -(-amount * 5 // 10_000)


AAVE = Lender(FlashKind.AAVE, POOL, ALL, premium)


def account(number: int) -> Address:
    return Address(f"0x{number:040x}")


def offer(number: int, debt: AssetInfo, collateral: AssetInfo, *ranges: tuple[int, int]) -> Opportunity:
    return Opportunity(account(number), debt, collateral, ranges)


@dataclass
class StubMarket:
    """Pays the debt's oracle worth in collateral plus a bonus, in exact integers."""

    opened: Mapping[Address, Sequence[Opportunity]]
    bonus: int = 500
    liquidatable: bool = True
    refuse: Refusal | None = None
    cap: int | None = None
    fault: str | None = None
    written_off: Mapping[Address, int] = field(default_factory=dict)
    deployment: str = "stub"
    self_funded: bool = False
    lenders: Sequence[Lender] = (AAVE,)

    def assets(self) -> Sequence[AssetInfo]:
        return [USDC, WETH, WBTC]

    def pairs(self) -> None:
        """Any two."""

    def borrower(self, who: Address) -> Address:
        return who

    def instruction(self, _: Opportunity, __: int, ___: Settlement) -> Instruction:
        return Instruction(Dialect.AAVE, POOL, self_funded=self.self_funded)

    def flash_sources(self) -> Sequence[Lender]:
        return self.lenders

    def health(self, _: Address, __: Any) -> Any:
        return SimpleNamespace(liquidatable=self.liquidatable, health_factor=1_250_000_000_000_000_000)

    def opportunities(self, who: Address, _: Any) -> Sequence[Opportunity]:
        if self.fault:
            raise Degraded(self.fault)
        return self.opened.get(who, [])

    def settle(self, pair: Opportunity, repay: int, _: Any) -> Settlement | Refusal:
        if self.refuse:
            return self.refuse
        repay = min(repay, self.cap or repay)
        debt, collateral = pair.debt, pair.collateral
        worth = repay * (debt.price or 0) * 10**collateral.decimals * (10_000 + self.bonus)
        seize = worth // ((collateral.price or 1) * 10**debt.decimals * 10_000)
        return Settlement(repay, seize, 0, self.written_off)


@dataclass(frozen=True)
class Curve:
    """A constant-product pool for both directions of use, in units of the tokens sold and bought."""

    reserve_in: int
    reserve_out: int
    fee: int
    gas: int = 100_000

    def out(self, amount: int) -> int:
        paid = amount * (1_000_000 - self.fee)
        return self.reserve_out * paid // (self.reserve_in * 1_000_000 + paid)


class CurveVenue:
    """Each route is one pool; `fee` of its hop numbers the curve."""

    factory = FACTORY

    def __init__(self, curves: Mapping[tuple[Address, Address], Sequence[Curve]]) -> None:
        self.curves = curves
        self.discoveries = 0

    def discover(self, pairs: Collection[tuple[Address, Address]], block: int) -> Reads[None]:
        assert len(pairs) == 3
        assert block == BLOCK.number
        self.discoveries += 1
        yield from ()

    def routes(self, token_in: Address, token_out: Address) -> Sequence[Path]:
        curves = self.curves.get((token_in, token_out), ())
        return [Path(FACTORY, token_in, (Hop(token_out, number),)) for number in range(len(curves))]

    def observe(self, paths: Iterable[Path], block: BlockRef) -> Reads[Pools]:
        assert block == BLOCK
        yield from ()
        return {}

    def quote(self, requests: Sequence[QuoteRequest]) -> Reads[list[Quote | None]]:
        answers = yield [
            Call(
                FACTORY,
                json.dumps([path.token_in, path.hops[0].token_out, path.hops[0].fee, amount]).encode(),
            )
            for path, amount in requests
        ]
        return [Quote(*json.loads(answer)) if answer else None for answer in answers]


class CurveChain:
    """Answers the venue's calls from its curves and counts round trips."""

    def __init__(self, venue: CurveVenue) -> None:
        self.venue = venue
        self.batches: list[int] = []

    async def call_many(self, calls: Sequence[Call], block: int | str = "latest") -> list[bytes | None]:
        assert block == BLOCK.number
        assert len({call.data for call in calls}) == len(calls), "asked twice"
        self.batches.append(len(calls))
        return [self._answer(*json.loads(call.data)) for call in calls]

    def _answer(self, token_in: Address, token_out: Address, number: int, amount: int) -> bytes | None:
        curve = self.venue.curves[token_in, token_out][number]
        return json.dumps([curve.out(amount), curve.gas]).encode() if curve.fee < 1_000_000 else None


class Bench:
    """A planner with everything around it."""

    def __init__(
        self,
        market: StubMarket,
        curves: Mapping[tuple[Address, Address], Sequence[Curve]],
        strategy: Strategy | None = None,
    ) -> None:
        self.market = market
        self.venue = CurveVenue(curves)
        self.chain = CurveChain(self.venue)
        self.strategy = strategy or Strategy(USD, 100 * GWEI, gas=GAS)
        self.planner = Planner(cast("Any", self.chain), [self.venue], self.strategy)

    async def plan(self, *numbers: int, gas_price: int = GWEI) -> list[Plan | Rejection]:
        market = cast("Market", self.market)
        accounts = [account(number) for number in numbers]
        return await self.planner.plan(market, BLOCK, BLOCK, accounts, gas_price, ETH)

    async def one(self, gas_price: int = GWEI) -> Plan | Rejection:
        return (await self.plan(1, gas_price=gas_price))[0]


def pool(sold: AssetInfo, bought: AssetInfo, usd: int, fee: int = 500, gas: int = 100_000) -> Curve:
    """A pool at the oracle's price with `usd` dollars on each side."""
    reserves = [usd * USD * 10**asset.decimals // (asset.price or 1) for asset in (sold, bought)]
    return Curve(reserves[0], reserves[1], fee, gas)


SELL_WETH = (WETH.address, USDC.address)
DEEP = {SELL_WETH: [pool(WETH, USDC, 10**12)]}
LOAN = offer(1, USDC, WETH, (1, 10_000 * 10**6))
