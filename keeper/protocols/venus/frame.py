"""Numbers of every market at one block: as stored, and as a transaction finds those it touches.

A liquidation accrues the market of the debt and that of the collateral. All others it sees as stored, so
both states are kept side by side.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from keeper.protocols.base import Book
from keeper.protocols.venus.curve import Curve, borrow_rate
from keeper.protocols.venus.math import accrue, collateral_weight, exchange_rate
from keeper.protocols.venus.records import (
    CORE,
    Action,
    Deployment,
    Facts,
    Limits,
    Pool,
    Split,
    State,
    VaiIndex,
    deployment,
    facts_of,
    limits_of,
    state_of,
    vtokens,
)
from keeper.protocols.venus.rules import Rules
from keeper.types import ZERO_ADDRESS, Address

PRICE_DECIMALS = 28
"""An oracle price has 36 - decimals, one in USD has 8: they differ by 10^(28 - decimals)."""

HIGHEST_RATE = 5 * 10**12
"""borrowRateMaxMantissa of VToken and CToken: at a higher rate a block, accrueInterest reverts."""

UNKNOWN = Facts(ZERO_ADDRESS, 18, "")


@dataclass(frozen=True, slots=True)
class View:
    """A market in one of its two states; `rate` is the exchange rate, wad."""

    state: State
    rate: int


@dataclass(frozen=True, slots=True)
class MarketFrame:
    """One market. `price` scaled by 10^(36 - decimals), 0 where the oracle gives none.

    A `stuck` market cannot accrue, so nothing can be done in it.
    """

    number: int
    vtoken: Address
    facts: Facts
    listed: bool
    price: int
    stored: View
    accrued: View
    paused: frozenset[int]
    forced: bool
    stuck: bool

    @property
    def native(self) -> bool:
        """Whether the underlying is the chain's own coin, which has no token address."""
        return self.facts.underlying == ZERO_ADDRESS


@dataclass(frozen=True, slots=True)
class Weights:
    """A pool's view of the markets, by number: limits, and what a vToken unit counts for."""

    limits: tuple[Limits, ...]
    stored: tuple[int, ...]
    accrued: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class VenusFrame:
    """`number` is the block's. `pools` by pool id; wads: close factor, fee of a redemption.

    `forced_accounts` are (market number, account); only whom `allowed` names, as (account, liquidator), may
    liquidate a `restricted` account. `prices` are those given in place of the oracle's.
    """

    rules: Rules
    timestamp: int
    number: int
    contracts: Deployment
    markets: tuple[MarketFrame, ...]
    pools: Mapping[int, Weights]
    close_factor: int
    redeem_fee: int
    paused: bool
    seize_paused: bool
    split: Split
    vai: VaiIndex | None
    vai_paused: bool
    forced_accounts: frozenset[tuple[int, Address]]
    restricted: frozenset[Address]
    allowed: frozenset[tuple[Address, Address]]
    prices: Mapping[Address, int]

    def weights(self, pool: int) -> Weights:
        """Weights for accounts of a pool; one never heard of has the core's."""
        return self.pools.get(pool) or self.pools[CORE]


def build(book: Book, rules: Rules, timestamp: int, number: int, prices: Mapping[Address, int]) -> VenusFrame:
    """Project the book to a block; `prices` (USD, 8 decimals) replace the oracle's where given."""
    count = len(vtokens(book))
    markets = tuple(_market(book, each, timestamp, number, prices) for each in range(count))
    contracts = deployment(book)
    pools: dict[int, Pool] = {pool: book.get(("pool", pool)) for pool in book.get(("pools",), ())}
    paused = book.get(("paused", contracts.vai_controller, int(Action.LIQUIDATE)), 0)
    return VenusFrame(
        rules=rules,
        timestamp=timestamp,
        number=number,
        contracts=contracts,
        markets=markets,
        pools={pool: _weights(book, pool, pools, markets) for pool in (CORE, *pools)},
        close_factor=book.get(("close_factor",), 0),
        redeem_fee=book.get(("redeem_fee",), 0),
        paused=bool(book.get(("protocol_paused",), 0)),
        seize_paused=bool(book.get(("seize_paused",), 0)),
        split=book.get(("split",), Split()),
        vai=book.get(("vai",)),
        vai_paused=bool(paused),
        forced_accounts=frozenset(book.get(("forced_accounts",), ())),
        restricted=frozenset(book.get(("restricted",), ())),
        allowed=frozenset(book.get(("allowed",), ())),
        prices=prices,
    )


