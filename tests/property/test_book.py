"""The columnar book against plain dictionaries, through undo and save."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from keeper.index.book import ColumnarBook
from keeper.index.snapshot import decode, encode, pieces
from keeper.protocols.base import Side
from keeper.types import Address, BlockRef, Hash


class Note(NamedTuple):
    amount: int
    label: str
    inner: tuple[int, ...]


ACCOUNTS = [Address(f"0x{number:040x}") for number in range(5)]
accounts = st.sampled_from(ACCOUNTS)
assets = st.integers(0, 3)
actions = st.one_of(
    st.tuples(st.just("quantity"), accounts, assets, st.sampled_from(Side), st.integers(0, 2**128)),
    st.tuples(st.just("enabled"), accounts, assets, st.booleans()),
    st.tuples(st.just("group"), accounts, st.integers(0, 255)),
    st.tuples(st.just("record"), assets, st.integers(0, 2**256)),
)


def apply(book: ColumnarBook, action: Any) -> None:
    match action:
        case ("quantity", account, asset, side, value):
            book.set_quantity(account, asset, side, value)
        case ("enabled", account, asset, value):
            book.set_enabled(account, asset, value)
        case ("group", account, value):
            book.set_group(account, value)
        case ("record", asset, value):
            book.put(("note", asset), Note(value, "x", (value, 1)))


def contents(book: ColumnarBook) -> dict[str, Any]:
    return {
        "legs": {account: list(book.legs(account)) for account in ACCOUNTS},
        "enabled": {
            (account, asset): book.enabled(account, asset) for account in ACCOUNTS for asset in range(4)
        },
        "groups": {account: book.group(account) for account in ACCOUNTS},
        "records": dict(book.records()),
    }


def block(number: int) -> BlockRef:
    return BlockRef(number, Hash(f"0x{number:064x}"), Hash(f"0x{number - 1:064x}"), number, 0)


def journalled(blocks: list[list[Any]]) -> tuple[ColumnarBook, list[dict[str, Any]]]:
    """A book after `blocks` of changes, and what stood in it before the first and after each of them."""
    book = ColumnarBook()
    states = [contents(book)]
    for number, changes in enumerate(blocks):
        book.journal.open_block(block(number))
        for change in changes:
            apply(book, change)
        states.append(contents(book))
    return book, states


@given(st.lists(actions, max_size=60))
def test_quantities__after_any_changes__equal_the_last_one_set(changes: list[Any]) -> None:
    book = ColumnarBook()
    last: dict[tuple[Address, int, Side], int] = {}
    for change in changes:
        apply(book, change)
        if change[0] == "quantity":
            last[change[1:4]] = change[4]
    for (account, asset, side), value in last.items():
        assert book.quantity(account, asset, side) == value
    columns = book.columns()
    rows = {account: row for row, account in enumerate(book.accounts())}
    mirror = {
        (int(a), int(b), int(c)): float(q)
        for a, b, c, q in zip(columns.account, columns.asset, columns.side, columns.quantity, strict=True)
    }
    for (account, asset, side), value in last.items():
        assert mirror[rows[account], asset, side] == float(value)


@given(st.lists(st.lists(actions, max_size=12), max_size=8), st.integers(0, 8))
def test_journal__when_blocks_are_undone__restores_what_stood_before(
    blocks: list[list[Any]], kept: int
) -> None:
    book, states = journalled(blocks)
    while len(states) - 1 > kept:
        states.pop()
        assert book.journal.undo_last() == block(len(states) - 1)
        assert contents(book) == states[-1]


@given(st.lists(st.lists(actions, max_size=6), min_size=2, max_size=8), st.data())
def test_journal__when_the_book_changes_after_an_undo__gives_that_to_the_block_it_stands_at(
    blocks: list[list[Any]], data: st.DataObject
) -> None:
    book, states = journalled(blocks)
    left = data.draw(st.integers(1, len(blocks) - 1))
    for _ in range(len(blocks) - left):
        book.journal.undo_last()
    for change in data.draw(st.lists(actions, max_size=6)):
        apply(book, change)
    assert book.journal.undo_last() == block(left - 1)
    assert contents(book) == states[left - 1]


def columnar(book: ColumnarBook) -> dict[str, Any]:
    """What the columns show, in the terms of `contents`."""
    legs, names = book.columns(), book.accounts()
    found = zip(legs.account, legs.asset, legs.side, legs.quantity, legs.enabled, strict=True)
    return {
        "legs": {(names[row], int(a), Side(int(s))): (float(q), bool(e)) for row, a, s, q, e in found},
        "groups": dict(zip(names, book.groups().tolist(), strict=True)),
    }


def exact(book: ColumnarBook) -> dict[str, Any]:
    """The same from the exact integers."""
    names = book.accounts()
    return {
        "legs": {(names[r], a, Side(s)): (float(q), e) for r, a, s, q, e in book.state().legs()},
        "groups": {name: book.group(name) for name in names},
    }


@given(st.lists(st.one_of(actions, st.just("look"), st.just("block"), st.just("undo")), max_size=60))
def test_columns__whenever_somebody_looks__show_the_book_and_who_changed(steps: list[Any]) -> None:
    book = ColumnarBook()
    seen, before = book.revision, exact(book)
    for step in steps:
        match step:
            case "block":
                book.journal.open_block(block(1))
            case "undo":
                book.journal.undo_last()
            case "look":
                assert columnar(book) == exact(book)
                rows = set(book.changed(seen).tolist())
                assert rows >= different(before, exact(book), book.accounts())
                seen, before = book.revision, exact(book)
                assert not book.changed(seen).size
            case _:
                apply(book, step)
    assert columnar(book) == exact(book)


def different(before: dict[str, Any], after: dict[str, Any], names: Sequence[Address]) -> set[int]:
    """Rows of the accounts that are not as they were."""
    legs = {key[0] for key, _ in before["legs"].items() ^ after["legs"].items()}
    groups = {name for name, group in after["groups"].items() if before["groups"].get(name, 0) != group}
    return {names.index(name) for name in legs | groups}


@given(accounts, st.integers(1, 255))
def test_changed__when_only_the_group_moved__names_the_account(account: Address, group: int) -> None:
    book = ColumnarBook()
    book.set_quantity(account, 0, Side.DEBT, 1)
    seen = book.revision
    book.set_group(account, group)
    assert book.revision > seen
    assert book.changed(seen).tolist() == [0]


def test_journal__when_nothing_is_left__says_so() -> None:
    assert ColumnarBook().journal.undo_last() is None


@given(st.lists(actions, max_size=60))
def test_snapshot__when_decoded__equals_the_book(changes: list[Any]) -> None:
    book = ColumnarBook()
    for change in changes:
        apply(book, change)
    again = decode(encode(book), [Note])
    assert contents(again) == contents(book)
    assert list(again.accounts()) == list(book.accounts())
    assert np.array_equal(again.groups(), book.groups())


@given(st.lists(actions, max_size=30), st.lists(actions, min_size=1, max_size=30))
def test_snapshot__when_the_book_moves_while_it_is_packed__is_of_the_moment(
    before: list[Any], during: list[Any]
) -> None:
    book = ColumnarBook()
    for change in before:
        apply(book, change)
    expected, packed = encode(book), list[bytes]()
    for place, piece in enumerate(pieces(book.state())):
        packed.append(piece)
        apply(book, during[place % len(during)])
    assert b"".join(packed) == expected


def test_columns__when_they_outgrow_their_capacity__keep_every_leg() -> None:
    book = ColumnarBook()
    for number in range(3000):
        book.set_quantity(Address(f"0x{number:040x}"), number % 7, Side.DEBT, number)
    assert len(book.columns().quantity) == 3000
    assert book.columns().quantity.sum() == sum(range(3000))
    assert len(book.groups()) == 3000
