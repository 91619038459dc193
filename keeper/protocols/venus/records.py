"""What the book remembers of a comptroller and its markets besides the positions, and under which keys.

Every value is an int, a string, or a tuple of them, replaced as a whole, so that the book can undo
and save each change. Markets go by the number under which they were first met. A leg's quantity is the
vToken balance on the collateral side (its flag: the account has entered the market); on the debt side it
is principal * 1e36 / interest index rounded up, which serves screens only: the exact pair is a Loan.

| key | value |
|---|---|
| `("deployment",)` | Deployment |
| `("watched",)` | addresses whose logs must be fetched |
| `("role", address)` | Watched |
| `("vtokens",)` | vToken address by market number |
| `("listed", number)` | 1 while the comptroller lists the market |
| `("state", number)` | State |
| `("facts", number)` | Facts, None until read |
| `("model", number)` | interest rate model |
| `("curve", model)` | Curve, None until read |
| `("rate", number)` | borrow rate (wad a block or second) as last read, where the curve is not known |
| `("price", number)` | what the oracle last said, scaled by 10^(36 - decimals); None while unknown |
| `("posted", oracle, underlying)` | the price an oracle said it was given, the same scale |
| `("limits", pool, number)` | Limits of a market in a pool; pool 0 is the core |
| `("pools",)`, `("pool", pool)` | pools that were created; Pool |
| `("close_factor",)`, `("incentive",)` | wad; the second where one holds for all markets (Compound v2) |
| `("redeem_fee",)` | Venus' treasuryPercent, wad |
| `("protocol_paused",)`, `("seize_paused",)` | 1 or 0 |
| `("paused", address, action)` | 1 while an action of a market (or of the VAI controller) is paused |
| `("forced", number)`, `("forced_accounts",)` | 1 while liquidation needs no shortfall; (market number, account) of single accounts |
| `("loan", account, number)` | Loan |
| `("received", number)` | vTokens last sent to the market itself |
| `("reduced", number)` | Reduction announced before the accrual it belongs to, None without |
| `("payout_delta", number)`, `("payout_block", number)` | blocks after which an accrual pays the reserves out, None where it never does; when it last did |
| `("flash_lent", number)` | token units of the last flash loan |
| `("flash_repaid", number)` | transaction of a flash loan whose rest becomes debt, None outside of one |
| `("split",)` | Split |
| `("restricted",)`, `("allowed",)` | the Liquidator's restrictions: accounts; who may nevertheless, (account, liquidator) |
| `("vai_accrued",)` | block of the last event that comes with an accrual of VAI interest |
| `("vai",)`, `("vai_loan", account)`, `("vai_borrowers",)`, `("vai_unread",)` | VaiIndex; VaiLoan; accounts that ever owed VAI; those whose loan changed since it was read |
| `("every_price",)` | 1 where a market that was entered needs a price though the account has nothing in it |
| `("doubt",)` | why the book can no longer be trusted |
"""  # noqa: E501 (a table row is one line)

from enum import IntEnum
from typing import NamedTuple

from keeper.protocols.base import Book
from keeper.protocols.records import follow, replace
from keeper.types import WAD, ZERO_ADDRESS, Address

CORE = 0
"""The pool every account is in that selected no other."""

SCALE = 10**36
"""Of the quantity of a debt leg."""


class Role(IntEnum):
    """What a contract is to the deployment."""

    COMPTROLLER = 0
    V_TOKEN = 1
    ORACLE = 2
    MODEL = 3
    VAI_CONTROLLER = 4
    LIQUIDATOR = 5


class Action(IntEnum):
    """ComptrollerInterface.Action; only what a liquidation meets, and borrowing."""

    REDEEM = 1
    BORROW = 2
    REPAY = 3
    SEIZE = 4
    LIQUIDATE = 5


class Watched(NamedTuple):
    """Role of a contract; `number` is the market's of a vToken, -1 for all others."""

    role: int
    number: int


class Deployment(NamedTuple):
    """The contracts a comptroller points to; the zero address where there is none."""

    comptroller: Address
    oracle: Address = ZERO_ADDRESS
    liquidator: Address = ZERO_ADDRESS
    vai_controller: Address = ZERO_ADDRESS


