"""What the book remembers of an Aave v4 spoke besides the positions, and under which keys.

Every value is an int, a string, or a tuple of them, replaced as a whole, so that the book can undo and
save each change. Reserves go by the spoke's own reserve id; a reserve stands for one asset of one hub.
An account's supplied shares are its collateral leg, its drawn shares the debt leg.

| key | value |
|---|---|
| `("deployment",)` | Deployment |
| `("watched",)` | addresses whose logs must be fetched |
| `("role", address)` | Role |
| `("revision", address)` | revision of the implementation behind a spoke or hub, -1 where it tells none |
| `("reserves",)` | how many reserves the spoke has |
| `("reserve", id)` | Reserve |
| `("source", id)` | the contract its price comes from |
| `("price", source)` | what it said at the last head, USD with 8 decimals; None where it has no price |
| `("dynamic", id)` | DynamicConfig by key |
| `("gaps",)` | how often logs contradicted the book, and how first |
| `("liquidation",)` | LiquidationConfig |
| `("asset", hub, asset id)` | Asset; None where its history began before the logs and it was not read yet |
| `("line", hub, asset id)` | Line; None likewise |
| `("removed", hub, asset id)` | shares burnt by the spoke's last Remove |
| `("surplus", id)` | shares the hub credits to the spoke beyond those of its accounts, None while unknown |
| `("terms", account, id)` | Terms |
| `("risk_premium", account)` | as last stored, bps |
| `("bumped", account)` | (reserve, key before) of the last refresh of all the account's keys |
| `("symbol", underlying)` | its symbol |
| `("doubt",)` | why the book can no longer be trusted |
"""

from enum import IntEnum
from typing import NamedTuple

from keeper.protocols.base import Book
from keeper.protocols.records import follow, replace
from keeper.protocols.trust import Gaps
from keeper.types import RAY, WAD, Address

NOWHERE = Address("")


class Role(IntEnum):
    """What a contract is to the deployment."""

    SPOKE = 0
    HUB = 1
    # Never watched: present for the table of events, which says why.
    ORACLE = 2
    RATE_STRATEGY = 3


class Deployment(NamedTuple):
    """The spoke, which is the deployment, and its oracle."""

    spoke: Address
    oracle: Address = NOWHERE


class Reserve(NamedTuple):
    """A reserve as listed: `risk` in bps, `flags` of Flag, `key` of the latest dynamic configuration."""

    id: int
    hub: Address
    asset_id: int
    risk: int = 0
    flags: int = 0
    key: int = 0


class Flag(IntEnum):
    """Bits of Reserve.flags (aave.md §6.1)."""

    PAUSED = 1
    FROZEN = 2
    BORROWABLE = 4
    RECEIVE_SHARES = 8


class DynamicConfig(NamedTuple):
    """Risk parameters that accounts are pinned to by key, bps: factor, largest bonus, protocol's part."""

    factor: int = 0
    bonus: int = 0
    fee: int = 0


class LiquidationConfig(NamedTuple):
    """A spoke's own: health factors in wad, `bonus_factor` in bps."""

    target: int = WAD
    full_bonus_below: int = 0
    bonus_factor: int = 0


class Asset(NamedTuple):
    """A hub's asset as stored: token units and shares, `premium_offset` and `deficit` in ray.

    `drawn_index` and the yearly `drawn_rate` in ray, `liquidity_fee` in bps, `updated` in seconds.
    """

    underlying: Address
    decimals: int
    liquidity: int = 0
    realized_fees: int = 0
    added_shares: int = 0
    swept: int = 0
    premium_offset: int = 0
    drawn_shares: int = 0
    premium_shares: int = 0
    liquidity_fee: int = 0
    drawn_index: int = RAY
    drawn_rate: int = 0
    updated: int = 0
    rate_strategy: Address = NOWHERE
    reinvestment_controller: Address = NOWHERE
    fee_receiver: Address = NOWHERE
    deficit: int = 0


class Line(NamedTuple):
    """What one asset's hub keeps of this spoke: its totals, and the limits it grants (SpokeData)."""

    drawn_shares: int = 0
    premium_shares: int = 0
    premium_offset: int = 0
    added_shares: int = 0
    add_cap: int = 0
    draw_cap: int = 0
    premium_threshold: int = 0
    active: int = 0
    halted: int = 0
    deficit: int = 0


class Terms(NamedTuple):
    """An account in a reserve, beyond its shares: pinned configuration, and premium (offset in ray)."""

    key: int = 0
    premium_shares: int = 0
    premium_offset: int = 0


RECORD_TYPES: tuple[type, ...] = (
    Gaps,
    Deployment,
    Reserve,
    DynamicConfig,
    LiquidationConfig,
    Asset,
    Line,
    Terms,
)


def deployment(book: Book) -> Deployment:
    """The spoke and its oracle."""
    found: Deployment = book.get(("deployment",))
    return found


def reserves(book: Book) -> list[Reserve]:
    """Every reserve of the spoke, by id."""
    return [book.get(("reserve", number)) for number in range(book.get(("reserves",), 0))]


def asset_of(book: Book, reserve: Reserve) -> Asset | None:
    """The hub's asset behind a reserve, None while its state is not known."""
    found: Asset | None = book.get(("asset", reserve.hub, reserve.asset_id))
    return found


def line_of(book: Book, reserve: Reserve) -> Line | None:
    """What the hub keeps of the spoke for a reserve, None while that is not known."""
    found: Line | None = book.get(("line", reserve.hub, reserve.asset_id))
    return found


def listed(book: Book) -> list[tuple[Reserve, Asset, Line]]:
    """Every reserve whose asset is known, with what the hub keeps."""
    found = ((reserve, asset_of(book, reserve), line_of(book, reserve)) for reserve in reserves(book))
    return [(reserve, asset, line) for reserve, asset, line in found if asset and line]


def terms_of(book: Book, account: Address, reserve: int) -> Terms:
    """An account's key and premium in a reserve."""
    found: Terms = book.get(("terms", account, reserve), _NONE)
    return found


_NONE = Terms()


def config_of(book: Book, reserve: int, key: int) -> DynamicConfig:
    """A dynamic configuration; the contract reads zeros where there is none."""
    configs: tuple[DynamicConfig, ...] = book.get(("dynamic", reserve), ())
    return configs[key] if key < len(configs) else DynamicConfig()


def set_config(book: Book, reserve: int, key: int, config: DynamicConfig) -> None:
    """Enter a dynamic configuration under its key; keys count up from zero."""
    configs: tuple[DynamicConfig, ...] = book.get(("dynamic", reserve), ())
    padded = [*configs, *[DynamicConfig()] * (key + 1 - len(configs))]
    padded[key] = config
    replace(book, ("dynamic", reserve), tuple(padded))


def price_of(book: Book, reserve: int) -> int | None:
    """A reserve's price at the last head, USD with 8 decimals; None where the oracle gives none."""
    source = book.get(("source", reserve))
    found: int | None = None if source is None else book.get(("price", source))
    return found


def watch(book: Book, address: Address, role: Role) -> None:
    """Fetch the logs of `address` from now on and fold them by `role`."""
    replace(book, ("role", address), int(role))
    follow(book, address)
