"""The operator's hand on a running daemon: kill switch, budgets, stale heads, and new settings."""

from keeper.app.allowance import Allowance
from keeper.app.reload import Reloaded, Reloader
from keeper.app.switch import Switch
from keeper.clock import Clock
from keeper.ledger.store import Ledger
from keeper.types import BlockRef


class Governor:
    """Asked by the daemon before it sends anything new, and whether its policy changed.

    Nothing may be sent on a head more than `max_head_age` seconds old, 0: however old.
    """

    def __init__(self, switch: Switch, reloader: Reloader, ledger: Ledger, clock: Clock) -> None:
        self.switch = switch
        self._reloader = reloader
        self._ledger = ledger
        self._clock = clock
        self._allowance = reloader.allowance()
        self._max_head_age = reloader.max_head_age()
        self._wanted = False

    @property
    def budgeted(self) -> bool:
        """Whether `objection` depends on what is in the ledger."""
        return self._allowance != Allowance()

    def want_reload(self) -> None:
        """Read the settings again before the next turn."""
        self._wanted = True

    def reloaded(self) -> Reloaded | None:
        """The new policy if one was wanted since the last time.

        Raises:
            ConfigError: the settings are wrong; everything stays as it is.
        """
        if not self._wanted:
            return None
        self._wanted = False
        found = self._reloader.reload()
        self._allowance = found.allowance
        self._max_head_age = found.max_head_age
        self.switch.watch(found.kill_file)
        return found

    async def objection(self, head: BlockRef) -> str | None:
        """Why nothing new may be sent on `head` now, None if it may."""
        now = int(self._clock.now())
        return (
            self.switch.stopped or self._stale(head, now) or await self._allowance.exceeded(self._ledger, now)
        )

    def _stale(self, head: BlockRef, now: int) -> str | None:
        limit = self._max_head_age
        if not limit or now - head.timestamp <= limit:
            return None
        # Without the age itself: the reason is told once as long as it stays the same.
        return f"the newest block is over {limit} seconds old; guards.max_head_age_seconds allows no more"
