"""Handing a simulated batch to the transaction manager: how much gas, and how dear it may get."""

import asyncio

from keeper.errors import CallReverted
from keeper.execute.executor import Executor
from keeper.execute.fees import break_even_price
from keeper.execute.model import Transaction
from keeper.execute.push import MAX_GAS
from keeper.execute.simulate import Simulation
from keeper.execute.txm import TransactionManager
from keeper.plan.model import Plan
from keeper.ports import ChainWriter
from keeper.types import Call


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

    async def send(self, key: str, simulation: Simulation) -> Transaction:
        """Send the batch under the idempotency key `key`.

        Raises:
            Transient: no node answered; nothing was sent.
            Degraded, Halt: see TransactionManager.submit.
        """
        alone = [simulation.call] if len(simulation.plans) == 1 else map(self._alone, simulation.plans)
        parts = await asyncio.gather(*map(self._gas, simulation.plans, alone))
        # Interest, ticks and cold slots move between estimate and block.
        limit = min(sum(parts) * 5 // 4, MAX_GAS)
        ceiling = break_even_price(simulation.steps, limit)
        return await self.manager.submit(key, simulation.steps, simulation.call, limit, ceiling)

    def _alone(self, plan: Plan) -> Call:
        return self._executor.batch([plan])

    async def _gas(self, plan: Plan, call: Call) -> int:
        """Gas units of one plan, sent alone by `call`.

        A whole batch cannot be estimated: the search for the least gas that does not revert would
        settle on a limit that starves all steps but one, and the executor would skip those.
        """
        try:
            return await self._writer.estimate_gas(call, self.manager.address)
        except CallReverted:  # it needs the steps before it
            return plan.profit.gas
