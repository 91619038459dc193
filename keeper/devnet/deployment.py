"""What the devnet has in common of the lending protocols that it deploys."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Protocol

from keeper.devnet.borrowers import DEFAULT_MIX, Mix
from keeper.types import Address

PROTOCOLS = ("aave-v3.6", "aave-v3.0.2", "aave-v2", "morpho-blue", "venus")
"""What `--protocol` takes."""


class Crowd(NamedTuple):
    """How many borrowers a protocol gets, and of which kinds."""

    borrowers: int = 50
    seed: int = 1
    mix: Mix = DEFAULT_MIX


class Deployment(Protocol):
    """A lending protocol on the devnet, with what a keeper.toml says of it.

    `kind` is one of PROTOCOLS, `protocol` the keeper's name of it; `settings` are the address keys of its
    [[deployment]]; `venues` take its liquidations or lend.
    """

    @property
    def kind(self) -> str: ...
    @property
    def protocol(self) -> str: ...
    @property
    def start_block(self) -> int: ...
    @property
    def settings(self) -> Mapping[str, Address]: ...
    @property
    def venues(self) -> tuple[Address, ...]: ...
    @property
    def borrower_count(self) -> int: ...
    def described(self) -> dict[str, Any]:
        """Further addresses for whoever works with the devnet, checksummed, JSON values."""
        ...

    async def populate(self, crowd: Crowd, progress: Callable[[int, int], None]) -> None:
        """Open positions.

        Raises:
            DevnetError: a step reverted, or an account ended up otherwise than it was to be.
        """
        ...
