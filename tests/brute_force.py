"""The best liquidation of an account, found the dull way: every pair, every route, a grid of amounts.

It shares the protocol's rules (`market.settle`) and the gas model with the planner, and nothing else:
the routes come from the pools that were deployed, the quotes from the contract's own ABI.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from keeper.devnet.exchange.uniswap_v3 import Exchange, Pool, uniswap_contract
from keeper.plan.model import Hop, Leg, Plan, Route
from keeper.plan.strategy import GasModel
from keeper.plan.uniswap_v3.gas import swap_gas
from keeper.ports import ChainReader
from keeper.protocols.base import Market, Opportunity, Settlement
from keeper.types import WAD, Address, Call

GRID = 48
FINER = 24
EMPTIED = {4295128740, 1461446703485210103287273052203988822378723970341}
"""TickMath.MIN_SQRT_RATIO + 1 and MAX_SQRT_RATIO - 1: the pool ran dry before it took everything."""

Hops = tuple[Hop, ...]


class Try(NamedTuple):
    """One way to liquidate: how much to ask for, and how to sell what is seized."""

    opportunity: Opportunity
    request: int
    hops: Hops


class Costs(NamedTuple):
    """Wei per gas, and USD (8 decimals) per 1e18 wei."""

    gas: GasModel
    gas_price: int
    native_price: int


class Sale(NamedTuple):
    """What the quoter says of selling a seizure."""

    amount_out: int
    gas: int


class BruteForce:
    """Prices liquidations on the state of `block` with the chain's own quoter."""

    def __init__(  # noqa: PLR0917 - the state to price on, one name each
        self, chain: ChainReader, exchange: Exchange, market: Market, frame: Any, block: int, costs: Costs
    ) -> None:
        self._chain = chain
        self._exchange = exchange
        self._market = market
        self._frame = frame
        self._block = block
        self._costs = costs
        self.priced = 0

    async def best(self, accounts: Iterable[Address]) -> dict[Address, tuple[int, Try]]:
        """Net profit (USD, 8 decimals; losses too) of each account's best try, and that try.

        A grid over all allowed amounts, then a finer one around the best amount of each pair and route.
        An account is absent when nothing could be priced.
        """
        pairs = [pair for account in accounts for pair in self._market.opportunities(account, self._frame)]
        lines = [(pair, hops) for pair in pairs for hops in self._routes(pair)]
        values = await self.price(Try(pair, size, hops) for pair, hops in lines for size in _grid(pair))
        values |= await self.price(list(_refined(values)))
        best: dict[Address, tuple[int, Try]] = {}
        for tried, value in values.items():
            account = tried.opportunity.account
            if account not in best or value > best[account][0]:
                best[account] = value, tried
        return best

    async def plans(self, plans: Sequence[Plan]) -> list[int]:
        """Net profits of the planner's plans, each leg of their routes sold apart."""
        parts = [
            (Try(plan.opportunity, plan.request, leg.hops), leg.amount_in)
            for plan in plans
            for leg in plan.route.legs
        ]
        sales = iter(await self._sell(parts))
        worths = []
        for plan in plans:
            legs = [sale for _ in plan.route.legs if (sale := next(sales))]
            assert len(legs) == len(plan.route.legs)
            assert sum(leg.amount_in for leg in plan.route.legs) in {0, plan.settlement.seize}
            out = sum(sale.amount_out for sale in legs) if legs else plan.settlement.seize
            tried = Try(plan.opportunity, plan.request, plan.route.hops)
            settled = self._market.settle(plan.opportunity, plan.request, self._frame)
            assert settled == plan.settlement
            worths.append(self._net(tried, plan.settlement, Sale(out, sum(sale.gas for sale in legs))))
        return worths

    async def price(self, tries: Iterable[Try]) -> dict[Try, int]:
        """Net profit (USD, 8 decimals) of the tries that the protocol and the pools accept."""
        settled = [
            (tried, self._market.settle(tried.opportunity, tried.request, self._frame)) for tried in tries
        ]
        accepted = [(tried, outcome) for tried, outcome in settled if isinstance(outcome, Settlement)]
        sales = await self._sell([(tried, outcome.seize) for tried, outcome in accepted])
        return {
            tried: self._net(tried, outcome, sale)
            for (tried, outcome), sale in zip(accepted, sales, strict=True)
            if sale is not None
        }

    def _net(self, tried: Try, settlement: Settlement, sale: Sale) -> int:
        debt, costs = tried.opportunity.debt, self._costs
        assert debt.price is not None
        gross = sale.amount_out - settlement.repay - self._premium(tried)
        legs = (Leg(self._exchange.factory, tried.hops, settlement.seize),) if tried.hops else ()
        route = Route(legs, settlement.seize, sale.amount_out, sale.gas)
        gas = costs.gas.total(settlement, route) * costs.gas_price * costs.native_price
        unit: int = 10**debt.decimals
        return gross * debt.price // unit + -gas // WAD

    def _premium(self, tried: Try) -> int:
        [lender] = self._market.flash_sources()
        return lender.fee(tried.opportunity.debt.address, tried.request)

    async def _sell(self, seizures: Sequence[tuple[Try, int]]) -> list[Sale | None]:
        quoter = uniswap_contract("QuoterV2")
        calls = [
            Call(self._exchange.quoter, quoter.encode("quoteExactInput", _packed(tried), amount))
            for tried, amount in seizures
            if tried.hops
        ]
        self.priced += len(seizures)
        answers = iter(await self._chain.call_many(calls, self._block))
        sales: list[Sale | None] = []
        for tried, amount in seizures:
            if not tried.hops:
                sales.append(Sale(amount, 0))
            elif answer := next(answers):
                out, prices, crossed, _ = quoter.decode("quoteExactInput", answer)
                sale = Sale(out, swap_gas(len(crossed), sum(crossed)))
                sales.append(None if EMPTIED & set(prices) else sale)
            else:
                sales.append(None)
        return sales

    def _routes(self, opportunity: Opportunity) -> Iterator[Hops]:
        """No swap for the same asset; else every pool, and every two pools, between the two."""
        start, end = opportunity.collateral.address, opportunity.debt.address
        if start == end:
            yield ()
            return
        for first, middle in self._from(start):
            if middle == end:
                yield (Hop(end, first.fee),)
            else:
                for second, reached in self._from(middle):
                    if reached == end:
                        yield Hop(middle, first.fee), Hop(end, second.fee)

    def _from(self, token: Address) -> Iterator[tuple[Pool, Address]]:
        for pool in self._exchange.pools:
            if token == pool.token0:
                yield pool, pool.token1
            elif token == pool.token1:
                yield pool, pool.token0


