"""Whether accounts that a burst left alone would have paid: every pair, size and way to sell is run.

Nothing of the planner is asked. The executor carries each liquidation out in a simulated block, the pool
says what it accepts and the exchange what it pays; the oracle's prices only turn the profit into dollars.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from itertools import permutations
from typing import NamedTuple

from keeper.artifacts import load_artifact
from keeper.chain.rpc import Rpc
from keeper.demo.configure import Site
from keeper.devnet.aave.market import Reserve
from keeper.devnet.exchange.uniswap_v3 import Pool
from keeper.devnet.network import Network
from keeper.devnet.tokens import balance_of
from keeper.errors import CallReverted
from keeper.execute.executor import MAX_HOPS, Executor
from keeper.plan.model import Hop, Leg, Loan, Plan, Profit, Route
from keeper.ports import NextBlock
from keeper.protocols.base import AssetInfo, Dialect, FlashKind, Instruction, Opportunity, Settlement
from keeper.types import WAD, Address, BlockRef

PARTS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 64)
"""The debt is tried whole and divided by each of these."""
SPLIT, TENTHS = 4, (2, 4, 5, 6, 8)
"""So many of the best single ways share a sale, two by two, the first of them with so many tenths."""
TIP = 10**9
AAVE_PREMIUM = 500
"""What Aave asks for a loan, in the unit of pools' fees."""
AT_ONCE = 16

Way = tuple[Pool, ...]


class Sale(NamedTuple):
    """A repayment (debt units) for a collateral, sold over `ways`; all but the last take `tenths` of it."""

    account: Address
    debt: Reserve
    collateral: Reserve
    repay: int
    ways: tuple[Way, ...]
    tenths: int = 0

    def __str__(self) -> str:
        fees = " and ".join("-".join(str(pool.fee) for pool in way) for way in self.ways)
        amount = f"{self.repay / 10**self.debt.decimals:.4f} {self.debt.symbol}"
        return f"{amount} for {self.collateral.symbol} over {fees}"


class Best(NamedTuple):
    """The best liquidation found: net of gas in USD (8 decimals), and what it is."""

    net_usd: int
    sale: Sale


async def leftover(
    network: Network, site: Site, accounts: Sequence[Address]
) -> Mapping[Address, Best | None]:
    """The best for each account that can be liquidated now, None where every try loses money."""
    pool = network.market.contracts["PoolInstance"]
    data = [(network.market.pool, pool.encode("getUserAccountData", account)) for account in accounts]
    told = [pool.decode("getUserAccountData", each) for each in await network.node.call_many(data)]
    ill = [account for account, each in zip(accounts, told, strict=True) if each[5] < WAD]
    async with Rpc(network.anvil.http) as chain:
        brute = _Brute(network, site, chain, await chain.block(), await network.actors.prices())
        return {account: await brute.best(account) for account in ill}


