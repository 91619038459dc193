"""The Vyper executor on the real Aave and Uniswap contracts: what was planned is what happens, to the wei."""

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import cast

import pytest
from eth_utils.crypto import keccak

from keeper.app.administer import Administrator
from keeper.artifacts import load_artifact
from keeper.clock import SystemClock
from keeper.devnet.aave.dialect import Version
from keeper.devnet.network import Network
from keeper.devnet.node import Tx
from keeper.devnet.reverts import DevnetError
from keeper.devnet.tokens import token_contract
from keeper.execute.executor import Executor, Liquidated, Skipped
from keeper.execute.reasons import NOTHING_DONE, revert_reason
from keeper.execute.signer import LocalSigner
from keeper.execute.simulate import Simulator
from keeper.plan.model import Plan
from keeper.plan.planner import Planner
from keeper.plan.strategy import Strategy
from keeper.plan.uniswap_v3 import UniswapV3
from keeper.ports import Receipt
from keeper.protocols.base import Foresighted, LiquidationEvent, Refusal
from keeper.risk.scan import scan
from keeper.types import MAX_UINT256, USD, Address, Hash, Log
from tests.differential import Following, following

OPERATOR = Address("0x" + "0e" * 20)
TWINS = {"USDC": Address("0x" + "7c" * 20), "USDT": Address("0x" + "7d" * 20)}
"""Accounts whose main collateral is the asset they owe."""

CRASH = {"WETH": 30, "wstETH": 31, "WBTC": 25, "LINK": 35}
LATER = 12
"""Seconds from the block that is planned on to the one that carries the plans out."""

TRANSFER = "0x" + keccak(text="Transfer(address,address,uint256)").hex()
DEFICIT = "0x" + keccak(text="DeficitCreated(address,address,uint256)").hex()


@dataclass(frozen=True, slots=True)
class Stage:
    """A crashed market, plans for a block at `timestamp`, and an executor deployed as the CLI deploys it."""

    network: Network
    follows: Following
    executor: Executor
    owner: Address
    timestamp: int
    plans: Sequence[Plan]

    async def carry_out(self, *plans: Plan) -> Receipt:
        """One transaction of the operator with these plans in it, mined at `timestamp`."""
        node, call = self.network.node, self.executor.batch(plans)
        await node.request("evm_setNextBlockTimestamp", hex(self.timestamp))
        sent = await node.send(Tx(OPERATOR, call.to, call.data))
        receipt = await self.follows.chain.receipt(Hash(sent["transactionHash"]))
        assert receipt is not None
        assert (await self.follows.chain.block(receipt.block)).timestamp == self.timestamp
        return receipt

    @asynccontextmanager
    async def undone(self) -> AsyncIterator[None]:
        """Takes back whatever happens on the chain within the block."""
        snapshot = await self.network.node.request("evm_snapshot")
        yield
        assert await self.network.node.request("evm_revert", snapshot)

    async def wealth(self) -> dict[Address, int]:
        """What the owner has, by token."""
        return await self._balances(self.owner)

    async def leftovers(self) -> dict[tuple[Address, ...], int]:
        """Every token in the executor, and every allowance it has open to the pool and the exchange."""
        left: dict[tuple[Address, ...], int] = {
            (token,): amount for token, amount in (await self._balances(self.executor.address)).items()
        }
        exchange = self.network.exchange
        spenders = [self.network.market.pool, exchange.factory, *(pool.address for pool in exchange.pools)]
        asked = [(token, spender) for token in self._tokens() for spender in spenders]
        encode = token_contract().encode
        calls = [(token, encode("allowance", self.executor.address, spender)) for token, spender in asked]
        answers = await self.network.node.call_many(calls)
        left |= {pair: int.from_bytes(answer) for pair, answer in zip(asked, answers, strict=True)}
        return {where: amount for where, amount in left.items() if amount}

    async def _balances(self, holder: Address) -> dict[Address, int]:
        data = token_contract().encode("balanceOf", holder)
        answers = await self.network.node.call_many([(token, data) for token in self._tokens()])
        return {token: int.from_bytes(data) for token, data in zip(self._tokens(), answers, strict=True)}

    def _tokens(self) -> list[Address]:
        reserves = self.network.market.reserves
        return [token for reserve in reserves for token in (reserve.token, reserve.a_token)]


@asynccontextmanager
async def staged(version: Version = Version.V36) -> AsyncIterator[Stage]:
    async with (
        Network.start(version=version, borrowers=160, seed=4, depth_percent=30) as network,
        following(network.anvil, network.market) as follows,
    ):
        for symbol, twin in TWINS.items() if version is Version.V36 else ():
            await open_twin(network, twin, symbol)
        owner = LocalSigner(keccak(text="owner"))
        await network.node.fund([owner.address, OPERATOR])
        administrator = Administrator(follows.chain, network.anvil.chain_id, owner, SystemClock())
        address = await administrator.deploy(OPERATOR, [network.market.pool], [network.exchange.factory])
        await network.actors.crash(CRASH)
        await network.arbitrageur.act()
        executor = Executor(address, load_artifact("executor").abi)
        timestamp, plans = await planned(network, follows)
        yield Stage(network, follows, executor, owner.address, timestamp, plans)


