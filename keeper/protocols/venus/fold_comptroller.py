"""Events of the comptroller: markets, membership, limits, pauses, pools. Of Venus and of Compound v2.

Some events of both have one name but another shape: what stands in topics in one is data in the other.
"""

from keeper.protocols.base import Book
from keeper.protocols.decode import topic_address, topic_int, word, word_address, word_text
from keeper.protocols.records import replace
from keeper.protocols.venus.event import Event
from keeper.protocols.venus.fold_market import numbers_by_underlying
from keeper.protocols.venus.records import (
    CORE,
    NO_LIMITS,
    Action,
    Limits,
    Pool,
    Role,
    deployment,
    facts_of,
    include,
    limits_of,
    meet,
    number_of,
    vtokens,
    watch,
)
from keeper.types import Address, Log

_ACTIONS = {"Borrow": Action.BORROW, "Seize": Action.SEIZE}


def _arguments(log: Log, count: int) -> list[Address]:
    """The first `count` arguments, addresses all, indexed or not."""
    if len(log.topics) > 1:
        return [topic_address(log, place + 1) for place in range(count)]
    return [word_address(log, place) for place in range(count)]


def market_listed(book: Book, event: Event) -> None:
    """A market may be used from now on."""
    (vtoken,) = _arguments(event.log, 1)
    number = meet(book, vtoken)
    book.put(("listed", number), 1)


def market_unlisted(book: Book, event: Event) -> None:
    """A market counts no longer, whoever has entered it."""
    number = number_of(book, topic_address(event.log, 1))
    if number is not None:
        book.put(("listed", number), 0)


def market_entered(book: Book, event: Event) -> None:
    """An account's vTokens count as collateral, and its debt as debt."""
    _enter(book, event, entered=True)


def market_exited(book: Book, event: Event) -> None:
    """An account's vTokens count no longer."""
    _enter(book, event, entered=False)


def _enter(book: Book, event: Event, *, entered: bool) -> None:
    vtoken, account = _arguments(event.log, 2)
    book.set_enabled(account, meet(book, vtoken), entered)


def collateral_factor(book: Book, event: Event) -> None:
    """NewCollateralFactor(pool, vToken, old, new): what may be borrowed against a market."""
    _limit(book, event, factor=word(event.log, 1))


def liquidation_threshold(book: Book, event: Event) -> None:
    """NewLiquidationThreshold(pool, vToken, old, new)."""
    _limit(book, event, threshold=word(event.log, 1))


def liquidation_incentive(book: Book, event: Event) -> None:
    """NewLiquidationIncentive(pool, vToken, old, new)."""
    _limit(book, event, incentive=word(event.log, 1))


def _limit(book: Book, event: Event, **changed: int) -> None:
    pool, number = topic_int(event.log, 1), meet(book, topic_address(event.log, 2))
    replace(book, ("limits", pool, number), limits_of(book, pool, number)._replace(**changed))


def only_factor(book: Book, event: Event) -> None:
    """NewCollateralFactor(cToken, old, new) of Compound v2 and early Venus: one factor for both purposes."""
    number, factor = meet(book, word_address(event.log, 0)), word(event.log, 2)
    limits = limits_of(book, CORE, number)._replace(factor=factor, threshold=factor)
    replace(book, ("limits", CORE, number), limits)


def only_incentive(book: Book, event: Event) -> None:
    """NewLiquidationIncentive(old, new) of Compound v2 and early Venus: one for all markets."""
    book.put(("incentive",), word(event.log, 1))


def close_factor(book: Book, event: Event) -> None:
    """How much of a debt one liquidation may repay."""
    book.put(("close_factor",), word(event.log, 1))


def price_oracle(book: Book, event: Event) -> None:
    """Another oracle: what it was given is known if it said so."""
    oracle = word_address(event.log, 1)
    set_oracle(book, oracle)
    for number in range(len(vtokens(book))):
        facts = facts_of(book, number)
        posted = book.get(("posted", oracle, facts.underlying)) if facts else None
        replace(book, ("price", number), posted)


def set_oracle(book: Book, oracle: Address) -> None:
    """Take prices from `oracle`."""
    replace(book, ("deployment",), deployment(book)._replace(oracle=oracle))
    watch(book, oracle, Role.ORACLE)


