"""The owner's own money as a source of capital: lent for nothing, to the extent the executor may take it."""

from collections.abc import Collection, Sequence
from itertools import product

from eth_abi.abi import encode
from eth_utils.abi import function_signature_to_4byte_selector as selector

from keeper.protocols.base import FlashKind, FlashSource, Reads
from keeper.protocols.flash import Lender
from keeper.types import ZERO_ADDRESS, Address, Call

OWNER = selector("owner()")
BALANCE_OF = selector("balanceOf(address)")
ALLOWANCE = selector("allowance(address,address)")


class Inventory:
    """What the owner of `executor` holds and lets it pull. A flash loan costs a premium, this does not."""

    def __init__(self, executor: Address) -> None:
        self._executor = executor

    def lend(self, tokens: Collection[Address]) -> Reads[Sequence[FlashSource]]:
        """The owner as of the block read: for each token the smaller of balance and allowance."""
        [answer] = yield [Call(self._executor, OWNER)]
        owner = "0x" + (answer or bytes(32))[-20:].hex()
        queries = (
            BALANCE_OF + encode(["address"], [owner]),
            ALLOWANCE + encode(["address", "address"], [owner, self._executor]),
        )
        wanted = sorted(tokens)
        found = yield [Call(token, query) for token, query in product(wanted, queries)]
        amounts = [int.from_bytes(word or b"") for word in found]
        pairs = zip(wanted, amounts[::2], amounts[1::2], strict=True)
        return [Lender(FlashKind.NONE, ZERO_ADDRESS, {token: min(pair) for token, *pair in pairs})]
