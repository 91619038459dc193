"""From plans to the sink that the mode allows: nothing, a simulation, or a transaction."""

import hashlib
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from keeper.errors import Fatal
from keeper.execute.behind import Behind
from keeper.execute.model import Change, Report, Step, Transaction
from keeper.execute.odds import Odds
from keeper.execute.send import Sender
from keeper.execute.simulate import LastLook, Simulation
from keeper.execute.verdict import Judge
from keeper.plan.model import Plan, Rejection
from keeper.types import Address, BlockRef, Mode

PAPER_REST = 50
"""Blocks in which an account is not papered again: nothing lands, so it stays a candidate at every head."""


class Look(NamedTuple):
    """What the last look left of a batch, None where nothing; and what it turned down."""

    simulation: Simulation | None
    rejections: tuple[Rejection, ...] = ()


class Idle(NamedTuple):
    """Nothing was worth sending, or the mode sends nothing."""


class Papered(NamedTuple):
    """What would have been sent. Nothing was: this is never a success."""

    key: str
    block: BlockRef
    steps: tuple[Step, ...]


class Submitted(NamedTuple):
    """A transaction is on its way, decided on `block`."""

    transaction: Transaction
    block: BlockRef


Dispatched = Idle | Papered | Submitted


class Dispatcher:
    """Carries out plans as far as the mode goes.

    Args:
        mode: watch, paper or live.
        last_look: which plans would succeed now.
        judge: reads receipts.
        sender: sends; live mode has one, the others must not.

    Raises:
        Fatal: mode and sender contradict each other.
    """

    def __init__(self, mode: Mode, last_look: LastLook, judge: Judge, sender: Sender | None = None) -> None:
        if (mode is Mode.LIVE) != (sender is not None):
            raise Fatal(f"mode {mode} {'needs' if mode is Mode.LIVE else 'must not have'} a sender")
        self._mode = mode
        self._last_look = last_look
        self._judge = judge
        self._sender = sender
        self._odds = Odds()
        self._papered: dict[tuple[str, Address], int] = {}

    async def look(self, plans: Sequence[Plan], behind: Behind | None = None) -> Look:
        """Take one last look at `plans`, all decided on one block.

        With `behind` they are looked at behind the transactions that it names.

        Raises:
            Transient: no node answered.
            Degraded: the look is not to be had.
        """
        if self._mode is Mode.WATCH:
            return Look(None)
        promising, hopeless = self._odds.sift(plans)
        if not promising:
            return Look(None, tuple(hopeless))
        simulation = await (behind or self._last_look).simulate(promising)
        rejections = (*hopeless, *simulation.rejections)
        return Look(simulation if simulation.plans else None, rejections)

    async def carry_out(self, look: Look, behind: Behind | None = None) -> Dispatched:
        """Do with what was seen to succeed as the mode allows; with `behind`, at the place it names.

        Raises:
            Transient: no node answered; nothing was sent.
            Degraded: gas is too dear for this batch, or too much is waiting already.
            Halt: nothing may be signed now.
        """
        simulation = look.simulation
        if simulation is None:
            return Idle()
        block, key = simulation.plans[0].block, _key(simulation)
        if self._sender is None:
            self._papered |= {(step.deployment, step.account): block.number for step in simulation.steps}
            return Papered(f"paper:{key}", block, simulation.steps)
        return Submitted(await self._sender.send(key, simulation, behind), block)

    async def recover(self) -> list[Report]:
        """Pick up what the last run left; see TransactionManager.recover."""
        return [] if self._sender is None else self._reports(await self._sender.manager.recover())

    async def on_head(self, head: BlockRef) -> list[Report]:
        """Follow what is on its way to `head`; see TransactionManager.on_head."""
        self._papered = {
            account: block for account, block in self._papered.items() if head.number < block + PAPER_REST
        }
        return [] if self._sender is None else self._reports(await self._sender.manager.on_head(head))

    async def close(self) -> list[Report]:
        """End what is final; see TransactionManager.close."""
        return [] if self._sender is None else self._reports(await self._sender.manager.close())

    async def write_up(self) -> None:
        """Store what the last head told of our transactions; see TransactionManager.write_up."""
        if self._sender is not None:
            await self._sender.manager.write_up()

    def let_go(self, transaction: Transaction) -> None:
        """See TransactionManager.let_go."""
        if self._sender is not None:
            self._sender.manager.let_go(transaction)

    async def withdraw(self, transaction: Transaction) -> None:
        """See TransactionManager.withdraw."""
        if self._sender is not None:
            await self._sender.manager.withdraw(transaction)

    @property
    def purse(self) -> int | None:
        """Wei left for gas; None where nothing is sent."""
        return None if self._sender is None else self._sender.manager.purse

    @property
    def tip(self) -> int | None:
        """A tip that recent blocks accepted, wei per gas; None where nothing is sent."""
        return None if self._sender is None else self._sender.manager.tip

    @property
    def halted(self) -> str | None:
        """Why nothing new may be signed, None when all is well or nothing is signed at all."""
        return None if self._sender is None else self._sender.manager.halted

    @property
    def idle(self) -> bool:
        """Whether no transaction is on its way; what was papered has nothing to wait for."""
        return self._sender is None or not self._sender.manager.in_flight()

    def in_flight(self) -> frozenset[tuple[str, Address]]:
        """(deployment, account) of every liquidation on its way, real or papered."""
        return frozenset(self._papered) if self._sender is None else self._sender.manager.in_flight()

    def _reports(self, changes: Iterable[Change]) -> list[Report]:
        reports = [
            Report(tx, receipt, () if receipt is None else self._judge.judge(tx.steps, receipt))
            for tx, receipt in changes
        ]
        self._odds.learn(reports)
        return reports


def _key(simulation: Simulation) -> str:
    """The same payload decided on the same block is the same intent."""
    digest = hashlib.sha256(simulation.call.data).hexdigest()
    return f"{simulation.plans[0].block.hash}:{digest[:16]}"