def _packed(tried: Try) -> bytes:
    hops = b"".join(hop.fee.to_bytes(3) + bytes.fromhex(hop.token_out[2:]) for hop in tried.hops)
    return bytes.fromhex(tried.opportunity.collateral.address[2:]) + hops


def _grid(opportunity: Opportunity) -> list[int]:
    """All ends of the ranges, GRID even steps from nothing to the largest amount, and 1/2, 1/4, … of it.

    Amounts between two ranges stay in: the protocol refuses them by itself.
    """
    largest = opportunity.ranges[-1][1]
    ends = {end for bounds in opportunity.ranges for end in bounds}
    even = {largest * step // GRID for step in range(1, GRID)}
    falling = {largest >> power for power in range(1, 13)}
    return sorted((ends | even | falling) - {0})


def _refined(values: dict[Try, int]) -> Iterator[Try]:
    """FINER amounts between the neighbours of the best one of each pair and route."""
    best: dict[tuple[Opportunity, Hops], tuple[int, int]] = {}
    for (pair, size, hops), value in values.items():
        best[pair, hops] = max(best.get((pair, hops), (value, size)), (value, size))
    for (pair, hops), (_, size) in best.items():
        grid = _grid(pair)
        place = grid.index(size)
        low, high = grid[max(place - 1, 0)], grid[min(place + 1, len(grid) - 1)]
        for step in range(1, FINER + 1):
            yield Try(pair, low + (high - low) * step // (FINER + 1), hops)
