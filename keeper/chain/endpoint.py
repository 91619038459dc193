"""One endpoint as a question-and-answer machine: throttled, timed, with errors turned into policy."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Self, TypeVar

from web3 import AsyncWeb3
from web3.types import RPCEndpoint

from keeper.chain.budget import Budget
from keeper.chain.faults import Throttled, TooLarge, exception_for
from keeper.chain.http import HttpProvider
from keeper.chain.observe import NoObserver, RequestObserver, RequestOutcome, outcome_of
from keeper.chain.throttle import Throttle
from keeper.chain.units import units
from keeper.chain.url import EndpointUrl
from keeper.clock import Clock, SystemClock
from keeper.errors import CallReverted, KeeperError, Unreachable
from keeper.ports import current_priority

T = TypeVar("T")

MIXED = "batch"
"""What requests for different methods are called in metrics."""


class Endpoint:
    """Raw JSON-RPC to one node or provider.

    `deadline` is seconds per exchange, `batch_size` the most requests put into one, `units_per_day` the
    compute units (see `units`) that may be spent until midnight UTC before only execution goes on.

    `web3` is an AsyncWeb3 on the same connections, for work where its formatters are worth their
    time; like `request` it sends everything once.
    """

    def __init__(
        self,
        url: str,
        *,
        throttle: Throttle | None = None,
        deadline: float = 10.0,
        batch_size: int = 200,
        units_per_day: int | None = None,
        observer: RequestObserver | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._url = EndpointUrl(url)
        self._provider = HttpProvider(self._url, deadline)
        self.web3 = AsyncWeb3(self._provider)
        self.throttle = throttle or Throttle()
        self._batch_size = batch_size
        self._observer = observer or NoObserver()
        self._clock = clock or SystemClock()
        self.budget = Budget(
            self.host,
            self.throttle,
            self._clock,
            units_per_day=units_per_day,
            spent=lambda *cost: self._observer.on_units(self.host, *cost),
        )

    @property
    def host(self) -> str:
        """scheme://host, the only part of the address that is ever shown."""
        return self._url.host

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.host!r})"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        await self._provider.disconnect()

    async def request(self, method: str, params: Sequence[Any] = ()) -> Any:
        """The "result" of one request.

        Raises:
            CallReverted: a contract reverted.
            Transient: the endpoint failed, in one of the ways `faults` names.
            MethodMissing: the endpoint does not offer `method`.
            Degraded: it rejects these parameters for good.
        """

        async def ask() -> Any:
            return self._result(method, await self._provider.make_request(RPCEndpoint(method), params))

        return await self._observed(method, 1, ask)

    async def batch(self, method: str, params: Sequence[Sequence[Any]]) -> list[Any]:
        """Results of `method` for each of `params`, in order; a revert is returned as CallReverted.

        Any other error is raised as by `request`: half a batch is no answer.
        """
        results: list[Any] = []
        while len(results) < len(params):
            size = min(self._batch_size, self.budget.burst(current_priority()) or self._batch_size)
            chunk = params[len(results) : len(results) + size]
            try:
                results += await self._chunk(method, chunk)
            except TooLarge:
                if len(chunk) == 1:
                    raise
                self._batch_size = len(chunk) // 2
        return results

    def _fits(self, count: int) -> bool:
        """Whether so many requests may be one exchange."""
        return count <= min(self._batch_size, self.budget.burst(current_priority()) or count)

    async def together(self, questions: Sequence[tuple[str, Sequence[Any]]]) -> list[Any]:
        """Results of different methods in one exchange, in order; an error takes the place of its result.

        Raises as `request` what concerns the exchange as a whole.
        """

        async def ask() -> list[Any]:
            requests = [(RPCEndpoint(method), params) for method, params in questions]
            answers = await self._provider.make_batch_request(requests)
            if not isinstance(answers, list):
                self._result(MIXED, answers)
                raise Unreachable(f"{self.host}: a batch got a single answer")
            pairs = zip(questions, answers, strict=True)
            return [self._result_or_error(method, answer) for (method, _), answer in pairs]

        cost = sum(units(method) for method, _ in questions)
        return await self._observed(MIXED, len(questions), ask, cost)

    async def _chunk(self, method: str, params: Sequence[Sequence[Any]]) -> list[Any]:
        async def ask() -> list[Any]:
            requests = [(RPCEndpoint(method), item) for item in params]
            answers = await self._provider.make_batch_request(requests)
            if isinstance(answers, list):
                return [self._result_or_revert(method, answer) for answer in answers]
            self._result(method, answers)
            raise Unreachable(f"{self.host}: {method}: a batch got a single answer")

        return await self._observed(method, len(params), ask)

    async def _observed(
        self, method: str, count: int, ask: Callable[[], Awaitable[T]], cost: int | None = None
    ) -> T:
        async with self.budget.admit(method, count, cost):
            started = self._clock.monotonic()
            try:
                result = await ask()
            except KeeperError as error:
                if isinstance(error, Throttled):
                    self.budget.refused(error.retry_after)
                self._note(method, started, outcome_of(error))
                raise
            self.budget.answered()
            self._note(method, started, RequestOutcome.OK)
            return result

    def _note(self, method: str, started: float, outcome: RequestOutcome) -> None:
        self._observer.on_request(self.host, method, self._clock.monotonic() - started, outcome)

    def _result(self, method: str, answer: Any) -> Any:
        if isinstance(answer, dict):
            error = answer.get("error")
            if isinstance(error, dict):
                said = self._url.scrub(str(error.get("message", "")))
                raise exception_for(self.host, method, error, said)
            if error is None and "result" in answer:
                return answer["result"]
        raise Unreachable(f"{self.host}: {method}: the answer has neither result nor error")

    def _result_or_error(self, method: str, answer: Any) -> Any:
        try:
            return self._result(method, answer)
        except KeeperError as error:
            return error

    def _result_or_revert(self, method: str, answer: Any) -> Any:
        try:
            return self._result(method, answer)
        except CallReverted as revert:
            return revert
