"""Tokens held against the chain: are they what the book takes them for, and what events leave out."""

import numpy as np

from keeper.protocols.aave_v3.fold_upgrade import set_v_token_revision
from keeper.protocols.aave_v3.implementations import Implementation, probe
from keeper.protocols.aave_v3.math import ray_div
from keeper.protocols.aave_v3.records import Reserve, Watched, deployment, listed
from keeper.protocols.aave_v3.releases import A_TOKENS, V_TOKENS, rules_of
from keeper.protocols.base import Book, Reads, Side
from keeper.protocols.decode import call, uint
from keeper.protocols.records import replace
from keeper.protocols.trust import doubt
from keeper.types import Address


def verify(book: Book) -> Reads[None]:
    """Compare the revision of each token, once, with the role its events are folded by.

    No log names a token's first implementation, so it is taken to be of the pool's release.
    """
    reserves: list[Reserve] = [book.get(("reserve", number)) for number, _ in listed(book)]
    fresh = [each for each in reserves if book.get(("verified", each.a_token)) is None]
    found = yield from probe(token for each in fresh for token in (each.a_token, each.v_token))
    for reserve in fresh:
        _verify(book, reserve, found[reserve.a_token], found[reserve.v_token])
        book.put(("verified", reserve.a_token), 1)


def _verify(book: Book, reserve: Reserve, a_token: Implementation, v_token: Implementation) -> None:
    if v_token.discounts:
        set_v_token_revision(book, reserve.id, reserve.v_token, v_token)
    expected = {
        reserve.a_token: A_TOKENS.get(a_token.a_token or 0),
        reserve.v_token: V_TOKENS.get(v_token.v_token or 0),
    }
    for token, role in expected.items():
        watched: Watched = book.get(("role", token))
        if watched.role != role:
            doubt(book, f"the token {token} is of another revision than its events were taken for")


def reread(book: Book) -> Reads[None]:
    """Read scaled debts that events do not say: GHO before v3.4 on Ethereum, which gave discounts.

    Since v3.3 health is based on what is owed after the discount: there the scaled amount is the one
    that has this balance now, at most one token unit off when rounded.
    """
    view = rules_of(book).discounted_view
    for number, asset in listed(book):
        if not book.get(("reread", number)):
            continue
        reserve: Reserve = book.get(("reserve", number))
        borrowers = _borrowers(book, number)
        index, *results = yield [
            call(deployment(book).pool, "getReserveNormalizedVariableDebt(address)", asset),
            *(call(reserve.v_token, view, borrower) for borrower in borrowers),
        ]
        divisor = uint(index) if view.startswith("balanceOf") else None
        for borrower, result in zip(borrowers, results, strict=True):
            read = uint(result)
            if read is not None:
                _enter(book, borrower, number, ray_div(read, divisor) if divisor else read)
        replace(book, ("reread", number), book.get(("discounts", number)))


def _borrowers(book: Book, number: int) -> list[Address]:
    """Everybody who ever owed the reserve."""
    legs, accounts = book.columns(), book.accounts()
    rows = np.unique(legs.account[(legs.asset == number) & (legs.side == Side.DEBT)])
    return [accounts[row] for row in rows.tolist()]


def _enter(book: Book, account: Address, number: int, scaled: int) -> None:
    before = book.quantity(account, number, Side.DEBT)
    if scaled != before:
        book.set_quantity(account, number, Side.DEBT, scaled)
        total: int = book.get(("scaled_debt", number), 0)
        book.put(("scaled_debt", number), total + scaled - before)
