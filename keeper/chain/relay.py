"""The private way to block builders: several at once, the first that takes the bytes decides."""

import asyncio
from collections.abc import Sequence
from enum import StrEnum
from typing import Any, Protocol, Self

import structlog
from eth_utils.crypto import keccak

from keeper.chain.builder import Builder
from keeper.chain.relay_json import (
    Request,
    bundle_hash,
    bundle_requests,
    simulation,
    simulation_request,
    transaction_requests,
)
from keeper.config.relay import RelayMethod
from keeper.errors import KeeperError, Transient, Unreachable
from keeper.ports import Bundle, BundleSimulation, SendError, SendOutcome
from keeper.types import Hash

_log = structlog.get_logger(__name__)


class RelayAnswer(StrEnum):
    """What came of a request to a builder."""

    TAKEN = "taken"
    REFUSED = "refused"
    DOWN = "down"


class RelayObserver(Protocol):
    """Told what builders answer."""

    def on_relay(self, host: str, answer: RelayAnswer, reason: str = "") -> None:
        """`host` took a transaction or a bundle, refused it, or gave no answer."""
        ...


class RelayClient:
    """A `keeper.ports.Relay` over `builders`.

    `names` are the builders that a relay is asked to share with. Builders slower than the first that takes
    something are still heard out; leaving the context ends that and closes the connections.
    """

    def __init__(
        self,
        builders: Sequence[Builder],
        method: RelayMethod,
        *,
        names: Sequence[str] = (),
        observer: RelayObserver | None = None,
    ) -> None:
        self._builders = tuple(builders)
        self._method = method
        self._names = tuple(names)
        self._observer = observer
        self._under_way: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._under_way:
            task.cancel()
        await asyncio.gather(*self._under_way, return_exceptions=True)
        for builder in self._builders:
            await builder.close()

    async def send(self, raw: bytes, *, head: int, until: int, ahead: Sequence[bytes] = ()) -> Hash:
        """See `keeper.ports.PrivateRoute.send`."""
        requests = transaction_requests(
            self._method, raw, head=head, until=until, ahead=ahead, builders=self._names
        )
        await self._offer(requests)
        return Hash("0x" + keccak(raw).hex())

    async def send_bundle(self, bundle: Bundle) -> Hash:
        """See `keeper.ports.Relay.send_bundle`; Degraded when the method takes no such bundle."""
        await self._offer(bundle_requests(self._method, bundle, builders=self._names))
        return bundle_hash(bundle)

    async def simulate(self, bundle: Bundle) -> BundleSimulation:
        """See `keeper.ports.Relay.simulate`: the first builder that can tell."""
        return simulation(await self._first(simulation_request(bundle)))

    async def _first(self, request: Request) -> Any:
        failures: list[KeeperError] = []
        for builder in self._builders:
            try:
                return await builder.ask(request)
            except (SendError, Transient) as error:
                failures.append(error)
        raise _worst(failures)

    async def _offer(self, requests: Sequence[Request]) -> None:
        """Ask every builder everything at once; return when one took something, raise when none did."""
        failures: list[KeeperError] = []
        taken = asyncio.Event()
        tasks = {
            self._start(builder, request, failures, taken)
            for builder in self._builders
            for request in requests
        }
        waiter = asyncio.ensure_future(taken.wait())
        try:
            while tasks and not taken.is_set():
                await asyncio.wait({*tasks, waiter}, return_when=asyncio.FIRST_COMPLETED)
                for task in [task for task in tasks if task.done()]:
                    tasks.remove(task)
                    task.result()  # what builders answer is caught; anything else is a mistake of ours
        finally:
            waiter.cancel()
        if not taken.is_set():
            raise _worst(failures)

    def _start(
        self, builder: Builder, request: Request, failures: list[KeeperError], taken: asyncio.Event
    ) -> asyncio.Task[None]:
        async def ask() -> None:
            try:
                await builder.ask(request)
            except SendError as error:
                if error.outcome is not SendOutcome.ALREADY_KNOWN:
                    self._tell(builder.host, RelayAnswer.REFUSED, request.method, error)
                    failures.append(error)
                    return
            except Transient as error:
                self._tell(builder.host, RelayAnswer.DOWN, request.method, error)
                failures.append(error)
                return
            self._tell(builder.host, RelayAnswer.TAKEN, request.method)
            taken.set()

        task = asyncio.get_running_loop().create_task(ask(), name=f"{request.method} to {builder.host}")
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        return task

    def _tell(self, host: str, answer: RelayAnswer, method: str, error: KeeperError | None = None) -> None:
        reason = f"{method}: {error}" if error else ""
        if error is not None:
            _log.warning("relay_" + answer.value, host=host, reason=reason)
        if self._observer is not None:
            self._observer.on_relay(host, answer, reason)


def _worst(failures: Sequence[KeeperError]) -> KeeperError:
    """A lost answer leaves open whether the bytes were taken, so it outweighs every refusal."""
    return next(
        (error for error in failures if isinstance(error, Transient)),
        failures[0] if failures else Unreachable("no builder is configured"),
    )
