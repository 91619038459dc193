"""Who lends besides the deployments themselves, asked at the block that is planned on."""

from collections.abc import Collection, Sequence
from typing import Protocol

from keeper.protocols.base import FlashSource, Reads
from keeper.types import Address


class Bank(Protocol):
    """Knows lenders of flash loans and what they have. Pure: it says which calls to make."""

    def lend(self, tokens: Collection[Address]) -> Reads[Sequence[FlashSource]]:
        """Lenders of `tokens` as of the block read; none where nothing could be read."""
        ...
