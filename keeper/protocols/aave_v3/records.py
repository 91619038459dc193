"""What the book remembers of an Aave v3 deployment besides the positions, and under which keys.

Every value is an int, a string, or a tuple of them, replaced as a whole, so that the book can undo
and save each change. Reserves go by their id, the bit position the pool itself uses.

| key | value |
|---|---|
| `("deployment",)` | Deployment |
| `("watched",)` | addresses whose logs must be fetched |
| `("role", address)` | Watched |
| `("reserves",)` | asset address by reserve id, "" where a reserve was dropped |
| `("id", asset)` | reserve id, None once dropped |
| `("reserve", id)` | Reserve |
| `("configuration", id)` | the reserve's configuration bitmap, exactly as in the pool |
| `("accrual", id)` | Accrual |
| `("scaled_debt", id)` | total scaled variable debt |
| `("price", id)` | oracle price at the last head, USD with 8 decimals; None while unknown |
| `("deficit", id)`, `("grace", id)`, `("liquidity", id)` | booked bad debt; end of the liquidation grace period; underlying that can be paid out, None while unknown |
| `("emodes",)`, `("emode", category)`, `("emode_price", category)` | known categories; EModeCategory; its price, USD with 8 decimals, where it has a source of its own |
| `("loans", account)`, `("borrowers_at_stable_rates",)` | StableLoans by reserve; accounts that ever had one |
| `("release",)`, `("configurator",)` | revision of the pool and of its configurator |
| `("discounts", id)` | 1 while the debt token gives discounts, so that its events do not say what is owed |
| `("reread", id)` | 1 until debts are read again that events did not say |
| `("verified", token)` | 1 once the token was seen to be of the revision it is taken for |
| `("moved", token)` | amount of its last ERC-20 Transfer between accounts |
| `("token", address)` | Token |
| `("symbol", asset)` | the underlying's own symbol |
| `("source", oracle, asset)`, `("fallback", oracle)`, `("fallback_price", asset)` | price source; the oracle asked where it has no answer above zero, and its price where it is needed |
| `("priced_by", id)` | the source that `("price", id)` comes from |
| `("oracle", source)`, `("probed", source)`, `("distrusted", source)` | what the source answers and why (keeper.protocols.oracles); 1 once it was asked; 1 once it was seen to answer otherwise |
| `("premium",)` | flash loan premium, bps |
| `("sentinel_allows",)` | 1 or 0 |
| `("doubt",)` | why the book can no longer be trusted |
| `("gaps",)` | how often logs contradicted the book, and how first |
"""  # noqa: E501 (a table row is one line)

from enum import IntEnum
from typing import NamedTuple

from keeper.protocols.base import Book
from keeper.protocols.oracles import kinds
from keeper.protocols.records import follow, replace
from keeper.protocols.trust import Gaps
from keeper.types import RAY, ZERO_ADDRESS, Address

NOWHERE = Address("")


class Role(IntEnum):
    """What a contract is to the deployment."""

    PROVIDER = 0
    POOL = 1
    CONFIGURATOR = 2
    ORACLE = 3
    A_TOKEN = 4
    V_TOKEN = 5
    FEED = 6
    # Tokens up to v3.4, and the stable debt tokens of v3.0 and v3.1.
    HALF_UP_A_TOKEN = 10
    HALF_UP_V_TOKEN = 11
    STABLE_TOKEN = 12
    # Never watched: present for the table of events, which says why.
    ACL_MANAGER = 7
    SENTINEL = 8
    RATE_STRATEGY = 9


class Watched(NamedTuple):
    """Role of a contract; `reserve` is the reserve id of a token, -1 for all others."""

    role: int
    reserve: int


class Deployment(NamedTuple):
    """The contracts a PoolAddressesProvider points to; empty while unknown."""

    provider: Address
    pool: Address = NOWHERE
    configurator: Address = NOWHERE
    oracle: Address = NOWHERE
    sentinel: Address = ZERO_ADDRESS


class Reserve(NamedTuple):
    """Identity of a listed asset."""

    id: int
    asset: Address
    a_token: Address
    v_token: Address
    decimals: int


class Accrual(NamedTuple):
    """DataTypes.ReserveData: indexes and yearly rates in ray as stored, `updated` in seconds."""

    liquidity_index: int = RAY
    liquidity_rate: int = 0
    borrow_index: int = RAY
    borrow_rate: int = 0
    updated: int = 0


class EModeCategory(NamedTuple):
    """DataTypes.EModeCategory: bps, and bitmaps over reserve ids.

    `price_source` is what the oracle is asked for instead of the members, the zero address for none (up
    to v3.1); an `isolated` category allows only its members as collateral (since v3.7).
    """

    ltv: int = 0
    threshold: int = 0
    bonus: int = 0
    collateral: int = 0
    borrowable: int = 0
    ltvzero: int = 0
    price_source: Address = ZERO_ADDRESS
    isolated: int = 0


class StableLoan(NamedTuple):
    """Debt at a stable rate: principal in token units as of `updated` (seconds), yearly rate in ray."""

    reserve: int
    principal: int
    rate: int
    updated: int


class Token(NamedTuple):
    """What an aToken or variable debt token said of itself when it was initialised."""

    decimals: int
    symbol: str
    treasury: Address


RECORD_TYPES: tuple[type, ...] = (
    Gaps,
    Watched,
    Deployment,
    Reserve,
    Accrual,
    EModeCategory,
    StableLoan,
    Token,
    *kinds.RECORD_TYPES,
)


def deployment(book: Book) -> Deployment:
    """The deployment's contracts, as far as known."""
    found: Deployment = book.get(("deployment",))
    return found


def slots(book: Book) -> tuple[Address, ...]:
    """Asset address by reserve id, empty where a reserve was dropped."""
    found: tuple[Address, ...] = book.get(("reserves",), ())
    return found


def listed(book: Book) -> list[tuple[int, Address]]:
    """(reserve id, asset) of every listed reserve."""
    return [(number, asset) for number, asset in enumerate(slots(book)) if asset]


def reserve_id(book: Book, asset: Address) -> int | None:
    """Id of a listed asset, None for any other."""
    found: int | None = book.get(("id", asset))
    return found


def watch(book: Book, address: Address, role: Role, reserve: int = -1) -> None:
    """Fetch the logs of `address` from now on and fold them by `role`."""
    replace(book, ("role", address), Watched(int(role), reserve))
    follow(book, address)
