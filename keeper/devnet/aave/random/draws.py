"""What drawing a random action takes: who, which reserve, how much."""

from collections.abc import Awaitable, Callable, Sequence
from enum import StrEnum
from random import Random
from typing import Any, NamedTuple

from keeper.devnet.aave.terms import Terms
from keeper.devnet.aave.view import Holding
from keeper.devnet.actors import Actors
from keeper.devnet.borrowers import borrower_address
from keeper.devnet.reverts import DevnetError
from keeper.types import USD, Address

_GUESTS = 6


class Action(NamedTuple):
    """What was done. `reverted` is the contract's reason, None when it went through."""

    kind: StrEnum
    detail: str
    reverted: str | None


class Deed(NamedTuple):
    """An action drawn but not done: nothing that could revert is sent before `act`.

    `undo` is due a few actions later where the market would be of little use otherwise.
    """

    detail: str
    act: Callable[[], Awaitable[Any]]
    undo: "Deed | None" = None


Draw = Callable[[], Awaitable[Deed | None]]
"""Draws an action; None when there is nothing to act on."""


class Draws:
    """Draws among `users` and a few guests who start with nothing."""

    def __init__(self, actors: Actors, users: Sequence[Address], seed: int) -> None:
        self.actors = actors
        self.random = Random(seed)
        self.guests = [borrower_address(seed, -1 - index) for index in range(_GUESTS)]
        self.users = (*users, *self.guests)

    @property
    def symbols(self) -> list[str]:
        """Of every reserve listed now."""
        return [reserve.symbol for reserve in self.actors.market.reserves]

    def user(self) -> Address:
        """Anyone."""
        return self.random.choice(self.users)

    async def holder(
        self, measure: Callable[[Holding], int], tries: int = 1
    ) -> tuple[Address, str, Holding | None]:
        """A random user and one of the reserves where it has any of what `measure` says.

        None after `tries` users without: what few have takes several.
        """
        for _ in range(tries):
            user = self.user()
            holdings = await self.actors.view.holdings(user)
            symbols = [symbol for symbol, holding in holdings.items() if measure(holding)]
            if symbols:
                symbol = self.random.choice(symbols)
                return user, symbol, holdings[symbol]
        return user, "", None

    async def some(self, symbol: str) -> int:
        """An amount worth ten to a million dollars."""
        listing = (await self.terms()).listings[symbol]
        return listing.amount(int(10 ** self.random.uniform(1, 6) * USD))

    async def credit(self, user: Address, percent: int) -> tuple[str, int]:
        """A reserve and an amount of it, up to `percent` of what the user may still borrow; 0 of nothing."""
        available = (await self.actors.view.account(user)).available
        terms = await self.terms()
        mode = terms.emodes.get(await self.actors.view.emode(user))
        symbol = self.random.choice(sorted(mode.borrowables) if mode and mode.borrowables else self.symbols)
        if not available:
            return symbol, 0
        usd = available * self.random.randint(1, percent) // 100
        return symbol, terms.listings[symbol].amount(usd) + 1

    def part(self, amount: int) -> int:
        """One to a hundred percent of `amount`, but not nothing."""
        return max(1, amount * self.random.randint(1, 100) // 100)

    async def terms(self) -> Terms:
        """The market's terms now."""
        return await self.actors.view.terms()


async def perform(kind: StrEnum, deed: Deed) -> Action:
    """Do what was drawn; raises DevnetError only for what is not a revert."""
    try:
        await deed.act()
    except DevnetError as error:
        _, reverted, reason = str(error).partition(" reverted: ")
        if not reverted:
            raise
        # Not the whole message: the hash in it differs from run to run.
        return Action(kind, deed.detail, reason)
    return Action(kind, deed.detail, None)
