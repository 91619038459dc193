"""A private route on which ours goes behind transactions of others, in one piece with them."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import NamedTuple

from eth_utils.crypto import keccak

from keeper.ports import SendError, SendOutcome
from keeper.relay_ports import Bundle, Relay
from keeper.types import Hash

Front = tuple[bytes | Hash, ...]


class _Place(NamedTuple):
    """What stands in front, and who takes the bundle; None: the configured builders."""

    front: Front = ()
    relay: Relay | None = None


_place: ContextVar[_Place] = ContextVar("place", default=_Place())  # noqa: B039 - immutable


class BundleRoute:
    """A `keeper.ports.PrivateRoute` over `relay`; None: only bundles for relays that are named go out."""

    def __init__(self, relay: Relay | None) -> None:
        self._relay = relay

    @contextmanager
    def behind(self, front: Front, relay: Relay | None = None) -> Iterator[None]:
        """What is sent inside the block stands behind `front`, in one bundle, at `relay` alone if given."""
        token = _place.set(_Place(front, relay))
        try:
            yield
        finally:
            _place.reset(token)

    async def send(self, raw: bytes, *, head: int, until: int, ahead: Sequence[bytes] = ()) -> Hash:
        """See `keeper.ports.PrivateRoute.send`; with something in front it is a bundle that fails whole."""
        front, named = _place.get()
        relay = named or self._relay
        if relay is None:
            raise SendError(SendOutcome.RETRYABLE, "no builders are configured in [relay]")
        if not front:
            return await relay.send(raw, head=head, until=until, ahead=ahead)
        if named is not None and ahead:
            raise SendError(
                SendOutcome.RETRYABLE, "a relay takes one transaction behind a hint, and others of ours wait"
            )
        await relay.send_bundle(Bundle((*front, *ahead, raw), head + 1, until))
        return Hash("0x" + keccak(raw).hex())

    def recall(self, raw: bytes, *, head: int, until: int) -> None:
        """See `keeper.ports.PrivateRoute.recall`."""
        if self._relay is not None:
            self._relay.recall(raw, head=head, until=until)
