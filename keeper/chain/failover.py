"""Which endpoint to ask next: ordered, with a rest for those that fail."""

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from keeper.chain.faults import DeadlineExceeded, MethodMissing, TooLarge
from keeper.chain.rpc import Rpc
from keeper.clock import Clock
from keeper.errors import KeeperError, Transient, Unreachable, WrongChain

T = TypeVar("T")


class Failover:
    """Asks the first endpoint; one that fails is asked last for `pause` seconds.

    A read goes round all endpoints up to `rounds` times with `backoff` seconds, doubling, between
    rounds. No endpoint is used before it has named the expected chain id, and one that failed has
    to name it again.
    """

    def __init__(
        self,
        rpcs: Sequence[Rpc],
        chain_id: int,
        *,
        clock: Clock,
        pause: float,
        rounds: int,
        backoff: float,
    ) -> None:
        self._rpcs = tuple(rpcs)
        self._chain_id = chain_id
        self._clock = clock
        self._pause = pause
        self._rounds = rounds
        self._backoff = backoff
        self._resting: dict[Rpc, float] = {}
        self._verified: set[Rpc] = set()

    def ordered(self) -> list[Rpc]:
        """Endpoints in the order to try them now."""
        now = self._clock.monotonic()
        return sorted(self._rpcs, key=lambda rpc: self._resting.get(rpc, now) > now)

    def rest(self, rpc: Rpc) -> None:
        """`rpc` failed: prefer the others for a while."""
        self._resting[rpc] = self._clock.monotonic() + self._pause
        self._verified.discard(rpc)

    async def verify(self, rpc: Rpc) -> None:
        """Raise WrongChain, with both ids, unless `rpc` serves the expected chain."""
        if rpc in self._verified:
            return
        found = await rpc.chain_id()
        if found != self._chain_id:
            raise WrongChain(f"{rpc.host} serves chain {found}, configured is chain {self._chain_id}")
        self._verified.add(rpc)

    async def check(self) -> None:
        """Verify every endpoint; raise Unreachable, or what the only one raised, if none answers."""
        failures: list[KeeperError] = []
        for rpc in self._rpcs:
            try:
                await self.verify(rpc)
            except Transient as error:
                self.rest(rpc)
                failures.append(error)
        if len(failures) == len(self._rpcs):
            raise summary(failures)

    async def read(self, ask: Callable[[Rpc], Awaitable[T]]) -> T:
        """The first answer to `ask`. TooLarge is an answer: the caller has to ask for less."""
        failures: list[KeeperError] = []
        for attempt in range(self._rounds):
            if attempt:
                await self._clock.sleep(self._backoff * 2 ** (attempt - 1))
            failures = []
            for rpc in self.ordered():
                try:
                    await self.verify(rpc)
                    return await ask(rpc)
                except TooLarge:
                    raise
                except MethodMissing as error:
                    failures.append(error)
                except Transient as error:
                    self.rest(rpc)
                    failures.append(error)
            # Waiting out another deadline, or asking again for what is not offered, helps nobody.
            if any(isinstance(error, DeadlineExceeded | MethodMissing) for error in failures):
                break
        raise summary(failures)


def summary(failures: Sequence[KeeperError]) -> KeeperError:
    """One error for all endpoints; each failure names its host."""
    if len(failures) == 1:
        return failures[0]
    text = "no endpoint answered: " + "; ".join(str(error) for error in failures)
    if all(isinstance(error, MethodMissing) for error in failures):
        return MethodMissing(text)
    late = any(isinstance(error, DeadlineExceeded) for error in failures)
    return DeadlineExceeded(text) if late else Unreachable(text)
