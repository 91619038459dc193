"""Factory events: vaults come into being, and what they run."""

from keeper.protocols.base import Book
from keeper.protocols.decode import topic_address, word
from keeper.protocols.euler_v2.event import Event
from keeper.protocols.euler_v2.listing import adopt
from keeper.protocols.euler_v2.records import Role, Status, Terms, Vault, watch
from keeper.protocols.records import replace
from keeper.protocols.trust import doubt
from keeper.types import Address, Log, checksum

_METADATA = 60
"""Bytes of a vault's metadata: asset, oracle and unit of account."""


def proxy_created(book: Book, event: Event) -> None:
    """GenericFactory.ProxyCreated: a vault as Initialize.initialize leaves it, all operations off."""
    metadata = _metadata(event.log)
    address = topic_address(event.log, 1)
    number = None if metadata is None else adopt(book, address)
    if metadata is None or number is None:
        doubt(book, f"{checksum(address)} of the factory is no vault that can be followed")
        return
    book.put(("vault", number), Vault(number, address, *metadata))
    book.put(("status", number), Status(event.timestamp))
    book.put(("terms", number), Terms())
    watch(book, address, Role.VAULT, number)


def implementation_set(book: Book, event: Event) -> None:
    """All upgradeable vaults run other code from now on.

    No version can be asked for. What a vault does is held against the book by each of its VaultStatus
    events, so code that answers as a vault of this connector is taken to be the same.
    """
    address = topic_address(event.log, 1)
    replace(book, ("implementation",), address)
    if not event.genuine.get(address, True):
        doubt(book, f"{checksum(address)} was made the vaults' implementation, but does not answer as one")


def _metadata(log: Log) -> tuple[Address, Address, Address] | None:
    if word(log, 3) != _METADATA:
        return None
    start = 2 + 64 * 4
    parts = (log.data[start + 40 * part : start + 40 * (part + 1)] for part in range(3))
    asset, oracle, unit = (Address("0x" + part) for part in parts)
    return asset, oracle, unit