class State(NamedTuple):
    """A market as stored: token units, `borrow_index` and `reserve_factor` in wad; when it last accrued."""

    cash: int = 0
    borrows: int = 0
    reserves: int = 0
    supply: int = 0
    borrow_index: int = WAD
    reserve_factor: int = 0
    block: int = 0
    time: int = 0


class Facts(NamedTuple):
    """What never changes. `underlying` is the zero address where the market is of the chain's own coin.

    `seize_share` (wad) of what is seized goes to the reserves (Compound v2); `first_rate` is the exchange
    rate of an empty market; interest of a `timed` market counts in seconds.
    """

    underlying: Address
    decimals: int
    symbol: str
    first_rate: int = 0
    seize_share: int = 0
    timed: int = 0


class Limits(NamedTuple):
    """How much collateral counts, and what liquidators get of it: wad. Compound v2 has one factor."""

    factor: int = 0
    threshold: int = 0
    incentive: int = 0
    listed: int = 0


class Pool(NamedTuple):
    """A pool with limits of its own. With `fallback`, markets it does not list count as in the core."""

    active: int = 1
    fallback: int = 0


class Loan(NamedTuple):
    """BorrowSnapshot: what was owed when the borrow index was `interest_index` (wad), token units."""

    principal: int
    interest_index: int


class Reduction(NamedTuple):
    """Reserves paid out in `block` while interest accrues."""

    block: int
    amount: int
    reserves: int


class Split(NamedTuple):
    """The Liquidator: its share of the bonus (wad), and from which VAI debt on VAI goes first."""

    treasury: int = 0
    vai_minimum: int = 0
    vai_first: int = 0


class VaiIndex(NamedTuple):
    """The VAI controller's mint index as stored, its growth a block, and since when it stands."""

    mint_index: int
    rate: int
    block: int


class VaiLoan(NamedTuple):
    """VAI minted against the account, the part of it that is old interest, and the index then."""

    minted: int
    past: int
    interest_index: int


def deployment(book: Book) -> Deployment:
    """The deployment's contracts, as far as known."""
    found: Deployment = book.get(("deployment",))
    return found


def vtokens(book: Book) -> tuple[Address, ...]:
    """Addresses of the vTokens by market number."""
    found: tuple[Address, ...] = book.get(("vtokens",), ())
    return found


def number_of(book: Book, vtoken: Address) -> int | None:
    """Number of a known vToken, None for any other address."""
    watched: Watched | None = book.get(("role", vtoken))
    return watched.number if watched and watched.role == Role.V_TOKEN else None


def state_of(book: Book, number: int) -> State:
    """A market as stored."""
    found: State = book.get(("state", number))
    return found


def facts_of(book: Book, number: int) -> Facts | None:
    """What is known of a market for good, None until read."""
    found: Facts | None = book.get(("facts", number))
    return found


def limits_of(book: Book, pool: int, number: int) -> Limits:
    """Limits of a market in a pool."""
    found: Limits = book.get(("limits", pool, number), NO_LIMITS)
    return found


NO_LIMITS = Limits()


def include(book: Book, key: tuple[str | int, ...], member: object, *, present: bool) -> None:
    """Have `member` among the members of a record, or not among them."""
    members: tuple[object, ...] = book.get(key, ())
    if present != (member in members):
        book.put(key, (*members, member) if present else tuple(each for each in members if each != member))


def watch(book: Book, address: Address, role: Role, number: int = -1) -> None:
    """Fetch the logs of `address` from now on and fold them by `role`."""
    if address == ZERO_ADDRESS:
        return
    replace(book, ("role", address), Watched(int(role), number))
    follow(book, address)


def meet(book: Book, vtoken: Address) -> int:
    """The number of a vToken, which is watched from now on."""
    number = number_of(book, vtoken)
    if number is None:
        number = len(vtokens(book))
        book.put(("vtokens",), (*vtokens(book), vtoken))
        book.put(("state", number), State())
        watch(book, vtoken, Role.V_TOKEN, number)
    return number


def set_loan(book: Book, account: Address, number: int, loan: Loan) -> None:
    """Enter what an account owes."""
    replace(book, ("loan", account, number), loan)


RECORD_TYPES: tuple[type, ...] = (
    Watched,
    Deployment,
    State,
    Facts,
    Limits,
    Pool,
    Loan,
    Reduction,
    Split,
    VaiIndex,
    VaiLoan,
)