async def open_twin(network: Network, account: Address, symbol: str) -> None:
    """A debt of 20,000 backed by 15,000 of the same token and 5 WETH."""
    actors, unit = network.actors, 10 ** network.market.reserve(symbol).decimals
    for collateral, amount in ((symbol, 15_000 * unit), ("WETH", 5 * 10**18)):
        await actors.give(account, collateral, amount)
        await actors.supply(account, collateral, amount)
    await actors.borrow(account, symbol, 20_000 * unit)


async def planned(network: Network, follows: Following) -> tuple[int, list[Plan]]:
    head = await follows.catch_up()
    market, then = follows.follower.market, head.timestamp + LATER
    frame = market.frame(then)
    accounts = [health.account for health in scan(market, frame).liquidatable]
    planner, ether = planner_of(network, follows)
    results = await planner.plan(market, frame, head, accounts, 10**9, ether)
    return then, [result for result in results if isinstance(result, Plan)]


def planner_of(network: Network, follows: Following) -> tuple[Planner, int]:
    """A planner over the devnet's exchange, and the price of ether in USD with 8 decimals."""
    ether = next(asset.price for asset in follows.follower.market.assets() if asset.symbol == "WETH")
    assert ether is not None
    venue = UniswapV3(network.exchange.factory, network.exchange.quoter)
    strategy = Strategy(min_profit_usd=USD, max_gas_price=10**11)
    return Planner(follows.chain, [venue], strategy), ether


def promised(plan: Plan) -> Liquidated:
    """The event that the executor must emit."""
    pair, settled = plan.opportunity, plan.settlement
    return Liquidated(
        plan.account,
        pair.debt.address,
        pair.collateral.address,
        settled.repay,
        settled.seize,
        plan.profit.gross,
    )


def assert_aave_agrees(stage: Stage, receipt: Receipt, plans: Sequence[Plan]) -> None:
    """Aave's own events: the liquidation, what the treasury got of it, the bad debt it wrote off."""
    events = [LiquidationEvent(*promised(plan)[:5], liquidator=stage.executor.address) for plan in plans]
    assert stage.follows.market.liquidation_events(receipt.logs) == events
    market = stage.network.market
    for plan in plans:
        collateral = market.reserve(plan.opportunity.collateral.symbol)
        fees = [
            word(log)
            for log in receipt.logs
            if (log.address, *log.topics[:1]) == (collateral.a_token, TRANSFER)
            and topics(log) == (plan.account, market.treasury)
        ]
        assert sum(fees) == plan.settlement.protocol_fee
        written_off = {
            topics(log)[1]: word(log)
            for log in receipt.logs
            if log.topics[:1] == (DEFICIT,) and topics(log)[0] == plan.account
        }
        assert written_off == {asset: amount for asset, amount in plan.settlement.bad_debt.items() if amount}


def symbols(plan: Plan) -> tuple[str, str]:
    """Collateral and debt."""
    return plan.opportunity.collateral.symbol, plan.opportunity.debt.symbol


def topics(log: Log) -> tuple[str, ...]:
    return tuple("0x" + topic[-40:] for topic in log.topics[1:])


def word(log: Log) -> int:
    return int(log.data[:66], 16)


def growth(before: Mapping[Address, int], after: Mapping[Address, int]) -> dict[Address, int]:
    return {token: after[token] - before[token] for token in before if after[token] != before[token]}


def gains(events: Sequence[Liquidated | Skipped]) -> dict[Address, int]:
    """Profit by debt token."""
    total: dict[Address, int] = {}
    for event in events:
        if isinstance(event, Liquidated):
            total[event.debt] = total.get(event.debt, 0) + event.profit
    return total


def independent(plans: Sequence[Plan], count: int) -> list[Plan]:
    """The first `count` plans of which no two swap in the same pool: they do not touch each other."""
    chosen: list[Plan] = []
    used: set[frozenset[str | int]] = set()
    for plan in plans:
        pools = set(swaps(plan))
        if not pools & used and len(chosen) < count:
            chosen.append(plan)
            used |= pools
    assert len(chosen) == count
    return chosen


def swaps(plan: Plan) -> Iterator[frozenset[str | int]]:
    """The plan's pools, named by their tokens and fee."""
    for leg in plan.route.legs:
        token = plan.opportunity.collateral.address
        for hop in leg.hops:
            yield frozenset((token, hop.token_out, hop.fee))
            token = hop.token_out


async def test_execute__every_plan_of_a_crash__does_exactly_what_was_predicted() -> None:
    async with staged() as stage:
        assert len(stage.plans) >= 40
        assert {len(plan.route.hops) for plan in stage.plans} >= {0, 1, 2}
        same_asset = {plan.account for plan in stage.plans if not plan.route.hops}
        assert same_asset >= set(TWINS.values())
        collaterals, debts = (set(side) for side in zip(*map(symbols, stage.plans), strict=True))
        assert "USDT" in collaterals & debts
        assert all(plan.settlement.protocol_fee for plan in stage.plans)
        assert any(sum(plan.settlement.bad_debt.values()) for plan in stage.plans)
        before = await stage.wealth()
        for plan in stage.plans:
            async with stage.undone():
                receipt = await stage.carry_out(plan)
                assert stage.executor.events(receipt.logs) == [promised(plan)]
                assert_aave_agrees(stage, receipt, [plan])
                earned = {plan.opportunity.debt.address: plan.profit.gross}
                assert growth(before, await stage.wealth()) == earned
                assert await stage.leftovers() == {}


