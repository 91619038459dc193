"""The private way to block builders: several at once, the first that takes the bytes decides."""

import asyncio
from collections.abc import Coroutine, Sequence
from enum import StrEnum
from typing import Any, Protocol, Self

import structlog

from keeper.chain.builder import Builder
from keeper.chain.recall import Holders, Offer
from keeper.chain.relay_json import (
    Request,
    bundle_hash,
    bundle_requests,
    simulation,
    simulation_request,
    transaction_requests,
)
from keeper.config.relay import RelayMethod
from keeper.errors import Degraded, KeeperError, Transient, Unreachable
from keeper.ports import SendError, SendOutcome
from keeper.relay_ports import Bundle, BundleSimulation
from keeper.types import Hash

_log = structlog.get_logger(__name__)


class RelayAnswer(StrEnum):
    """What came of a request to a builder."""

    TAKEN = "taken"
    CANCELLED = "cancelled"
    NOT_CANCELLED = "not_cancelled"
    REFUSED = "refused"
    DOWN = "down"


class RelayObserver(Protocol):
    """Told what builders answer."""

    def on_relay(self, host: str, answer: RelayAnswer, reason: str = "") -> None:
        """`host` took something, refused it or gave no answer; or it was asked to forget what it took."""
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
        self._holders: Holders[Builder] = Holders()

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
        offer = Offer.of(self._method, raw, head=head, until=until)
        await self._offer(requests, offer)
        return offer.name

    async def send_bundle(self, bundle: Bundle) -> Hash:
        """See `keeper.ports.Relay.send_bundle`; Degraded when the method takes no such bundle."""
        requests = bundle_requests(self._method, bundle, builders=self._names)
        last = bundle.transactions[-1]
        await self._offer(
            requests,
            Offer.of(self._method, last, head=bundle.block - 1, until=bundle.last)
            if isinstance(last, bytes)
            else Offer(last, ()),
        )
        return bundle_hash(bundle)

    def recall(self, raw: bytes, *, head: int, until: int) -> None:
        """See `keeper.ports.PrivateRoute.recall`: those that took it, as far as this process sent it."""
        offer = Offer.of(self._method, raw, head=head, until=until)
        for builder in self._holders.recall(offer.name):
            self._undo(builder, offer)

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

    async def _offer(self, requests: Sequence[Request], offer: Offer) -> None:
        """Ask every builder everything at once; return when one took the first request, the next block's.

        Where none takes that, all have to answer; raise when none took anything.
        """
        failures: list[KeeperError] = []
        taken, later = asyncio.Event(), asyncio.Event()
        self._holders.offered(offer.name)
        tasks = {
            self._start(builder, request, offer, failures, later if place else taken)
            for builder in self._builders
            for place, request in enumerate(requests)
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
        if not (taken.is_set() or later.is_set()):
            raise _worst(failures)

    def _start(
        self,
        builder: Builder,
        request: Request,
        offer: Offer,
        failures: list[KeeperError],
        taken: asyncio.Event,
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
            if not self._holders.took(offer.name, builder):
                self._undo(builder, offer)

        return self._run(ask(), f"{request.method} to {builder.host}")

    def _undo(self, builder: Builder, offer: Offer) -> None:
        """Ask `builder` to forget it; in the background, for nothing depends on the answer."""
        for request in offer.undo:
            self._run(self._cancel(builder, request), f"{request.method} to {builder.host}")

    async def _cancel(self, builder: Builder, request: Request) -> None:
        try:
            done = await builder.ask(request)
        except (SendError, Transient) as error:
            self._tell(builder.host, RelayAnswer.NOT_CANCELLED, request.method, error)
            return
        if done is False:
            late = Degraded(f"{builder.host}: it is not there, or too late")
            self._tell(builder.host, RelayAnswer.NOT_CANCELLED, request.method, late)
            return
        _log.info("relay_cancelled", host=builder.host, method=request.method)
        self._tell(builder.host, RelayAnswer.CANCELLED, request.method)

    def _run(self, work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work, name=name)
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
