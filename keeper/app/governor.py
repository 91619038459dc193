"""The operator's hand on a running daemon: kill switch, budgets, and new settings."""

from keeper.app.reload import Reloaded, Reloader
from keeper.app.switch import Switch
from keeper.clock import Clock
from keeper.ledger.store import Ledger


class Governor:
    """Asked by the daemon before it sends anything new, and whether its policy changed."""

    def __init__(self, switch: Switch, reloader: Reloader, ledger: Ledger, clock: Clock) -> None:
        self.switch = switch
        self._reloader = reloader
        self._ledger = ledger
        self._clock = clock
        self._allowance = reloader.allowance()
        self._wanted = False

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
        self.switch.watch(found.kill_file)
        return found

    async def objection(self) -> str | None:
        """Why nothing new may be sent now, None if it may."""
        return self.switch.stopped or await self._allowance.exceeded(self._ledger, int(self._clock.now()))
