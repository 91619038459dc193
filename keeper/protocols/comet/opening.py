"""The conversation that reads a comet's terms from its address alone, and again after an upgrade.

Both generations answer alike: the classic one keeps its assets in immutables, the one with the extended
asset list in a contract of its own, which getAssetInfo hides.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence

from keeper.errors import ConfigError, Degraded
from keeper.protocols.base import Book, Reads
from keeper.protocols.comet.math import Curve
from keeper.protocols.comet.records import Collateral, Terms, number_of, order
from keeper.protocols.decode import address, call, text, uint
from keeper.protocols.records import replace
from keeper.types import Address, checksum

_CURVES = tuple(
    f"{side}{what}()"
    for side in ("supply", "borrow")
    for what in (
        "Kink",
        "PerSecondInterestRateSlopeLow",
        "PerSecondInterestRateSlopeHigh",
        "PerSecondInterestRateBase",
    )
)
_FIXED = (
    "baseToken()",
    "baseTokenPriceFeed()",
    "baseScale()",
    "storeFrontPriceFactor()",
    "targetReserves()",
    "numAssets()",
)
MOST_ASSETS = 24

_QUOTE = re.compile(r"/\s*([A-Za-z]+)")


def start(book: Book, contract: Address, base: Address) -> None:
    """What is known before anything is folded: the contract, its row, and the base token's number."""
    replace(book, ("comet",), contract)
    number_of(book, base)
    if book.row(contract) is None:
        book.set_group(contract, 0)  # the account under whose name collateral in reserves is sold


def open_deployment(name: str, contract: Address, book: Book) -> Reads[None]:
    """Read the terms as of now.

    Raises:
        ConfigError: `contract` is no comet.
    """
    try:
        yield from read_terms(book, contract)
    except Degraded as error:
        raise ConfigError(
            f"deployment {name!r}: comet {checksum(contract)} does not answer like a comet ({error}): check "
            "the address and the chain"
        ) from None


def read_terms(book: Book, contract: Address) -> Reads[None]:
    """Everything the implementation fixes, and what its feeds quote in.

    Raises:
        Degraded: a view is missing; says which.
    """
    answers = yield [call(contract, function) for function in (*_FIXED, *_CURVES)]
    numbers = dict(zip((*_FIXED, *_CURVES), answers, strict=True))
    base, feed = address(numbers["baseToken()"]), address(numbers["baseTokenPriceFeed()"])
    values = {name: uint(answer) for name, answer in numbers.items()}
    missing = [name for name, value in values.items() if value is None]
    if missing or base is None or feed is None:
        raise Degraded(f"{missing[0] if missing else 'baseToken()'} gave nothing")
    known = {name: value for name, value in values.items() if value is not None}
    start(book, contract, base)
    curves = [known[name] for name in _CURVES]
    yield from _read_collaterals(book, contract, known["numAssets()"])
    replace(
        book,
        ("terms",),
        Terms(
            scale=known["baseScale()"],
            feed=feed,
            supply=Curve(*curves[:4]),
            borrow=Curve(*curves[4:]),
            storefront=known["storeFrontPriceFactor()"],
            target=known["targetReserves()"],
        ),
    )
    yield from _read_names(book, feed)


def _read_collaterals(book: Book, contract: Address, count: int) -> Reads[None]:
    if count > MOST_ASSETS:
        raise Degraded(f"numAssets() gave {count}")
    answers = (
        (yield [call(contract, "getAssetInfo(uint8)", place) for place in range(count)]) if count else ()
    )
    listed = [_collateral(answer) for answer in answers]
    numbers = [number_of(book, token) for token, _ in listed]
    for dropped in set(order(book)) - set(numbers):
        book.put(("collateral", dropped), None)
    for number, (_, info) in zip(numbers, listed, strict=True):
        replace(book, ("collateral", number), info)
    replace(book, ("order",), tuple(numbers))


def _collateral(answer: bytes | None) -> tuple[Address, Collateral]:
    """CometCore.AssetInfo: offset, asset, priceFeed, scale, three factors, supplyCap."""
    token, feed = address(answer, 1), address(answer, 2)
    numbers = [uint(answer, position) for position in (3, 4, 5, 6)]
    values = [number for number in numbers if number is not None]
    if token is None or feed is None or len(values) < len(numbers):
        raise Degraded("getAssetInfo(uint8) gave nothing")
    return token, Collateral(feed, *values)


def _read_names(book: Book, feed: Address) -> Reads[None]:
    """Symbols of the tokens, and the unit that most feeds name in their descriptions."""
    numbers = [0, *order(book)]
    collaterals: list[Collateral] = [book.get(("collateral", number)) for number in order(book)]
    feeds = [feed, *(collateral.feed for collateral in collaterals)]
    answers = yield [
        *(call(book.get(("asset", number)), "symbol()") for number in numbers),
        *(call(each, "description()") for each in feeds),
    ]
    for number, answer in zip(numbers, answers, strict=False):
        replace(book, ("symbol", number), text(answer) or "")
    replace(book, ("unit",), unit_of([text(answer) or "" for answer in answers[len(numbers) :]]))


def unit_of(descriptions: Sequence[str]) -> str:
    """What feeds so described quote in: "wstETH / ETH price feed" says ETH; nothing said means USD."""
    quotes: Iterable[str] = (match[1].upper() for each in descriptions if (match := _QUOTE.search(each)))
    ranked = Counter(quotes).most_common(1)
    return ranked[0][0] if ranked else "USD"
