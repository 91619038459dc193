"""The index against the protocol's own view, all the time: what it gets wrong is found and mended.

A slice of the accounts at every head and the reserves once a cycle, so that everything is compared
within one cycle however large the book is, at a cost per block that is bounded.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from keeper.index.conversation import converse
from keeper.ports import ChainReader
from keeper.protocols.base import Difference, Market
from keeper.types import Address, BlockRef


@dataclass(frozen=True, slots=True)
class Audit:
    """What one audit compared and found. `healed` are the subjects that agree again after a re-read."""

    block: BlockRef
    checked: int
    differences: list[Difference] = field(default_factory=list)
    healed: frozenset[Address] = frozenset()


HASTE = 10
"""How many times larger slices are while logs are known to be missing."""


class Auditor:
    """Audits one market, `slice_size` accounts a head.

    An account or reserve that disagrees is quarantined until a re-read of it agrees with the chain. A whole
    cycle that finds nothing ends the doubt that missing logs cast on the market.
    """

    def __init__(self, chain: ChainReader, slice_size: int) -> None:
        self._chain = chain
        self._slice_size = slice_size
        self._next = 0
        self._quarantined: set[Address] = set()
        self._gaps: int | None = None  # of the market when this cycle began; None once it found something

    @property
    def quarantined(self) -> frozenset[Address]:
        """Accounts and reserves that the book cannot be trusted on now."""
        return frozenset(self._quarantined)

    async def turn(self, market: Market, block: BlockRef) -> Audit:
        """Audit the next slice at `block`, where the market stands, and mend what differs.

        Raises:
            Transient: the chain did not answer; the slice is audited with the next head.
        """
        accounts = market.book.accounts()
        start = self._next if self._next < len(accounts) else 0
        if start == 0:
            self._gaps = market.gaps()
        size = self._slice_size * (HASTE if market.gaps() else 1)
        assets = {info.address for info in market.assets()}
        # Totals cost a pass over the book: once a cycle, or while they are what is wrong.
        reserves = start == 0 or bool(assets & self._quarantined)
        suspects = [subject for subject in self._quarantined if market.book.row(subject) is not None]
        chosen = list(dict.fromkeys([*accounts[start : start + size], *suspects]))
        found = await self.compare(market, block, chosen, reserves=reserves)
        self._next = start + size
        self._quarantined -= {*chosen, *(assets if reserves else ())}
        if found.differences:
            self._gaps = None
        elif self._next >= len(accounts) and market.gaps() and market.gaps() == self._gaps:
            # Missed logs left nothing wrong behind: what they did was read from the chain meanwhile.
            market.close_gaps()
        return await self._mend(market, found)

    async def compare(
        self, market: Market, block: BlockRef, accounts: Sequence[Address], *, reserves: bool
    ) -> Audit:
        """Compare `accounts` (and every reserve) at `block` and change nothing."""
        frame = market.frame(block.timestamp)
        differences = await converse(market.audit_accounts(accounts, frame), self._chain, block.number)
        checked = len(accounts)
        if reserves:
            differences += await converse(market.audit_reserves(), self._chain, block.number)
            checked += len(market.assets())
        return Audit(block, checked, differences)

    async def _mend(self, market: Market, found: Audit) -> Audit:
        subjects = {difference.subject for difference in found.differences}
        self._quarantined |= subjects
        if not subjects:
            return found
        for subject in subjects:
            await converse(market.heal(subject), self._chain, found.block.number)
        accounts = [subject for subject in subjects if market.book.row(subject) is not None]
        again = await self.compare(market, found.block, accounts, reserves=len(accounts) < len(subjects))
        healed = frozenset(subjects - {difference.subject for difference in again.differences})
        self._quarantined -= healed
        return Audit(found.block, found.checked, found.differences, healed)