def vai_controller(book: Book, event: Event) -> None:
    """Another VAI controller."""
    set_vai_controller(book, word_address(event.log, 1))


def set_vai_controller(book: Book, controller: Address) -> None:
    """Count VAI owed to `controller`."""
    replace(book, ("deployment",), deployment(book)._replace(vai_controller=controller))
    watch(book, controller, Role.VAI_CONTROLLER)


def liquidator_contract(book: Book, event: Event) -> None:
    """Who alone may liquidate; the zero address: anyone."""
    set_liquidator(book, word_address(event.log, 1))


def set_liquidator(book: Book, liquidator: Address) -> None:
    """Liquidate through `liquidator`."""
    replace(book, ("deployment",), deployment(book)._replace(liquidator=liquidator))
    watch(book, liquidator, Role.LIQUIDATOR)


def protocol_paused(book: Book, event: Event) -> None:
    """Everything is paused, or no longer."""
    book.put(("protocol_paused",), word(event.log, 0))


def action_paused(book: Book, event: Event) -> None:
    """ActionPausedMarket(market, action, state); the market may be the VAI controller."""
    book.put(("paused", topic_address(event.log, 1), topic_int(event.log, 2)), word(event.log, 0))


def named_action_paused(book: Book, event: Event) -> None:
    """ActionPaused(cToken, action, state) of Compound v2."""
    action = _ACTIONS.get(word_text(event.log, 1))
    if action is not None:
        book.put(("paused", word_address(event.log, 0), int(action)), word(event.log, 2))


def named_action_paused_everywhere(book: Book, event: Event) -> None:
    """ActionPaused(action, state) of Compound v2; only seizing matters to a liquidation."""
    if word_text(event.log, 0) == "Seize":
        book.put(("seize_paused",), word(event.log, 1))


def treasury_percent(book: Book, event: Event) -> None:
    """The fee of redemptions changed."""
    book.put(("redeem_fee",), word(event.log, 1))


def forced(book: Book, event: Event) -> None:
    """All debt in a market may be liquidated, or no longer."""
    book.put(("forced", meet(book, topic_address(event.log, 1))), word(event.log, 0))


def forced_for_user(book: Book, event: Event) -> None:
    """One account's debt in a market may be liquidated, or no longer."""
    account, number = topic_address(event.log, 1), meet(book, topic_address(event.log, 2))
    include(book, ("forced_accounts",), (number, account), present=bool(word(event.log, 0)))


def pool_created(book: Book, event: Event) -> None:
    """A pool with limits of its own."""
    pool = topic_int(event.log, 1)
    include(book, ("pools",), pool, present=True)
    book.put(("pool", pool), Pool())


def pool_active(book: Book, event: Event) -> None:
    """Accounts of an inactive pool are judged by the core's limits."""
    _pool(book, event, active=word(event.log, 1))


def pool_fallback(book: Book, event: Event) -> None:
    """Whether markets a pool does not list count as in the core."""
    _pool(book, event, fallback=word(event.log, 1))


def _pool(book: Book, event: Event, **changed: int) -> None:
    key = ("pool", topic_int(event.log, 1))
    pool: Pool = book.get(key, Pool())
    book.put(key, pool._replace(**changed))


def pool_market_added(book: Book, event: Event) -> None:
    """A pool lists a market, with limits yet to be set."""
    _set_pool_limits(book, event, Limits(listed=1))


def pool_market_removed(book: Book, event: Event) -> None:
    """A pool lists a market no longer."""
    _set_pool_limits(book, event, NO_LIMITS)


def _set_pool_limits(book: Book, event: Event, limits: Limits) -> None:
    pool, number = topic_int(event.log, 1), meet(book, topic_address(event.log, 2))
    book.put(("limits", pool, number), limits)


def pool_selected(book: Book, event: Event) -> None:
    """An account is judged by another pool's limits."""
    book.set_group(topic_address(event.log, 1), topic_int(event.log, 2))


def flash_loan_repaid(book: Book, event: Event) -> None:
    """A flash loan is settled: what is borrowed from now on leaves as cash again."""
    for number in numbers_by_underlying(book, topic_address(event.log, 3)):
        replace(book, ("flash_repaid", number), None)
