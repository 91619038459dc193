"""The reads that find out how an oracle comes to its quotes.

Routers (EulerRouter) and cross adapters name the oracles behind them; whatever else answers is a leaf,
of which only the scale is asked. An oracle that is no router is expected to value shares of our vaults
by their assets. All this is held against the oracle's own quotes at each head, and what does not agree is
taken as a leaf itself.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from keeper.protocols import decode
from keeper.protocols.base import Book, Reads
from keeper.protocols.decode import call
from keeper.protocols.euler_v2.quotes import Route, Step, leaf_key, route_key
from keeper.protocols.euler_v2.records import NOWHERE, Hop, Leaf, Scale, number_of, vault
from keeper.protocols.records import replace
from keeper.types import ZERO_ADDRESS, Address, Call

DEEPEST = 8
"""Oracles behind oracles that are followed."""

LARGE = 10**36
"""An amount whose quote shows the scale to its last digit (and 100 times it still fits 128 bits)."""


class Search(NamedTuple):
    """A route on the way to be found: steps so far, and what is still to be looked at."""

    key: Leaf
    steps: tuple[Step, ...]
    ahead: tuple[Leaf, ...]


class Answers(NamedTuple):
    """What a contract says when asked as a router and as a cross adapter; None where it does not answer."""

    configured: Address | None
    resolved: Address | None
    fallback: Address | None
    cross_base: Address | None
    cross_quote: Address | None
    cross: Address | None
    base: Address | None
    quote: Address | None


def learn_routes(book: Book, keys: Iterable[Leaf]) -> Reads[None]:
    """Find and enter the routes of these quotes."""
    searches = [Search(key, (), (key,)) for key in dict.fromkeys(keys)]
    for _ in range(DEEPEST):
        open_ones = [each for each in searches if each.ahead]
        if not open_ones:
            break
        answers = iter((yield [asked for each in open_ones for asked in _questions(each.ahead[0])]))
        searches = [
            _advanced(book, each, Answers(*(decode.address(next(answers)) for _ in Answers._fields)))
            for each in open_ones
        ]
        for each in searches:
            if not each.ahead:
                replace(book, route_key(*each.key), each.steps)
    for each in searches:
        if each.ahead:  # too deep to be followed
            replace(book, route_key(*each.key), (each.key,))


def _questions(leaf: Leaf) -> list[Call]:
    oracle, base, quote = leaf
    return [
        call(oracle, "getConfiguredOracle(address,address)", base, quote),
        call(oracle, "resolvedVaults(address)", base),
        call(oracle, "fallbackOracle()"),
        *(
            call(oracle, name)
            for name in ("oracleBaseCross()", "oracleCrossQuote()", "cross()", "base()", "quote()")
        ),
    ]


def _advanced(book: Book, search: Search, told: Answers) -> Search:
    leaf, *rest = search.ahead
    steps, ahead = _followed(book, leaf, told)
    ahead = tuple(each for each in (*ahead, *rest) if each.base != each.quote)
    return Search(search.key, (*search.steps, *steps), ahead)


def _followed(book: Book, leaf: Leaf, told: Answers) -> tuple[Route, tuple[Leaf, ...]]:
    """Steps that an oracle itself takes, and the quotes it asks others for."""
    if told.configured is not None and told.resolved is not None:
        return _routed(book, leaf, told)
    if told.cross_base is not None and told.cross_quote is not None and told.cross is not None:
        _, base, quote = leaf
        if (told.base, told.quote) == (base, quote):
            return (), (Leaf(told.cross_base, base, told.cross), Leaf(told.cross_quote, told.cross, quote))
        if (told.quote, told.base) == (base, quote):
            return (), (Leaf(told.cross_quote, base, told.cross), Leaf(told.cross_base, told.cross, quote))
    return _through_vault(book, leaf, None)


def _routed(book: Book, leaf: Leaf, told: Answers) -> tuple[Route, tuple[Leaf, ...]]:
    """EulerRouter.resolveOracle: the configured oracle, else the vault's asset, else the fallback."""
    if told.configured not in (None, ZERO_ADDRESS):
        return (), (leaf._replace(oracle=told.configured),)
    if told.resolved not in (None, ZERO_ADDRESS):
        return _through_vault(book, leaf, told.resolved)
    if told.fallback not in (None, ZERO_ADDRESS):
        return (), (leaf._replace(oracle=told.fallback),)
    return (leaf,), ()


def _through_vault(book: Book, leaf: Leaf, asset: Address | None) -> tuple[Route, tuple[Leaf, ...]]:
    """Shares of one of our vaults by its asset (None: whatever that is); all else is asked as it is."""
    number = number_of(book, leaf.base)
    held = NOWHERE if number is None else vault(book, number).asset
    if number is None or not held or asset not in (None, held):
        return (leaf,), ()
    return (Hop(number),), (leaf._replace(base=held),)


def leaf_calls(leaf: Leaf) -> list[Call]:
    """What `scale_of` needs: quotes of two large amounts, and one the other way round."""
    oracle, base, quote = leaf
    name = "getQuote(uint256,address,address)"
    return [
        call(oracle, name, LARGE, base, quote),
        call(oracle, name, 100 * LARGE, base, quote),
        call(oracle, name, LARGE, quote, base),
    ]


def scale_of(results: Sequence[bytes | None]) -> Scale | None:
    """The scale of a leaf from its quotes, None where it gives none.

    A quote rounds down. An oracle that multiplies by a price has a scale with few decimals, so a large
    amount shows it whole; one that divides by it shows its own the other way round.
    """
    forward, larger, back = (decode.uint(result) for result in results)
    if forward is None:
        return None
    if larger is None or larger == 100 * forward:
        return Scale(forward, LARGE)
    if back and forward == LARGE * LARGE // back and larger == 100 * LARGE * LARGE // back:
        return Scale(LARGE, back)
    return Scale(larger, 100 * LARGE)


def enter_scales(book: Book, leaves: Sequence[Leaf], results: Sequence[bytes | None]) -> None:
    """Take over the results of every leaf's calls."""
    for place, leaf in enumerate(leaves):
        replace(book, leaf_key(leaf), scale_of(results[3 * place : 3 * place + 3]))


def leaves_of(routes: Iterable[Route]) -> list[Leaf]:
    """The distinct leaves of some routes."""
    return list(dict.fromkeys(step for route in routes for step in route if isinstance(step, Leaf)))


def proportional(amounts: Mapping[Leaf, tuple[int, int]], book: Book) -> None:
    """For quotes that no route explains: in proportion to one that was given, (amount, quote)."""
    for leaf, (amount, quote) in amounts.items():
        replace(book, route_key(*leaf), (leaf,))
        replace(book, leaf_key(leaf), Scale(quote, amount))
