"""On duty or on standby: whether this process is the one that signs; docs/operations.md, "Hot standby"."""

import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Protocol

import structlog

from keeper.beside import beside
from keeper.clock import Clock
from keeper.config.standby import Standby
from keeper.errors import StoreLost
from keeper.ops.health import Component, Heartbeat
from keeper.store import Database
from keeper.store.lease import Lease
from keeper.types import Address

_log = structlog.get_logger(__name__)

RENEWALS = 4
"""Renewals within the length of a lease: a few may fail before it is lost."""


class Duty(Protocol):
    """What the daemon asks at every turn."""

    @property
    def shared(self) -> bool:
        """Whether another process may sign instead."""
        ...

    async def assume(self) -> int | None:
        """Go on, or begin: the number of the term, None while this process must not sign.

        Every term begins with what the store says and with nothing that is remembered.

        Raises:
            StoreLost: the database did not answer.
        """
        ...

    def turning(self) -> None:
        """A turn begins."""
        ...

    async def turned(self, *, ended: bool) -> None:
        """A turn is over; `ended` says whether it came to its end."""
        ...

    def components(self, halted: str | None) -> list[Component]:
        """What /readyz reports of the signer, `halted` being its own objection."""
        ...


class Alone:
    """Nobody else can sign, or nothing is signed at all."""

    shared = False

    async def assume(self) -> int | None:
        return 0

    def turning(self) -> None:
        pass

    async def turned(self, *, ended: bool) -> None:
        pass

    def components(self, halted: str | None) -> list[Component]:
        return [Component("signer", halted is None, halted or "not halted")]


class LeasedDuty:
    """Signs while it holds the key's lease.

    With `shared` it waits for the lease until that is free, and gives it up when it cannot follow the
    chain. Without, it takes the lease when it starts, whoever had it, and is done for when it loses it.

    Args:
        lease: of the key.
        clock: this process's own time, for what it has seen itself.
        answers: when a node last answered.
        shared: see above.
        seconds: the length of the lease.
        blind: how long no turn may have ended before the lease is given up.
    """

    def __init__(
        self,
        lease: Lease,
        clock: Clock,
        answers: Heartbeat,
        *,
        shared: bool,
        seconds: float,
        blind: float,
    ) -> None:
        self._lease = lease
        self._clock = clock
        self._answers = answers
        self.shared = shared
        self._seconds = seconds
        self._blind_after = blind
        self._began = self._followed = clock.monotonic()
        self._turning = False
        self._fenced = False

    async def assume(self) -> int | None:
        lease = self._lease
        if lease.token is not None:
            if await lease.renew():
                return lease.token
            self._fenced = True
        if self.shared:
            if await lease.take():
                self._followed = self._began
        elif not self._fenced:
            await lease.take(seize=True)
        return lease.token

    def turning(self) -> None:
        self._turning = True
        self._began = self._clock.monotonic()

    async def turned(self, *, ended: bool) -> None:
        self._turning = False
        if ended:
            # From its head on, as blocks are counted; but after a long turn the next head gets some time.
            self._followed = max(self._began, self._clock.monotonic() - self._blind_after / 2)
        elif self._blind():
            await self._give_way()

    def components(self, halted: str | None) -> list[Component]:
        if self._lease.token is not None:
            signer = Component("signer", halted is None, halted or "not halted")
            return [Component("duty", ok=True, detail=f"active, term {self._lease.token}"), signer]
        why = "another process signs" if self.shared else "another process has taken over the key"
        return [
            Component("duty", self.shared, "standby" if self.shared else "fenced"),
            Component("signer", self.shared, why),
        ]

    @asynccontextmanager
    async def kept(self) -> AsyncIterator[None]:
        """Renew the lease beside the turns for the length of the block, and give it up at its end."""
        try:
            async with beside(self._keep()):
                yield
        finally:
            await self._give_way()

    async def _keep(self) -> None:
        while True:
            await self._clock.sleep(self._seconds / RENEWALS)
            try:
                await self._tend()
            except StoreLost as error:
                _log.warning("lease_not_renewed", reason=str(error))

    async def _tend(self) -> None:
        if self._lease.token is None:
            return
        if self.shared and self._blind():
            await self._give_way()
        elif not await self._lease.renew():
            self._fenced = True

    async def _give_way(self) -> None:
        try:
            await self._lease.release()
        except StoreLost as error:  # then it runs out
            _log.warning("lease_not_released", reason=str(error))

    def _blind(self) -> bool:
        """Whether the chain is out of sight for too long. Nodes that answer make a long turn no blindness."""
        since = self._clock.monotonic() - self._followed
        return min(since, self._answers.age if self._turning else since) > self._blind_after


def make_duty(
    settings: Standby,
    database: Database,
    chain_id: int,
    sender: Address,
    *,
    clock: Clock,
    answers: Heartbeat,
) -> tuple[Lease, LeasedDuty]:
    """The lease of a key as this process holds it, and the duty that goes with it."""
    holder = settings.name or f"{socket.gethostname()}:{os.getpid()}"
    lease = Lease(database, chain_id, sender, holder, settings.lease_seconds)
    duty = LeasedDuty(
        lease,
        clock,
        answers,
        shared=settings.enabled,
        seconds=settings.lease_seconds,
        blind=settings.blind_seconds,
    )
    return lease, duty
