"""The table of kinds: which logs change a record of which kind, and how a contract's kind is told."""

from collections.abc import Callable

from keeper.protocols.decode import topic
from keeper.protocols.oracles import constant, discount, dual, feed, price_cap, ratio_cap
from keeper.protocols.oracles.constant import Fixed, Polled
from keeper.protocols.oracles.discount import Discount
from keeper.protocols.oracles.dual import DualAggregator, Round
from keeper.protocols.oracles.feed import Feed, FeedProxy
from keeper.protocols.oracles.price_cap import PegCap, StableCap
from keeper.protocols.oracles.ratio_cap import RatioCap
from keeper.protocols.oracles.source import Change, Found, Source
from keeper.types import Log

RECORD_TYPES: tuple[type, ...] = (
    Feed,
    FeedProxy,
    DualAggregator,
    Round,
    RatioCap,
    StableCap,
    PegCap,
    Discount,
    Fixed,
    Polled,
)
"""For `Adapter.record_types` of every protocol that keeps sources in its book."""

_EVENTS: dict[type, dict[str, Change]] = {
    # A feed may answer before anybody names it: the first answer makes its record.
    type(None): feed.FEED_EVENTS,
    Feed: feed.FEED_EVENTS,
    FeedProxy: feed.PROXY_EVENTS,
    DualAggregator: dual.EVENTS,
    RatioCap: ratio_cap.EVENTS,
    StableCap: price_cap.STABLE_EVENTS,
    PegCap: price_cap.PEG_EVENTS,
    Discount: discount.EVENTS,
    Fixed: constant.EVENTS,
    Polled: {},
}

_CHANGES = {
    (kind, topic(event)): change for kind, events in _EVENTS.items() for event, change in events.items()
}

SIGNATURES: tuple[str, ...] = tuple(dict.fromkeys(event for events in _EVENTS.values() for event in events))
"""Every event that some kind of source follows."""

GETTERS: tuple[str, ...] = tuple(
    dict.fromkeys(
        getter for kind in (feed, dual, ratio_cap, price_cap, discount, constant) for getter in kind.GETTERS
    )
)
"""What a contract of unknown kind is asked: views without arguments."""

_RECOGNISERS: tuple[Callable[[Found], Source | None], ...] = (
    ratio_cap.recognise,
    price_cap.recognise_peg,
    discount.recognise,
    price_cap.recognise_stable,
    constant.recognise_fixed,
    feed.recognise_proxy,
    feed.recognise_feed,
)


def fold(record: Source | None, log: Log) -> Source | None:
    """The record of the contract that emitted `log` after it; the same one where the log says nothing."""
    change = _CHANGES.get((type(record), log.topics[0]))
    changed: Source | None = change(record, log) if change else record
    return changed


def recognise(found: Found) -> Source:
    """What kind of source a contract with these answers is, and its state."""
    for recogniser in _RECOGNISERS:
        record = recogniser(found)
        if record is not None:
            return record
    return constant.recognise_any(found)
