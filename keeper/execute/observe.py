"""What the transaction manager tells its operator: figures for every head, and alarms."""

from enum import StrEnum
from typing import NamedTuple, Protocol

import structlog

_log = structlog.get_logger(__name__)


class AttemptKind(StrEnum):
    """Why something was signed."""

    FIRST = "first"
    BUMP = "bump"
    CANCEL = "cancel"


class Alarm(StrEnum):
    """What an operator should look at."""

    FOREIGN = "foreign"  # somebody else works with our key
    REFUSED = "refused"  # no node takes a transaction for what it contains
    UNFUNDED = "unfunded"  # the key cannot pay
    UNREACHED = "unreached"  # well paid, and yet left out: nobody who builds blocks has it
    STUCK = "stuck"  # waits for long, and others behind it
    GAP = "gap"  # a nonce below ours belongs to nobody
    BLIND = "blind"  # no node shows what becomes of our transactions
    SIGNER = "signer"  # the signer refuses
    RELAY = "relay"  # no builder takes a private transaction


class Standing(NamedTuple):
    """The key at one head: its next nonce on chain, transactions by what they wait for."""

    nonce: int
    pending: int
    queued: int
    cancelling: int
    gaps: int
    stuck: int


class TransactionObserver(Protocol):
    """Told what happens to the transactions of a key."""

    def on_attempt(self, kind: AttemptKind) -> None:
        """Something was signed."""
        ...

    def on_answer(self, outcome: str) -> None:
        """A node, or nobody, answered a send."""
        ...

    def on_landed(self, blocks: int) -> None:
        """A payload was mined so many blocks after the head it was decided on."""
        ...

    def on_standing(self, standing: Standing) -> None:
        """A head was dealt with."""
        ...

    def on_alarm(self, alarm: Alarm) -> None:
        """Something new is wrong."""
        ...


class NoObserver:
    """Observes nothing."""

    def on_attempt(self, kind: AttemptKind) -> None:
        pass

    def on_answer(self, outcome: str) -> None:
        pass

    def on_landed(self, blocks: int) -> None:
        pass

    def on_standing(self, standing: Standing) -> None:
        pass

    def on_alarm(self, alarm: Alarm) -> None:
        pass


KEY = -1
"""What an alarm is about that concerns the key itself and no single nonce."""


class Alarms:
    """Tells each trouble once, not at every head. `about` is a nonce, or KEY."""

    def __init__(self, observer: TransactionObserver) -> None:
        self._observer = observer
        self._told: set[tuple[Alarm, int]] = set()

    def raise_for(self, alarm: Alarm, about: int, reason: str) -> None:
        """Say that something is wrong, unless that was said before."""
        if (alarm, about) not in self._told:
            self._told.add((alarm, about))
            self._observer.on_alarm(alarm)
            _log.error("transaction_alarm", alarm=alarm.value, nonce=about, reason=reason)

    def clear(self, about: int, *alarms: Alarm) -> None:
        """The trouble is over; without `alarms` all there were about a nonce."""
        self._told = {told for told in self._told if told[1] != about or (alarms and told[0] not in alarms)}


class Brake:
    """Why nothing new may be signed. Once pulled it stays so until the process is started again."""

    def __init__(self) -> None:
        self.reason: str | None = None

    def pull(self, reason: str) -> None:
        """Stop; the first reason is kept."""
        self.reason = self.reason or reason
