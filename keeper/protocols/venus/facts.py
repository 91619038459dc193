"""What no event tells of a market: its underlying, and how its interest rate model works."""

from collections.abc import Sequence

from keeper.protocols import decode
from keeper.protocols.base import Book, Reads
from keeper.protocols.decode import call, uint
from keeper.protocols.records import replace
from keeper.protocols.venus.curve import Curve, read_curves
from keeper.protocols.venus.heal import heal_market
from keeper.protocols.venus.records import Facts, Role, facts_of, state_of, vtokens, watch
from keeper.types import ZERO_ADDRESS, Address

_FACTS = (
    "underlying()",
    "symbol()",
    "protocolSeizeShareMantissa()",
    "accrualBlockTimestamp()",
    "isTimeBased()",
    "interestRateModel()",
    "reduceReservesBlockDelta()",
)

COIN_DECIMALS = 18
"""Of a chain's own coin."""


def learn(book: Book, *, settle: bool) -> Reads[None]:
    """Read facts and curves where still unknown.

    With `settle`, the book stands at the block that is read: a market met since takes over what it stores,
    for logs older than its listing were not fetched.
    """
    unknown = [number for number in range(len(vtokens(book))) if facts_of(book, number) is None]
    if unknown:
        yield from _learn_facts(book, unknown)
    fresh = {*unknown, *(number for number in range(len(vtokens(book))) if state_of(book, number).block == 0)}
    for number in sorted(fresh) if settle else ():
        yield from heal_market(book, number)
    models = {book.get(("model", number)) for number in range(len(vtokens(book)))}
    yield from learn_curves(book, sorted(model for model in models if model and _is_new(book, model)))


def _is_new(book: Book, model: Address) -> bool:
    return book.get(("curve", model)) is None


def learn_curves(book: Book, models: Sequence[Address]) -> Reads[None]:
    """Read what the models say of themselves."""
    for model, curve in (yield from read_curves(models)).items():
        book.put(("curve", model), curve)


def _learn_facts(book: Book, numbers: Sequence[int]) -> Reads[None]:
    addresses = [vtokens(book)[number] for number in numbers]
    answers = yield [call(vtoken, name) for vtoken in addresses for name in _FACTS]
    said = [answers[place * len(_FACTS) : (place + 1) * len(_FACTS)] for place in range(len(numbers))]
    tokens = [decode.address(each[0]) or ZERO_ADDRESS for each in said]
    named = [token for token in dict.fromkeys(tokens) if token != ZERO_ADDRESS]
    details = yield [call(token, name) for token in named for name in ("decimals()", "symbol()")]
    rates = yield from _first_rates(book, numbers)
    decimals = {token: uint(details[2 * place]) for place, token in enumerate(named)}
    symbols = {token: decode.text(details[2 * place + 1]) for place, token in enumerate(named)}
    for number, token, answer in zip(numbers, tokens, said, strict=True):
        own = (decode.text(answer[1]) or "")[1:]  # "vBNB" and "cETH" name the coin after one letter
        known = decimals.get(token)
        facts = Facts(
            token,
            COIN_DECIMALS if known is None else known,
            symbols.get(token) or own,
            rates[number],
            uint(answer[2]) or 0,
            int(uint(answer[3]) is not None or bool(uint(answer[4]))),
        )
        replace(book, ("facts", number), facts)
        replace(book, ("payout_delta", number), uint(answer[6]))
        model = decode.address(answer[5])
        if model is not None and book.get(("model", number)) is None:
            watch(book, model, Role.MODEL)
            book.put(("model", number), model)


_FIRST_RATE_SLOTS = "initialExchangeRateMantissa()"


def _first_rates(book: Book, numbers: Sequence[int]) -> Reads[dict[int, int]]:
    """The exchange rate of an empty market: its own word, or what it says while it is empty."""
    names = (_FIRST_RATE_SLOTS, "totalSupply()", "exchangeRateStored()")
    answers = yield [call(vtokens(book)[number], name) for number in numbers for name in names]
    rates = {}
    for place, number in enumerate(numbers):
        own, supply, rate = (uint(answer) for answer in answers[3 * place : 3 * place + 3])
        rates[number] = own or (rate or 0 if supply == 0 else 0)
    return rates


def unchecked(book: Book, number: int) -> bool:
    """Whether a market's rate has to be read: its curve is unknown, or was never compared."""
    curve: Curve | None = book.get(("curve", book.get(("model", number))))
    return curve is None or not curve.checked
