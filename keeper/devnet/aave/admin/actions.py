"""A reproducible stream of random actions of those who run a market."""

from collections import Counter
from collections.abc import Sequence
from enum import StrEnum

from keeper.devnet.aave.admin.crises import Crises
from keeper.devnet.aave.admin.emodes import EModeSettings
from keeper.devnet.aave.admin.kinds import ADMIN_KINDS, AdminKind
from keeper.devnet.aave.admin.listing import Listings
from keeper.devnet.aave.admin.reserves import ReserveSettings
from keeper.devnet.aave.admin.sources import SourceChanges
from keeper.devnet.aave.random.draws import Action, Deed, Draws, perform
from keeper.devnet.actors import Actors
from keeper.types import Address

__all__ = ["AdminActions", "AdminKind"]

_WEIGHTS = {AdminKind.PAUSE_POOL: 0.5, AdminKind.SEQUENCER: 0.5, AdminKind.ACTIVE: 5, AdminKind.LIST_AGAIN: 5}
"""One for the others: the first two stop everybody, the last two are seldom possible."""


class AdminActions:
    """Draws and performs what admins, guardians and feed operators do to the market of `actors`.

    The same seed on the same state does the same, provided that Anvil's clock is tied to its blocks. What
    would stop the market is undone two to five actions later. Where reserves, sources or the oracle change,
    `actors.market` is another value afterwards.
    """

    def __init__(self, actors: Actors, users: Sequence[Address], seed: int) -> None:
        draws = Draws(actors, users, seed)
        self._random = draws.random
        parts = (ReserveSettings, EModeSettings, SourceChanges, Listings, Crises)
        drawn = {kind: draw for part in parts for kind, draw in part(draws).by_kind().items()}
        self._by_kind = {kind: drawn[kind] for kind in ADMIN_KINDS[actors.market.version]}
        self._succeeded: Counter[AdminKind] = Counter()
        self._due: list[tuple[int, AdminKind, Deed]] = []
        self._steps = 0

    @property
    def kinds(self) -> frozenset[StrEnum]:
        """Everything that this market's version lets admins do."""
        return frozenset(self._by_kind)

    async def step(self) -> Action:
        """Perform one action: an undoing that is due, else a random one.

        Raises:
            DevnetError: something other than a revert went wrong.
        """
        self._steps += 1
        due = next((each for each in self._due if each[0] <= self._steps), None)
        if due is not None:
            self._due.remove(due)
            return await perform(*due[1:])
        while True:
            kind = self._random.choices(list(self._by_kind), list(map(self._weight, self._by_kind)))[0]
            deed = await self._by_kind[kind]()
            if deed is not None:
                return await self._perform(kind, deed)

    async def do(self, kind: AdminKind) -> Action | None:
        """Perform a random action of `kind`, None when there is nothing to act on.

        Raises:
            DevnetError: something other than a revert went wrong.
        """
        deed = await self._by_kind[kind]()
        return None if deed is None else await self._perform(kind, deed)

    async def calm(self) -> list[Action]:
        """Undo at once all that is still to be undone."""
        due, self._due = self._due, []
        return [await perform(kind, deed) for _, kind, deed in due]

    async def _perform(self, kind: AdminKind, deed: Deed) -> Action:
        action = await perform(kind, deed)
        if action.reverted is None:
            self._succeeded[kind] += 1
            if deed.undo is not None:
                self._due.append((self._steps + self._random.randint(2, 5), kind, deed.undo))
        return action

    def _weight(self, kind: AdminKind) -> float:
        """What has been done least comes first, so that even a short run has seen everything."""
        return _WEIGHTS.get(kind, 1) / (1 + self._succeeded[kind]) ** 2
