"""Raw transactions go to every node at once; the first that takes one decides (engineering.md T24)."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import structlog

from keeper.chain.failover import Failover, summary
from keeper.chain.observe import NodeObserver
from keeper.chain.rpc import Rpc
from keeper.errors import KeeperError, Transient, Unreachable, WrongChain
from keeper.ports import SendError, SendOutcome
from keeper.types import Hash

_log = structlog.get_logger(__name__)

QUORUM_PERCENT = 70
"""When so many nodes answered and none took it, the rest is not waited for."""

PATIENCE = 3.0
"""Seconds until nodes that are still silent are not waited for either."""

TAKEN = frozenset({SendOutcome.ACCEPTED, SendOutcome.ALREADY_KNOWN})
SEVERE = frozenset({SendOutcome.FATAL, SendOutcome.FEE_CAP_EXCEEDED})
"""What no healthy node says of a transaction that another one takes."""


class Answer(NamedTuple):
    """What came of one node. `outcome` None: the answer, or already the question, got lost."""

    host: str
    outcome: SendOutcome | None
    error: KeeperError | None = None
    asked: bool = True


class Broadcast:
    """Sends to all nodes of `failover` that are not down, and to `send_only` ones, which decide nothing.

    Nodes that are slower than the verdict are still heard out; `close` ends that.
    """

    def __init__(
        self,
        failover: Failover,
        observer: NodeObserver,
        send_only: Sequence[Rpc] = (),
        *,
        patience: float = PATIENCE,
    ) -> None:
        self._failover = failover
        self._observer = observer
        self._send_only = tuple(send_only)
        self._patience = patience
        self._under_way: set[asyncio.Task[Answer]] = set()

    async def send(self, raw: bytes) -> Hash:
        """See `keeper.ports.ChainWriter.send_raw`."""
        ordered = self._failover.ordered()
        nodes = [rpc for rpc in ordered if not self._failover.node(rpc).paused] or ordered
        answers: list[Answer] = []
        tasks = {self._start(rpc, raw, answers) for rpc in nodes}
        for rpc in self._send_only:
            self._start(rpc, raw, None)
        deadline = asyncio.get_running_loop().time() + self._patience
        while tasks and not _decided(answers, len(nodes)):
            left = deadline - asyncio.get_running_loop().time()
            done, tasks = await asyncio.wait(tasks, timeout=left, return_when=asyncio.FIRST_COMPLETED)
            if not done:
                break
        return _verdict(answers, raw, silent=len(nodes) - len(answers))

    async def close(self) -> None:
        """Stop listening to nodes that have not answered yet."""
        for task in self._under_way:
            task.cancel()
        await asyncio.gather(*self._under_way, return_exceptions=True)

    def _start(self, rpc: Rpc, raw: bytes, answers: list[Answer] | None) -> asyncio.Task[Answer]:
        """Ask in the background: the verdict does not wait for the slowest, but its answer counts."""

        async def ask() -> Answer:
            answer = await (self._ask(rpc, raw) if answers is not None else _ask_quietly(rpc, raw))
            if answers is not None:
                answers.append(answer)
                self._compare(answers, answer)
            return answer

        task = asyncio.get_running_loop().create_task(ask(), name=f"send to {rpc.host}")
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        return task

    async def _ask(self, rpc: Rpc, raw: bytes) -> Answer:
        try:
            await self._failover.verify(rpc)
        except (Transient, WrongChain) as error:
            self._failover.note(rpc, error)
            return Answer(rpc.host, None, error, asked=False)
        answer = await _ask_quietly(rpc, raw)
        if isinstance(answer.error, Unreachable):
            self._failover.note(rpc, answer.error)
        return answer

    def _compare(self, answers: Sequence[Answer], newest: Answer) -> None:
        """One node takes it, another finds its contents impossible: one of them is wrong about the chain."""
        if not any(answer.outcome in TAKEN for answer in answers):
            return
        severe = [answer for answer in answers if answer.outcome in SEVERE]
        for answer in severe if newest.outcome in TAKEN else [each for each in severe if each is newest]:
            self._observer.on_send_conflict(answer.host)
            _log.error("send_conflict", host=answer.host, reason=str(answer.error))


async def _ask_quietly(rpc: Rpc, raw: bytes) -> Answer:
    try:
        await rpc.send_raw(raw)
    except SendError as error:
        return Answer(rpc.host, error.outcome, error)
    except Transient as error:
        return Answer(rpc.host, None, error)
    return Answer(rpc.host, SendOutcome.ACCEPTED)


def _decided(answers: Sequence[Answer], nodes: int) -> bool:
    taken = any(answer.outcome in TAKEN for answer in answers)
    return taken or len(answers) * 100 >= nodes * QUORUM_PERCENT


def _verdict(answers: Sequence[Answer], raw: bytes, *, silent: int) -> Hash:
    """The hash when somebody took it; else the error that is true for all.

    After a lost answer a refusal proves nothing: the copy whose answer got lost may be what caused it.
    """
    for answer in answers:
        if answer.outcome is SendOutcome.ACCEPTED:
            return Rpc.hash_of(raw)
    failures = [answer.error for answer in answers if answer.error is not None]
    for error in failures:
        if isinstance(error, SendError) and error.outcome is SendOutcome.ALREADY_KNOWN:
            raise error
    lost = any(answer.outcome is None and answer.asked for answer in answers)
    refusals = [error for error in failures if isinstance(error, SendError)]
    if refusals and not lost and (not silent or _decided(answers, len(answers) + silent)):
        raise _commonest(refusals)
    why = summary(failures) if failures else Unreachable("no node answered in time")
    raise why if isinstance(why, Unreachable | WrongChain) else Unreachable(str(why))


def _commonest(refusals: Sequence[SendError]) -> SendError:
    """What most nodes say; one that is merely busy has no opinion."""
    opinions = [error for error in refusals if error.outcome is not SendOutcome.RETRYABLE] or refusals
    counts = Counter(error.outcome for error in opinions)
    return max(opinions, key=lambda error: counts[error.outcome])
