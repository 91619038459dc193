"""A private route on which ours goes behind transactions of others, in one piece with them."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar

from eth_utils.crypto import keccak

from keeper.ports import Bundle, Relay
from keeper.types import Hash

Front = tuple[bytes | Hash, ...]

_front: ContextVar[Front] = ContextVar("front", default=())


class BundleRoute:
    """A `keeper.ports.PrivateRoute` over `relay`."""

    def __init__(self, relay: Relay) -> None:
        self._relay = relay

    @contextmanager
    def behind(self, front: Front) -> Iterator[None]:
        """What is sent inside the block stands behind `front`, in the same bundle."""
        token = _front.set(front)
        try:
            yield
        finally:
            _front.reset(token)

    async def send(self, raw: bytes, *, head: int, until: int, ahead: Sequence[bytes] = ()) -> Hash:
        """See `keeper.ports.PrivateRoute.send`; with something in front it is a bundle that fails whole."""
        front = _front.get()
        if not front:
            return await self._relay.send(raw, head=head, until=until, ahead=ahead)
        await self._relay.send_bundle(Bundle((*front, *ahead, raw), head + 1, until))
        return Hash("0x" + keccak(raw).hex())
