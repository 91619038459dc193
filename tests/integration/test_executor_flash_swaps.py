"""Flash swaps in real Uniswap v3 pools: what was planned is what happens, to the wei, and nobody lent."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from eth_utils.crypto import keccak

from keeper.app.administer import Administrator
from keeper.clock import SystemClock
from keeper.devnet.aave.dialect import Version
from keeper.devnet.exchange.uniswap_v3 import PoolPlan, deploy_uniswap_v3, uniswap_contract
from keeper.devnet.node import Tx
from keeper.devnet.reverts import DevnetError
from keeper.execute.executor import Skipped
from keeper.execute.reasons import revert_reason
from keeper.execute.signer import LocalSigner
from keeper.execute.simulate import Simulator
from keeper.plan.flash_swap import FlashSwaps, sold
from keeper.plan.model import Plan, Reason, Rejection
from keeper.plan.planner import Planner
from keeper.plan.strategy import Strategy
from keeper.plan.uniswap_v3 import UniswapV3
from keeper.protocols.bank import Bank
from keeper.protocols.base import FlashKind
from keeper.risk.scan import scan
from keeper.types import USD, Address
from tests.integration.test_executor_chain import (
    LATER,
    OPERATOR,
    Stage,
    gains,
    growth,
    independent,
    promised,
    staged,
)

STRANGER = Address("0x" + "5a" * 20)
ALONE = PoolPlan("WETH", "USDC", 500, 5_000_000)


async def planned(
    stage: Stage, venue: UniswapV3, banks: Sequence[Bank]
) -> tuple[Stage, Sequence[Plan | Rejection]]:
    """What everybody in trouble gets over `venue` when no deployment lends, and the stage at that head."""
    follows = stage.follows
    head = await follows.catch_up()
    market, then = follows.follower.market, head.timestamp + LATER
    frame = market.frame(then)
    accounts = [health.account for health in scan(market, frame).liquidatable]
    planner = Planner(follows.chain, [venue], Strategy(USD, 10**11), [*banks, venue])
    results = await planner.plan(market, frame, head, accounts, 10**9, 2000 * USD, [])
    return replace(stage, timestamp=then), results


def swapping(results: Sequence[Plan | Rejection]) -> list[Plan]:
    """The plans that a flash swap pays for."""
    plans = [result for result in results if isinstance(result, Plan) and result.loan]
    return [plan for plan in plans if plan.loan and plan.loan.kind is FlashKind.FLASH_SWAP]


async def does_as_predicted(stage: Stage, plan: Plan) -> int:
    """The plan alone: its amounts, its profit, and the slack of the collateral, all to the owner; its gas."""
    before, pair, seized = await stage.wealth(), plan.opportunity, plan.settlement.seize
    async with stage.undone():
        receipt = await stage.carry_out(plan)
        assert stage.executor.events(receipt.logs) == [promised(plan)]
        earned = {pair.debt.address: plan.profit.gross, pair.collateral.address: seized - sold(seized)}
        assert growth(before, await stage.wealth()) == earned
        assert await stage.leftovers() == {}
        assert plan.profit.flash_fee == 0
        return receipt.gas_used


@pytest.mark.parametrize("version", [Version.V36, Version.V2])
async def test_execute__flash_swaps__every_plan_does_exactly_what_was_predicted(version: Version) -> None:
    async with staged(version) as crashed:
        exchange = crashed.network.exchange
        venue = UniswapV3(exchange.factory, exchange.quoter)
        stage, results = await planned(crashed, venue, [FlashSwaps(crashed.executor.address)])
        plans = swapping(results)
        assert {len(plan.route.hops) for plan in plans} >= {1, 2}
        used = [await does_as_predicted(stage, plan) for plan in plans[:10]]
        if version is Version.V36:
            assert all(gas < plan.profit.gas * 11 // 10 for gas, plan in zip(used, plans, strict=False))
            await refuses_strangers(stage, plans[0])
            await one_is_skipped(stage, independent(plans, 3))
            await two_steps_borrow(stage, venue)
            await lands_where_nobody_lends(stage)


async def one_is_skipped(stage: Stage, plans: Sequence[Plan]) -> None:
    """Of three in one transaction one seizes less than its pool was promised: only that one is undone."""
    first, second, third = plans
    [leg] = second.route.legs
    greedy = replace(leg, amount_in=second.settlement.seize + 1)
    failing = replace(second, route=replace(second.route, legs=(greedy,)), min_profit=0)
    before = await stage.wealth()
    async with stage.undone():
        receipt = await stage.carry_out(first, failing, third)
        events = stage.executor.events(receipt.logs)
        assert events == [promised(first), Skipped(second.account, "too little seized"), promised(third)]
        kept = {plan.opportunity.collateral.address: 0 for plan in (first, third)}
        for plan in (first, third):
            kept[plan.opportunity.collateral.address] += plan.settlement.seize - sold(plan.settlement.seize)
        total = gains(events)
        earned = {token: total.get(token, 0) + kept.get(token, 0) for token in total | kept}
        assert growth(before, await stage.wealth()) == earned
        assert await stage.leftovers() == {}


async def refuses_strangers(stage: Stage, plan: Plan) -> None:
    """The callback is for the pool that the executor itself swaps in, while it does."""
    pool = uniswap_contract("UniswapV3Pool")
    callback = keccak(text="uniswapV3SwapCallback(int256,int256,bytes)")[:4]
    data = callback + b"".join(word.to_bytes(32) for word in (1, 0, 96, 0))
    for caller in (STRANGER, *(each.address for each in stage.network.exchange.pools)):
        call = {"from": caller, "to": stage.executor.address, "data": "0x" + data.hex()}
        with pytest.raises(DevnetError) as reverted:
            await stage.network.node.request("eth_call", call, "latest")
        assert revert_reason(reverted.value.data) == "unexpected swap"
    # A stranger's own swap cannot make the executor pay: the pool calls back who called it.
    [first, *_] = stage.network.exchange.pools
    swap = pool.encode("swap", stage.executor.address, True, 10**15, 4295128740, b"")
    with pytest.raises(DevnetError):
        await stage.network.node.send(Tx(STRANGER, first.address, swap))
    with pytest.raises(DevnetError):
        await stage.carry_out(replace(plan, min_profit=plan.profit.gross + 1))


async def two_steps_borrow(stage: Stage, venue: UniswapV3) -> None:
    """A second step passes its last look before the first one is mined, so no flash swap pays for it."""
    follows, market = stage.follows, stage.follows.follower.market
    head = await follows.catch_up()
    frame = market.frame(stage.timestamp)
    planner = Planner(
        follows.chain, [venue], Strategy(USD, 10**11), [FlashSwaps(stage.executor.address), venue]
    )
    for health in scan(market, frame).liquidatable:
        [plan] = await planner.burst(market, frame, head, [health.account], 10**9, 2000 * USD)
        if isinstance(plan, Plan) and plan.second:
            break
    else:
        raise AssertionError("nobody is worth two steps")
    kinds = {step.loan.kind for step in plan.steps if step.loan}
    assert kinds <= {FlashKind.AAVE, FlashKind.UNISWAP_V3}
    look = await Simulator(follows.chain, stage.executor, OPERATOR).simulate([plan.second])
    assert look.plans == (plan.second,)
    async with stage.undone():
        receipt = await stage.carry_out(*plan.steps)
        assert stage.executor.events(receipt.logs) == [promised(step) for step in plan.steps]


async def lands_where_nobody_lends(stage: Stage) -> None:
    """A pair with one pool and no lender: no route before, now it lands with a profit, by its last look."""
    network, follows = stage.network, stage.follows
    tokens = await network.actors.view.tokens()
    exchange = await deploy_uniswap_v3(network.node, network.market.admin, tokens, [ALONE])
    owner = LocalSigner(keccak(text="owner"))
    administrator = Administrator(follows.chain, network.anvil.chain_id, owner, SystemClock())
    await administrator.open(stage.executor.address, [], [exchange.factory])
    venue = UniswapV3(exchange.factory, exchange.quoter)
    _, before = await planned(stage, venue, [])
    rejected = {each.account: each.reason for each in before if isinstance(each, Rejection)}
    stage, after = await planned(stage, venue, [FlashSwaps(stage.executor.address)])
    plans = swapping(after)
    assert plans
    assert {rejected[plan.account] for plan in plans} == {Reason.NO_ROUTE}
    look = await Simulator(follows.chain, stage.executor, OPERATOR).simulate(plans[:1])
    assert [step.simulated for step in look.steps] == [plans[0].profit.gross]
    assert look.gas
    receipt = await stage.carry_out(plans[0])
    assert receipt.gas_used < look.gas
    assert stage.executor.events(receipt.logs) == [promised(plans[0])]
    assert plans[0].profit.net_usd > USD
