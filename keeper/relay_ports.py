"""What the stages need from block builders and their relays, said without naming who provides it."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from keeper.types import Address, Call, Hash


class Hint(NamedTuple):
    """What a relay tells of transactions that only it knows (MEV-Share event).

    `hash` stands for them in a bundle and is no transaction's hash. `calls` are those whose callee and
    calldata are told, `logs` what a simulation emitted: (address, topics, data). `size` transactions are
    told of, at least. `gas_price` (wei per gas that the builder gets) and `gas_used` are rounded.
    """

    hash: Hash
    calls: tuple[Call, ...]
    logs: tuple[tuple[Address, tuple[str, ...], bytes], ...]
    size: int
    gas_price: int | None = None
    gas_used: int | None = None


class PrivateRoute(Protocol):
    """A way to block builders that keeps a transaction out of public sight."""

    async def send(self, raw: bytes, *, head: int, until: int, ahead: Sequence[bytes] = ()) -> Hash:
        """As `ChainWriter.send_raw`, for the blocks after `head` up to `until`, then to be forgotten.

        `ahead` are our transactions with lower nonces that no block has taken yet, in their order.
        """
        ...

    def recall(self, raw: bytes, *, head: int, until: int) -> None:
        """Ask whoever took `raw` to forget it for the blocks after `head` up to `until`.

        Nobody waits for it, and nobody can count on it: what comes of it is told to the observer.
        """
        ...


class Bundle(NamedTuple):
    """Transactions that a block takes in this order and in one piece, or not at all.

    `transactions` are signed bytes, ours or anybody's; a hash stands for one that only the relay knows.
    The bundle may stand in blocks `block` to `until` (None: in `block` only). One of `may_revert` is let
    in although it fails; any other that fails keeps the whole bundle out.
    """

    transactions: tuple[bytes | Hash, ...]
    block: int
    until: int | None = None
    may_revert: frozenset[Hash] = frozenset()

    @property
    def last(self) -> int:
        """The last block it may stand in."""
        return self.block if self.until is None else self.until


class BundleStep(NamedTuple):
    """What one transaction of a simulated bundle did; `error` is empty when it succeeded."""

    hash: Hash
    gas_used: int
    error: str


class BundleSimulation(NamedTuple):
    """A bundle on the state after block `block`. `to_coinbase`: wei beside the gas that the builder gets."""

    block: int
    gas_used: int
    to_coinbase: int
    steps: tuple[BundleStep, ...]

    @property
    def error(self) -> str:
        """Why the first failing transaction fails; empty when all succeed."""
        return next((step.error for step in self.steps if step.error), "")


class Relay(PrivateRoute, Protocol):
    """Block builders that take bundles.

    Every method raises Transient when no builder answers in time, and SendError when all refuse.
    """

    async def send_bundle(self, bundle: Bundle) -> Hash:
        """Offer `bundle` to every builder for each of its blocks; its hash when one took it."""
        ...

    async def simulate(self, bundle: Bundle) -> BundleSimulation:
        """What `bundle` would do in its first block, on the newest state (eth_callBundle)."""
        ...
