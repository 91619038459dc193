"""Gas of liquidations through the executor on real Aave v3.6 and Uniswap v3: ten together, and one alone."""

from dataclasses import replace

from eth_utils.crypto import keccak

from benchmarks.measure import Measurement
from benchmarks.scene import Scene, followed
from keeper.app.administer import Administrator
from keeper.artifacts import load_artifact
from keeper.clock import SystemClock
from keeper.devnet.borrowers import Mix
from keeper.devnet.node import Tx
from keeper.execute.executor import Executor, Liquidated
from keeper.execute.signer import LocalSigner
from keeper.plan.flash_swap import sold
from keeper.plan.model import Loan, Plan
from keeper.plan.planner import Planner
from keeper.plan.strategy import Strategy
from keeper.plan.uniswap_v3 import UniswapV3
from keeper.ports import Receipt
from keeper.protocols.base import FlashKind
from keeper.risk.scan import scan
from keeper.types import USD, ZERO_ADDRESS, Address, Hash

BATCH = 10
CRASH = {"WETH": 30}
LATER = 12
OPERATOR = Address("0x" + "0e" * 20)
RISKY = Mix(near_limit=85)


async def executor_gas() -> list[Measurement]:
    """Gas a liquidation: WETH sold for USDC in one pool, the executor warmed up by one before.

    Once borrowed from Aave, once paid for by flash swaps in that pool.
    """
    async with followed(borrowers=1_500, crash=CRASH, mix=RISKY) as scene:
        executor, plans = await _prepared(scene)
        alone, together = await _gas(scene, executor, plans)
        swapped_alone, swapped = await _gas(scene, executor, [_in_swap(plan) for plan in plans])
    unit = "gas/liquidation"
    return [
        Measurement("executor_gas", together, unit, "alone in its transaction", alone),
        Measurement(
            "flash_swap_gas", swapped_alone, unit, "borrowed from Aave", alone, {"together": swapped}
        ),
    ]


async def _gas(scene: Scene, executor: Executor, plans: list[Plan]) -> tuple[float, float]:
    """Of the second plan alone, and of all but the first together, after the first."""
    node, gas = scene.network.node, list[float]()
    then = scene.head.timestamp + 10 * LATER  # after the executor is there
    start = await node.request("evm_snapshot")
    await _carry_out(scene, executor, plans[:1], then)
    for batch in (plans[1:2], plans[1:]):
        snapshot = await node.request("evm_snapshot")
        receipt = await _carry_out(scene, executor, batch, then + LATER)
        gas.append(receipt.gas_used / len(batch))
        await node.request("evm_revert", snapshot)
    await node.request("evm_revert", start)
    alone, together = gas
    return alone, together


def _in_swap(plan: Plan) -> Plan:
    """The plan paid for by a flash swap."""
    [leg] = plan.route.legs
    legs = (replace(leg, amount_in=sold(plan.settlement.seize)),)
    loan = Loan(FlashKind.FLASH_SWAP, ZERO_ADDRESS)
    return replace(plan, loan=loan, route=replace(plan.route, legs=legs))


async def _prepared(scene: Scene) -> tuple[Executor, list[Plan]]:
    network, market = scene.network, scene.market
    exchange = network.exchange
    strategy = Strategy(min_profit_usd=USD, max_gas_price=10**11)
    planner = Planner(scene.chain, [UniswapV3(exchange.factory, exchange.quoter)], strategy)
    frame = market.frame(scene.head.timestamp + LATER)
    found = [health.account for health in scan(market, frame).liquidatable]
    results = await planner.plan(market, frame, scene.head, found, 10**9, 2000 * USD)
    plans = [
        replace(plan, min_profit=0)
        for plan in results
        if isinstance(plan, Plan)
        and (plan.opportunity.collateral.symbol, plan.opportunity.debt.symbol) == ("WETH", "USDC")
        and len(plan.route.hops) == 1
    ]
    owner = LocalSigner(keccak(text="owner"))
    await network.node.fund([owner.address, OPERATOR])
    administrator = Administrator(scene.chain, network.anvil.chain_id, owner, SystemClock())
    address = await administrator.deploy(OPERATOR, [network.market.pool], [exchange.factory])
    assert len(plans) > BATCH, "enough accounts of the kind"
    return Executor(address, load_artifact("executor").abi), plans[: BATCH + 1]


async def _carry_out(scene: Scene, executor: Executor, plans: list[Plan], timestamp: int) -> Receipt:
    node, call = scene.network.node, executor.batch(plans)
    await node.request("evm_setNextBlockTimestamp", hex(timestamp))
    sent = await node.send(Tx(OPERATOR, call.to, call.data))
    receipt = await scene.chain.receipt(Hash(sent["transactionHash"]))
    assert receipt is not None
    done = [event for event in executor.events(receipt.logs) if isinstance(event, Liquidated)]
    assert len(done) == len(plans) <= BATCH, "every liquidation goes through"
    return receipt
