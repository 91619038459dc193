"""The calls that a deployment is asked, and the words of what the executor is told."""

from keeper.protocols.base import Book
from keeper.protocols.decode import call
from keeper.protocols.morpho_blue.records import Terms, Totals, morpho, split
from keeper.types import Address, Call

_PARAMS = "(address,address,address,address,uint256)"
_MARKET = "(uint128,uint128,uint128,uint128,uint128,uint128)"


def price(oracle: Address) -> Call:
    """IOracle.price: one collateral unit in loan units, scaled by 10^36."""
    return call(oracle, "price()")


def borrow_rate(terms: Terms, stored: Totals) -> Call:
    """IIrm.borrowRateView: average rate since the last accrual, wad a second."""
    return call(terms.irm, f"borrowRateView({_PARAMS},{_MARKET})", *terms.params, *stored)


def rate_at_target(terms: Terms) -> Call:
    """AdaptiveCurveIrm.rateAtTarget."""
    return call(terms.irm, "rateAtTarget(bytes32)", int(terms.id, 16))


def market(book: Book, terms: Terms) -> Call:
    """What Morpho stores of a market, in the order of Totals."""
    return call(morpho(book), "market(bytes32)", int(terms.id, 16))


def position(book: Book, account: Address) -> Call:
    """What Morpho stores of a position: supply shares, borrow shares, collateral."""
    owner, market_id = split(account)
    return call(morpho(book), "position(bytes32,address)", int(market_id, 16), owner)


def fee_recipient(book: Book) -> Call:
    """Who gets the fee shares."""
    return call(morpho(book), "feeRecipient()")


def is_authorized(book: Book, owner: Address, operator: Address) -> Call:
    """Whether `operator` may act for `owner`."""
    return call(morpho(book), "isAuthorized(address,address)", owner, operator)


def words(*values: Address | int) -> bytes:
    """ABI encoding of static values."""
    numbers = (value if isinstance(value, int) else int(value, 16) for value in values)
    return b"".join(number.to_bytes(32, "big") for number in numbers)
