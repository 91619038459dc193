"""Hub events: an asset's totals, its interest, and what the hub keeps of this spoke.

An asset whose listing no log told is left alone here: it is read as a whole at the next head.
"""

from collections.abc import Callable

from keeper.protocols.aave_v4.event import Event
from keeper.protocols.aave_v4.hub import owing
from keeper.protocols.aave_v4.records import Asset, Line, deployment
from keeper.protocols.base import Book
from keeper.protocols.decode import topic_address, topic_int, word, word_address
from keeper.protocols.oracles.words import data as signed_word
from keeper.types import Address


def asset_added(book: Book, event: Event) -> None:
    """AddAsset: from here on the logs tell everything about it."""
    log = event.log
    book.put(_asset(event), Asset(topic_address(log, 2), word(log, 0), updated=event.timestamp))


def asset_updated(book: Book, event: Event) -> None:
    """UpdateAsset: interest is stored up to now; follows every change of an asset."""
    log = event.log
    _change(
        book,
        event,
        lambda old: old._replace(
            drawn_index=word(log, 0),
            drawn_rate=word(log, 1),
            realized_fees=word(log, 2),
            updated=event.timestamp,
        ),
    )


def asset_configured(book: Book, event: Event) -> None:
    """UpdateAssetConfig."""
    log = event.log
    _change(
        book,
        event,
        lambda old: old._replace(
            fee_receiver=word_address(log, 0),
            liquidity_fee=word(log, 1),
            rate_strategy=word_address(log, 2),
            reinvestment_controller=word_address(log, 3),
        ),
    )


def spoke_added(book: Book, event: Event) -> None:
    """AddSpoke: from here on the logs tell all that the hub keeps of the spoke."""
    if _is_ours(book, topic_address(event.log, 2)):
        book.put(_line(event), Line())


def spoke_configured(book: Book, event: Event) -> None:
    """UpdateSpokeConfig."""
    log = event.log
    _change_line(
        book,
        event,
        topic_address(log, 2),
        lambda old: old._replace(
            add_cap=word(log, 0),
            draw_cap=word(log, 1),
            premium_threshold=word(log, 2),
            active=word(log, 3),
            halted=word(log, 4),
        ),
    )


def added(book: Book, event: Event) -> None:
    """Add: liquidity came in against shares."""
    _move_liquidity(book, event, word(event.log, 0), word(event.log, 1))


def removed(book: Book, event: Event) -> None:
    """Remove: the reverse; a liquidation may burn a share less than it takes from the account."""
    log = event.log
    _move_liquidity(book, event, -word(log, 0), -word(log, 1))
    if _is_ours(book, topic_address(log, 2)):
        book.put(("removed", log.address, topic_int(log, 1)), word(log, 0))


def _move_liquidity(book: Book, event: Event, shares: int, amount: int) -> None:
    _change(
        book,
        event,
        lambda old: old._replace(added_shares=old.added_shares + shares, liquidity=old.liquidity + amount),
    )
    _add_shares(book, event, topic_address(event.log, 2), shares)


def drawn(book: Book, event: Event) -> None:
    """Draw: liquidity went out against drawn shares."""
    log = event.log
    shares, amount = word(log, 0), word(log, 1)
    _change(
        book,
        event,
        lambda old: old._replace(drawn_shares=old.drawn_shares + shares, liquidity=old.liquidity - amount),
    )
    _change_line(
        book,
        event,
        topic_address(log, 2),
        lambda old: old._replace(drawn_shares=old.drawn_shares + shares),
    )


def restored(book: Book, event: Event) -> None:
    """Restore: debt was repaid, drawn and premium."""
    log = event.log
    paid = word(log, 4) + word(log, 5)
    _owe(book, event, -word(log, 0), signed_word(log, 1), signed_word(log, 2))
    _change(book, event, lambda old: old._replace(liquidity=old.liquidity + paid))


def premium_refreshed(book: Book, event: Event) -> None:
    """RefreshPremium: an account's risk premium changed."""
    _owe(book, event, 0, signed_word(event.log, 0), signed_word(event.log, 1))


def deficit_reported(book: Book, event: Event) -> None:
    """ReportDeficit: debt was written off, and is missing from now on."""
    log = event.log
    missing = word(log, 4)
    _owe(book, event, -word(log, 0), signed_word(log, 1), signed_word(log, 2))
    _change(book, event, lambda old: old._replace(deficit=old.deficit + missing))
    _change_line(book, event, topic_address(log, 2), lambda old: old._replace(deficit=old.deficit + missing))


def deficit_eliminated(book: Book, event: Event) -> None:
    """EliminateDeficit: a spoke gave up shares against the deficit of another, or its own."""
    log = event.log
    shares, missing = word(log, 0), word(log, 1)
    _change(
        book,
        event,
        lambda old: old._replace(added_shares=old.added_shares - shares, deficit=old.deficit - missing),
    )
    _add_shares(book, event, topic_address(log, 2), -shares)
    _change_line(book, event, topic_address(log, 3), lambda old: old._replace(deficit=old.deficit - missing))


def fee_minted(book: Book, event: Event) -> None:
    """MintFeeShares: the hub's own earnings became shares; UpdateAsset tells that none are left."""
    shares = word(event.log, 0)
    _change(book, event, lambda old: old._replace(added_shares=old.added_shares + shares))
    _add_shares(book, event, topic_address(event.log, 2), shares)


def shares_transferred(book: Book, event: Event) -> None:
    """TransferShares between spokes."""
    shares = word(event.log, 0)
    _add_shares(book, event, topic_address(event.log, 2), -shares)
    _add_shares(book, event, topic_address(event.log, 3), shares)


def swept(book: Book, event: Event) -> None:
    """Sweep: idle liquidity went out to be invested."""
    _sweep(book, event, word(event.log, 0))


def reclaimed(book: Book, event: Event) -> None:
    """Reclaim: it came back."""
    _sweep(book, event, -word(event.log, 0))


def _sweep(book: Book, event: Event, amount: int) -> None:
    _change(book, event, lambda old: old._replace(liquidity=old.liquidity - amount, swept=old.swept + amount))


def _owe(book: Book, event: Event, shares: int, premium_shares: int, premium_offset: int) -> None:
    _change(book, event, lambda old: owing(old, shares, premium_shares, premium_offset))
    _change_line(
        book,
        event,
        topic_address(event.log, 2),
        lambda old: owing(old, shares, premium_shares, premium_offset),
    )


def _add_shares(book: Book, event: Event, spoke: Address, shares: int) -> None:
    _change_line(book, event, spoke, lambda old: old._replace(added_shares=old.added_shares + shares))


def _change(book: Book, event: Event, change: Callable[[Asset], Asset]) -> None:
    key = _asset(event)
    old: Asset | None = book.get(key)
    if old is not None:
        book.put(key, change(old))


def _change_line(book: Book, event: Event, spoke: Address, change: Callable[[Line], Line]) -> None:
    key = _line(event)
    old: Line | None = book.get(key)
    if old is not None and _is_ours(book, spoke):
        book.put(key, change(old))


def _is_ours(book: Book, spoke: Address) -> bool:
    return spoke == deployment(book).spoke


def _asset(event: Event) -> tuple[str, Address, int]:
    return ("asset", event.log.address, topic_int(event.log, 1))


def _line(event: Event) -> tuple[str, Address, int]:
    return ("line", event.log.address, topic_int(event.log, 1))
