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


class Sender:
    """Sends batches through one key.

    Args:
        executor: the executor's language.
        writer: estimates gas.
        manager: owns the key.
        window: send privately, for so many blocks after the one decided on; None sends in public.
    """

    def __init__(
        self,
        executor: Executor,
        writer: ChainWriter,
        manager: TransactionManager,
        *,
        window: int | None = None,
    ) -> None:
        self.manager = manager
        self._executor = executor
        self._writer = writer
        self._window = window

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
        parts = await asyncio.gather(*(self._gas(plan) for plan in simulation.plans))
        # Interest, ticks and cold slots move between estimate and block.
        limit = min(sum(parts) * 5 // 4, MAX_GAS)
        ceiling = break_even_price(simulation.steps, limit)
        until = None if self._window is None else simulation.plans[0].block.number + self._window
        return await self.manager.submit(key, simulation.steps, simulation.call, limit, ceiling, until=until)

    async def _gas(self, plan: Plan) -> int:
        """Gas units of one plan sent alone.

        A whole batch cannot be estimated: the search for the least gas that does not revert would
        settle on a limit that starves all steps but one, and the executor would skip those.
        """
        try:
            return await self._writer.estimate_gas(self._executor.batch([plan]), self.manager.address)
        except CallReverted:  # it needs the steps before it
            return plan.profit.gas
