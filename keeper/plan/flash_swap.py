"""Flash swaps: the pool that buys the collateral pays first, so that nobody has to lend.

Interface: v3-core IUniswapV3PoolActions.swap, which calls back for what it is owed after it paid.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import structlog
from eth_utils.abi import function_signature_to_4byte_selector as selector

from keeper.protocols.base import FlashKind, FlashSource, Reads
from keeper.types import MAX_UINT256, ZERO_ADDRESS, Address, Call

FIRST_VERSION = 2
"""The first version of the executor that knows flash swaps; the one before it has no number."""

SLACK = 1_000_000
"""A flash swap sells this fraction less than is seized, for it fails where less is seized than was sold: what
interest changes in five minutes at 10 % a year, and what rounding to shares may take."""

VERSION = selector("version()")

OLDER = (
    "the executor is older and knows no flash swaps; `keeper executor deploy --force` deploys one that does"
)

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class FlashSwap:
    """A `keeper.protocols.base.FlashSource`: whichever pool the sale starts in gives all that it pays."""

    kind: FlashKind = FlashKind.FLASH_SWAP
    lender: Address = ZERO_ADDRESS

    def available(self, token: Address) -> int:
        del token  # what the sale brings is quoted; it pays for the liquidation or there is no plan
        return MAX_UINT256

    def fee(self, token: Address, amount: int) -> int:
        del token, amount  # the swap's own is in its quote
        return 0


class FlashSwaps:
    """A `keeper.protocols.bank.Bank`: flash swaps, where the executor knows them.

    Without an `executor` there is nothing to ask: the next one to be deployed will know them.
    """

    def __init__(self, executor: Address | None) -> None:
        self._executor = executor
        self._known = executor is None
        self._said = False

    def lend(self, tokens: Collection[Address]) -> Reads[Sequence[FlashSource]]:
        """See `keeper.protocols.bank.Bank`. Asked until it is so once: an executor never changes."""
        del tokens
        if not self._known and self._executor:
            [answer] = yield [Call(self._executor, VERSION)]
            self._known = knows(answer)
        if not self._known and not self._said:
            _log.warning("no_flash_swaps", executor=self._executor, reason=OLDER)
            self._said = True
        return [FlashSwap()] if self._known else []


def knows(answer: bytes | None) -> bool:
    """Whether an executor that answers this to `VERSION` knows flash swaps."""
    return int.from_bytes(answer or b"") >= FIRST_VERSION


def sold(seized: int) -> int:
    """What a flash swap sells of `seized` units; the rest goes to the executor's owner."""
    return max(seized - seized // SLACK - 1, 0)