def _market(
    book: Book, number: int, timestamp: int, block: int, prices: Mapping[Address, int]
) -> MarketFrame:
    vtoken = vtokens(book)[number]
    facts = facts_of(book, number) or UNKNOWN
    stored = state_of(book, number)
    accrued = project(book, number, stored, timestamp, block)
    price: int = book.get(("price", number)) or 0
    override = prices.get(address_of(facts, vtoken))
    if override is not None:
        price = override * 10 ** (PRICE_DECIMALS - facts.decimals)
    actions = (Action.REDEEM, Action.BORROW, Action.REPAY, Action.SEIZE, Action.LIQUIDATE)
    return MarketFrame(
        number=number,
        vtoken=vtoken,
        facts=facts,
        listed=bool(book.get(("listed", number), 0)),
        price=price,
        stored=View(stored, exchange_rate(stored, facts.first_rate)),
        accrued=View(accrued, exchange_rate(accrued, facts.first_rate)),
        paused=frozenset(int(each) for each in actions if book.get(("paused", vtoken, int(each)), 0)),
        forced=bool(book.get(("forced", number), 0)),
        stuck=not facts.timed
        and block > stored.block
        and (rate_of(book, number, stored) or 0) > HIGHEST_RATE,
    )


def project(book: Book, number: int, state: State, timestamp: int, block: int) -> State:
    """A market accrued to a block; as stored while the rate is not known."""
    rate = rate_of(book, number, state)
    timed = (facts_of(book, number) or UNKNOWN).timed
    elapsed = timestamp - state.time if timed else block - state.block
    accrued = accrue(state, rate or 0, elapsed)
    if elapsed > 0 and _pays_out(book, number, block):
        paid = min(accrued.cash, accrued.reserves)
        accrued = accrued._replace(cash=accrued.cash - paid, reserves=accrued.reserves - paid)
    return accrued._replace(block=max(block, state.block), time=max(timestamp, state.time))


def _pays_out(book: Book, number: int, block: int) -> bool:
    """Whether an accrual in `block` pays the reserves out (VToken.accrueInterest of Venus).

    A payout of nothing leaves no trace, so one may be expected too early: that only makes cash scarcer.
    """
    delta: int | None = book.get(("payout_delta", number))
    last: int = book.get(("payout_block", number), 0)
    return delta is not None and block - last >= delta


def rate_of(book: Book, number: int, state: State) -> int | None:
    """Borrow rate at a state, by the model's own formula where it is known, else as last read."""
    curve: Curve | None = book.get(("curve", book.get(("model", number))))
    rate = borrow_rate(curve, state.cash, state.borrows, state.reserves) if curve else None
    if rate is None:
        rate = book.get(("rate", number))
    return rate


def address_of(facts: Facts, vtoken: Address) -> Address:
    """What a market's underlying is called: its token, or the vToken where it is the chain's coin."""
    return vtoken if facts.underlying == ZERO_ADDRESS else facts.underlying


def _weights(book: Book, pool: int, pools: Mapping[int, Pool], markets: tuple[MarketFrame, ...]) -> Weights:
    limits = tuple(effective_limits(book, pool, pools, market.number) for market in markets)
    pairs = list(zip(limits, markets, strict=True))
    return Weights(
        limits,
        tuple(collateral_weight(each.threshold, market.stored.rate, market.price) for each, market in pairs),
        tuple(collateral_weight(each.threshold, market.accrued.rate, market.price) for each, market in pairs),
    )


def effective_limits(book: Book, pool: int, pools: Mapping[int, Pool], number: int) -> Limits:
    """MarketFacet.getLiquidationParams; the incentive of Compound v2 is one for all markets."""
    core = limits_of(book, CORE, number)
    core = core if core.incentive else core._replace(incentive=book.get(("incentive",), 0))
    settings = pools.get(pool)
    if pool == CORE or settings is None or not settings.active:
        return core
    own = limits_of(book, pool, number)
    return core if not own.listed and settings.fallback else own


def usd(mantissa: int, decimals: int) -> int | None:
    """An oracle price in USD with 8 decimals per whole token, None where there is none."""
    return mantissa // 10 ** (PRICE_DECIMALS - decimals) if mantissa else None
