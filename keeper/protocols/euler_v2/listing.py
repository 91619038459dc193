"""Numbers for vaults, and for other collaterals once a vault recognises them."""

from keeper.protocols.base import Book
from keeper.protocols.euler_v2.records import Vault, number_of, vaults
from keeper.types import Address

MOST_VAULTS = 1 << 16
"""The book numbers assets with 16 bits."""


def adopt(book: Book, address: Address) -> int | None:
    """Number of a vault, with the accounts that had it enabled before; None when there is none left."""
    known = number_of(book, address)
    if known is not None:
        return known
    number = len(vaults(book))
    if number >= MOST_VAULTS:
        return None
    book.put(("vaults",), (*vaults(book), address))
    book.put(("number", address), number)
    book.put(("vault", number), Vault(number, address))
    for account in book.get(("strangers", address), ()):
        book.set_enabled(account, number, enabled=True)
    return number
