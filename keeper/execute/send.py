"""Handing a simulated batch to the transaction manager: how much gas, and how dear it may get."""

import asyncio

from keeper.errors import CallReverted, Degraded
from keeper.execute.behind import Behind
from keeper.execute.executor import Executor
from keeper.execute.fees import break_even_price
from keeper.execute.model import Fees, Transaction
from keeper.execute.push import MAX_GAS
from keeper.execute.simulate import Simulation
from keeper.execute.txm import TransactionManager
from keeper.plan.model import Plan
from keeper.ports import ChainWriter


class Sender:
    """Sends batches through one key.

    Args:
        executor: the executor's language.
        writer: estimates gas.
        manager: owns the key.
    """

    def __init__(self, executor: Executor, writer: ChainWriter, manager: TransactionManager) -> None:
        self.manager = manager
        self._executor = executor
        self._writer = writer

    async def purse(self) -> int:
        """Wei that the key has left for gas, what is on its way taken off.

        Raises:
            Transient: no node answered.
        """
        return await self._writer.balance(self.manager.address, "pending")

    async def send(self, key: str, simulation: Simulation, behind: Behind | None = None) -> Transaction:
        """Send the batch under the idempotency key `key`, with `behind` directly behind what it names.

        Raises:
            Transient: no node answered; nothing was sent.
            Degraded, Halt: see TransactionManager.submit.
        """
        limit = simulation.gas or await self._limit(simulation)
        ceiling = break_even_price(simulation.steps, limit)
        fees = None if behind is None else self._follow(behind, ceiling)
        return await self.manager.submit(key, simulation.steps, simulation.call, limit, ceiling, fees=fees)

    def _follow(self, behind: Behind, ceiling: int | None) -> Fees:
        highest = self.manager.max_gas_price
        fees = behind.fees(highest if ceiling is None else min(ceiling, highest))
        if fees is None:
            front = behind.updates[-1]
            raise Degraded(f"the update pays up to {front.cap} wei per gas, which is more than it is worth")
        return fees

    async def _limit(self, simulation: Simulation) -> int:
        parts = await asyncio.gather(*(self._gas(plan) for plan in simulation.plans))
        # Interest, ticks and cold slots move between estimate and block.
        return min(sum(parts) * 5 // 4, MAX_GAS)

    async def _gas(self, plan: Plan) -> int:
        """Gas units of one plan sent alone.

        A whole batch cannot be estimated: the search for the least gas that does not revert would
        settle on a limit that starves all steps but one, and the executor would skip those.
        """
        try:
            return await self._writer.estimate_gas(self._executor.batch([plan]), self.manager.address)
        except CallReverted:  # it needs the steps before it
            return plan.profit.gas
