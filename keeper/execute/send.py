"""Handing a simulated batch to the transaction manager: how much gas, and how dear it may get."""

import asyncio
from functools import partial

from keeper.errors import CallReverted, Degraded
from keeper.execute.behind import Behind
from keeper.execute.bundle import BundleRoute
from keeper.execute.executor import Executor
from keeper.execute.fees import break_even_price
from keeper.execute.model import Fees, Transaction
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
        window: send privately, for so many blocks after the one decided on; None sends in public.
        bundles: the manager's private route, where it can place what it sends behind others.
    """

    def __init__(
        self,
        executor: Executor,
        writer: ChainWriter,
        manager: TransactionManager,
        *,
        window: int | None = None,
        bundles: BundleRoute | None = None,
    ) -> None:
        self.manager = manager
        self._executor = executor
        self._writer = writer
        self._window = window
        self._bundles = bundles

    async def send(self, key: str, simulation: Simulation, behind: Behind | None = None) -> Transaction:
        """Send the batch under the idempotency key `key`, with `behind` directly behind what it names.

        Raises:
            Transient: no node answered; nothing was sent.
            Degraded, Halt: see TransactionManager.submit.
        """
        limit = simulation.gas or await self._limit(simulation)
        ceiling = break_even_price(simulation.steps, limit)
        if behind is not None:
            return await self._send_behind(key, simulation, behind, limit, ceiling)
        until = None if self._window is None else simulation.plans[0].block.number + self._window
        return await self.manager.submit(key, simulation.steps, simulation.call, limit, ceiling, until=until)

    async def _send_behind(
        self, key: str, simulation: Simulation, behind: Behind, limit: int, ceiling: int | None
    ) -> Transaction:
        """In public with the fees of what is in front, or in one bundle with it for the next block alone."""
        fees = self._fees(behind, ceiling)
        submit = partial(self.manager.submit, key, simulation.steps, simulation.call, limit, ceiling)
        if not behind.front:
            return await submit(fees=fees)
        if self._bundles is None:
            raise Degraded("no relay takes bundles")
        with self._bundles.behind(behind.front):
            return await submit(fees=fees, until=behind.head.number + 1)

    def _fees(self, behind: Behind, ceiling: int | None) -> Fees:
        highest = self.manager.max_gas_price
        fees = behind.fees(highest if ceiling is None else min(ceiling, highest))
        if fees is None:
            front = behind.updates[-1]
            raise Degraded(f"the update pays up to {front.cap} wei per gas, which is more than it is worth")
        return fees

    async def _limit(self, simulation: Simulation) -> int:
        alone = [simulation.call] if len(simulation.plans) == 1 else map(self._alone, simulation.plans)
        parts = await asyncio.gather(*map(self._gas, simulation.plans, alone))
        # Interest, ticks and cold slots move between estimate and block.
        return min(sum(parts) * 5 // 4, MAX_GAS)

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