async def test_execute__three_accounts_in_one_transaction__each_as_predicted() -> None:
    async with staged() as stage:
        plans = independent(stage.plans, 3)
        before = await stage.wealth()
        look = await Simulator(stage.follows.chain, stage.executor, OPERATOR).simulate(plans)
        receipt = await stage.carry_out(*plans)
        events = stage.executor.events(receipt.logs)
        assert events == [promised(plan) for plan in plans]
        assert [step.simulated for step in look.steps] == [plan.profit.gross for plan in plans]
        assert sum(step.gas for step in look.steps) == receipt.gas_used
        assert_aave_agrees(stage, receipt, plans)
        assert growth(before, await stage.wealth()) == gains(events)
        assert await stage.leftovers() == {}


async def test_execute__two_steps_of_one_account__bring_more_than_the_close_factor_allows_at_once() -> None:
    async with staged() as stage:
        once, plan = await twofold(stage)
        first, second = plan.steps
        assert (first.account, first.turn < second.turn) == (second.account, True)
        assert once.settlement.repay < first.settlement.repay + second.settlement.repay
        assert once.profit.net_usd < first.profit.net_usd + second.profit.net_usd
        market, pair = stage.follows.follower.market, first.opportunity
        frame = market.frame(stage.timestamp)
        for percent, liquidatable in ((100, True), (102, False)):
            left = cast("Foresighted", market).after(pair, first.settlement.repay * percent // 100, frame)
            assert not isinstance(left, Refusal)
            assert left[0].health(plan.account, left[1]).liquidatable is liquidatable
        receipt = await stage.carry_out(first, second)
        assert stage.executor.events(receipt.logs) == [promised(first), promised(second)]
        events = [
            LiquidationEvent(*promised(step)[:5], liquidator=stage.executor.address) for step in plan.steps
        ]
        assert stage.follows.market.liquidation_events(receipt.logs) == events


async def twofold(stage: Stage) -> tuple[Plan, Plan]:
    """An account's best single liquidation, and its plan with a second step."""
    market, head = stage.follows.follower.market, await stage.follows.catch_up()
    frame = market.frame(stage.timestamp)
    planner, ether = planner_of(stage.network, stage.follows)
    for health in scan(market, frame).liquidatable:
        asked = (market, frame, head, [health.account], 10**9, ether)
        [once], [plan] = await planner.plan(*asked), await planner.burst(*asked)
        if isinstance(once, Plan) and isinstance(plan, Plan) and plan.second:
            return once, plan
    raise AssertionError("nobody is worth two steps")


async def test_execute__one_of_three_pays_too_little__is_undone_and_the_others_are_as_predicted() -> None:
    async with staged() as stage:
        first, second, third = independent(stage.plans, 3)
        greedy = replace(second, min_profit=second.profit.gross + 1)
        before = await stage.wealth()
        receipt = await stage.carry_out(first, greedy, third)
        events = stage.executor.events(receipt.logs)
        assert events == [promised(first), Skipped(second.account, "unprofitable"), promised(third)]
        assert_aave_agrees(stage, receipt, [first, third])
        assert growth(before, await stage.wealth()) == gains(events)
        assert await stage.leftovers() == {}


async def test_execute__someone_else_was_faster__only_that_account_is_skipped() -> None:
    async with staged() as stage:
        first, second, third = independent(stage.plans, 3)
        collateral, debt = symbols(second)
        rival, actors = Address("0x" + "41" * 20), stage.network.actors
        await actors.give(rival, debt, 2 * second.request)
        await actors.liquidate(rival, second.account, collateral, debt, MAX_UINT256)
        before = await stage.wealth()
        receipt = await stage.carry_out(first, second, third)
        events = stage.executor.events(receipt.logs)
        assert [(type(event), event.account) for event in events] == [
            (Liquidated, first.account),
            (Skipped, second.account),
            (Liquidated, third.account),
        ]
        assert growth(before, await stage.wealth()) == gains(events)
        assert await stage.leftovers() == {}


async def test_execute__no_plan_pays_enough__the_whole_transaction_reverts() -> None:
    async with staged() as stage:
        greedy = [replace(plan, min_profit=plan.profit.gross + 1) for plan in independent(stage.plans, 3)]
        before = await stage.wealth()
        with pytest.raises(DevnetError) as reverted:
            await stage.carry_out(*greedy)
        assert reverted.value.data.startswith(NOTHING_DONE)
        assert revert_reason(reverted.value.data) == "unprofitable"
        assert await stage.wealth() == before
        assert await stage.leftovers() == {}