class _Brute:
    def __init__(
        self, network: Network, site: Site, chain: Rpc, head: BlockRef, prices: Mapping[str, int]
    ) -> None:
        self._network = network
        self._operator = site.operator
        self._executor = Executor(site.executor, load_artifact("executor").abi)
        self._chain = chain
        self._head = head
        self._prices = prices
        self._busy = asyncio.Semaphore(AT_ONCE)

    async def best(self, account: Address) -> Best | None:
        single = await self._run([sale async for sale in self._singles(account)])
        shared = await self._run(list(_shared(single)))
        return max((*single, *shared), key=lambda best: best.net_usd, default=None)

    async def _singles(self, account: Address) -> AsyncIterator[Sale]:
        node, reserves = self._network.node, self._network.market.reserves
        for collateral in reserves:
            if not await balance_of(node, collateral.a_token, account):
                continue
            for debt in reserves:
                owed = await balance_of(node, debt.v_token, account)
                sizes = {owed // part + owed // 10_000 for part in PARTS} if owed else ()
                for way in self._ways(collateral.token, debt.token):
                    for size in sizes:
                        yield Sale(account, debt, collateral, size, (way,))

    def _ways(self, sold: Address, bought: Address, hops: int = MAX_HOPS) -> Iterator[Way]:
        if sold == bought:
            yield ()
        elif hops:
            for pool in self._network.exchange.pools:
                if sold in {pool.token0, pool.token1}:
                    for rest in self._ways(_other(pool, sold), bought, hops - 1):
                        if pool not in rest:
                            yield (pool, *rest)

    async def _run(self, sales: Sequence[Sale]) -> list[Best]:
        nets = await asyncio.gather(*(self._net(sale) for sale in sales))
        return [Best(net, sale) for net, sale in zip(nets, sales, strict=True) if net is not None]

    async def _net(self, sale: Sale) -> int | None:
        """What carrying it out in the next block brings after gas; None where it fails or loses money."""
        then = NextBlock(self._head.number + 1, self._head.timestamp + 1)
        async with self._busy:
            try:
                seen = await self._chain.simulate(
                    self._executor.batch([self._plan(sale)]), self._operator, then
                )
            except CallReverted:
                return None
        [result] = self._executor.results(seen.data)
        assert seen.gas is not None, "Anvil tells"
        profit: int = result.profit * self._prices[sale.debt.symbol] // 10**sale.debt.decimals
        return profit - seen.gas * (self._head.base_fee + TIP) * self._prices["WETH"] // WAD

    def _plan(self, sale: Sale) -> Plan:
        debt, collateral = self._asset(sale.debt), self._asset(sale.collateral)
        # About what is seized, for the parts of a sale: the last way takes the rest in any case.
        value = sale.repay * (debt.price or 0) * 10**collateral.decimals // 10**debt.decimals
        seize = value // (collateral.price or 1)
        legs = tuple(
            self._leg(collateral.address, way, seize * sale.tenths // 10) for way in sale.ways if way
        )
        return Plan(
            deployment="",
            borrower=sale.account,
            block=self._head,
            opportunity=Opportunity(sale.account, debt, collateral, ()),
            instruction=Instruction(Dialect.AAVE, self._network.market.pool),
            settlement=Settlement(sale.repay, seize, 0),
            route=Route(legs, seize, 0, 0),
            profit=Profit(0, 0, 0, 0, 0, 0, 0, 0, 0),
            min_profit=0,
            loan=self._loan(sale),
        )

    def _leg(self, token: Address, way: Way, amount: int) -> Leg:
        hops = []
        for pool in way:
            token = _other(pool, token)
            hops.append(Hop(token, pool.fee))
        return Leg(self._network.exchange.factory, tuple(hops), amount)

    def _loan(self, sale: Sale) -> Loan:
        """The cheapest pool with the debt that the sale leaves alone, else Aave."""
        busy = {pool for way in sale.ways for pool in way}
        free = [
            pool
            for pool in self._network.exchange.pools
            if sale.debt.token in {pool.token0, pool.token1} and pool not in busy
        ]
        cheapest = min(free, key=lambda pool: pool.fee, default=None)
        if cheapest is None or cheapest.fee > AAVE_PREMIUM:
            return Loan(FlashKind.AAVE, self._network.market.pool)
        return Loan(FlashKind.UNISWAP_V3, cheapest.address)

    def _asset(self, reserve: Reserve) -> AssetInfo:
        return AssetInfo(0, reserve.token, reserve.symbol, reserve.decimals, self._prices[reserve.symbol])


def _shared(single: Sequence[Best]) -> Iterator[Sale]:
    """The best pair and size again, over two of its best ways at once."""
    if not single:
        return
    top = max(single, key=lambda best: best.net_usd).sale
    same = [best for best in single if best.sale._replace(ways=top.ways) == top and best.sale.ways[0]]
    same.sort(key=lambda best: best.net_usd, reverse=True)
    for first, second in permutations(same[:SPLIT], 2):
        for tenths in TENTHS:
            yield top._replace(ways=(*first.sale.ways, *second.sale.ways), tenths=tenths)


def _other(pool: Pool, token: Address) -> Address:
    return pool.token1 if token == pool.token0 else pool.token0
