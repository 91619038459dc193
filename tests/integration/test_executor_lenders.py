"""Other people's money on the real contracts: a pool of Uniswap v3, the owner's own, Aave v2's pool."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from keeper.devnet.aave.dialect import Version
from keeper.devnet.exchange.uniswap_v3 import Pool
from keeper.devnet.node import Tx
from keeper.devnet.reverts import DevnetError
from keeper.devnet.tokens import approve, mint
from keeper.execute.executor import Liquidated
from keeper.execute.reasons import revert_reason
from keeper.index.conversation import converse
from keeper.plan.model import Loan, Plan
from keeper.plan.planner import Planner
from keeper.plan.strategy import Strategy
from keeper.plan.uniswap_v3 import UniswapV3
from keeper.protocols.base import FlashKind
from keeper.protocols.lenders import AAVE_V2, AAVE_V3, AavePool, Dialect
from keeper.risk.scan import scan
from keeper.types import USD, ZERO_ADDRESS, Address
from tests.integration.test_executor_chain import Stage, growth, promised, staged, swaps


def lenders(stage: Stage, plan: Plan) -> Sequence[Pool]:
    """Pools that have the debt asset and are no part of the plan's route."""
    used = set(swaps(plan))
    pools = stage.network.exchange.pools
    return [
        pool
        for pool in pools
        if plan.opportunity.debt.address in {pool.token0, pool.token1}
        and frozenset((pool.token0, pool.token1, pool.fee)) not in used
    ]


def borrowing(plan: Plan, kind: FlashKind, lender: Address, fee: int) -> Plan:
    """The plan with another lender, and the profit that is left then."""
    gross = plan.profit.swap_out - plan.profit.repay - fee
    profit = replace(plan.profit, flash_fee=fee, gross=gross)
    return replace(plan, loan=Loan(kind, lender), profit=profit, min_profit=gross)


async def test_execute__uniswap_pools_lend__every_plan_pays_what_was_predicted() -> None:
    async with staged() as stage:
        before = await stage.wealth()
        tried: set[Address] = set()
        for plan in stage.plans:
            for pool in lenders(stage, plan)[:1]:
                fee = -(-plan.request * pool.fee // 1_000_000)
                lent = borrowing(plan, FlashKind.UNISWAP_V3, pool.address, fee)
                if lent.profit.gross < 0 or len(tried) == 3:
                    continue
                tried.add(pool.address)
                async with stage.undone():
                    receipt = await stage.carry_out(lent)
                    assert stage.executor.events(receipt.logs) == [promised(lent)]
                    earned = {plan.opportunity.debt.address: lent.profit.gross}
                    assert growth(before, await stage.wealth()) == earned
                    assert await stage.leftovers() == {}
        assert len(tried) >= 2
        await refuses_to_lend_and_swap(stage)
        await owner_lends(stage)
        await only_pools_lend(stage)
        await reads_as_the_index(stage, AAVE_V3)


async def test_execute__aave_v2__its_pool_lends_and_every_plan_pays_what_was_predicted() -> None:
    async with staged(Version.V2) as stage:
        assert stage.follows.follower.market.doubt is None
        plans = stage.plans[:8]
        assert {plan.loan.kind for plan in plans if plan.loan} == {FlashKind.AAVE_V2}
        assert len(plans) == 8
        before = await stage.wealth()
        for plan in plans:
            async with stage.undone():
                receipt = await stage.carry_out(plan)
                assert stage.executor.events(receipt.logs) == [promised(plan)]
                assert growth(before, await stage.wealth()) == {
                    plan.opportunity.debt.address: plan.profit.gross
                }
                assert await stage.leftovers() == {}
        await reads_as_the_index(stage, AAVE_V2)


async def only_pools_lend(stage: Stage) -> None:
    """Where no deployment lends the planner finds pools that do, none of them locked by the sale."""
    market, exchange = stage.follows.follower.market, stage.network.exchange
    head = await stage.follows.chain.block()
    frame = market.frame(stage.timestamp)
    accounts = [health.account for health in scan(market, frame).liquidatable]
    venue = UniswapV3(exchange.factory, exchange.quoter)
    planner = Planner(stage.follows.chain, [venue], Strategy(USD, 10**11), [venue])
    results = await planner.plan(market, frame, head, accounts, 10**9, 2000 * USD, [])
    plans = [result for result in results if isinstance(result, Plan)]
    assert len(plans) > len(stage.plans) // 2
    before, named = await stage.wealth(), {pool.address: pool for pool in exchange.pools}
    for plan in plans[:12]:
        assert plan.loan is not None
        assert plan.loan.kind is FlashKind.UNISWAP_V3
        lender = named[plan.loan.lender]
        assert frozenset((lender.token0, lender.token1, lender.fee)) not in set(swaps(plan))
        async with stage.undone():
            receipt = await stage.carry_out(plan)
            assert stage.executor.events(receipt.logs) == [promised(plan)]
            assert growth(before, await stage.wealth()) == {plan.opportunity.debt.address: plan.profit.gross}
            assert await stage.leftovers() == {}


async def reads_as_the_index(stage: Stage, dialect: Dialect) -> None:
    """The pool named as a lender has, and asks, what the index says of it."""
    market, chain = stage.follows.follower.market, stage.follows.chain
    tokens = [asset.address for asset in market.assets()]
    [told] = await converse(AavePool(stage.network.market.pool, dialect).lend(tokens), chain, "latest")
    [known] = market.flash_sources()
    assert (told.kind, told.lender) == (known.kind, known.lender)
    assert [told.available(token) for token in tokens] == [known.available(token) for token in tokens]
    for amount in (1, 9_999, 10**20):
        assert 0 <= told.fee(tokens[0], amount) - known.fee(tokens[0], amount) <= 1


async def refuses_to_lend_and_swap(stage: Stage) -> None:
    """A pool that lends is locked: a route through it fails as a whole."""
    plan = next(plan for plan in stage.plans if len(plan.route.hops) == 1)
    [used] = swaps(plan)
    [pool] = [
        pool
        for pool in stage.network.exchange.pools
        if frozenset((pool.token0, pool.token1, pool.fee)) == used
    ]
    with pytest.raises(DevnetError) as reverted:
        await stage.carry_out(replace(plan, loan=Loan(FlashKind.UNISWAP_V3, pool.address)))
    assert revert_reason(reverted.value.data) == "LOK"


async def owner_lends(stage: Stage) -> None:
    """Inventory: the owner pays by an allowance of just what is repaid, and has it back with the profit."""
    plan = stage.plans[0]
    own = borrowing(plan, FlashKind.NONE, ZERO_ADDRESS, 0)
    token, node = plan.opportunity.debt.address, stage.network.node
    async with stage.undone():
        await node.send_many([mint(token, stage.owner, plan.request), _approval(stage, token, plan.request)])
        before = await stage.wealth()
        receipt = await stage.carry_out(own)
        [event] = stage.executor.events(receipt.logs)
        assert isinstance(event, Liquidated)
        assert event.profit == own.profit.gross
        assert growth(before, await stage.wealth()) == {token: own.profit.gross}
        assert await stage.leftovers() == {}


def _approval(stage: Stage, token: Address, amount: int) -> Tx:
    return approve(token, stage.owner, stage.executor.address, amount)
