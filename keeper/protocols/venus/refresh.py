"""What logs do not carry, read at the head: prices, cash, rates of unknown models, the Liquidator's split."""

from keeper.errors import ConfigError
from keeper.protocols import decode
from keeper.protocols.base import Book, Reads
from keeper.protocols.decode import call, uint
from keeper.protocols.records import replace
from keeper.protocols.venus.curve import UNKNOWN, Curve, Kind, borrow_rate
from keeper.protocols.venus.facts import learn, unchecked
from keeper.protocols.venus.records import Split, deployment, number_of, state_of, vtokens
from keeper.protocols.venus.vai import refresh_vai
from keeper.types import ZERO_ADDRESS, Address, BlockRef, Call

_SPLIT = ("treasuryPercentMantissa()", "minLiquidatableVAI()", "forceVAILiquidate()")
_OTHER_MARKETS = "the comptroller has markets that the logs since start_block do not list"
_RATES = ("borrowRatePerBlock()", "borrowRatePerTimestamp()")


def refresh(name: str, book: Book, block: BlockRef) -> Reads[None]:
    """Read at `block`, the one just folded, and compare the list of markets while there.

    Raises:
        ConfigError: the comptroller has markets but the logs since the start block list none.
    """
    yield from learn(book, settle=True)
    yield from refresh_vai(book, block.number)
    contracts = deployment(book)
    rates = [number for number in range(len(vtokens(book))) if unchecked(book, number)]
    answers = yield [
        call(contracts.comptroller, "getAllMarkets()"),
        *(call(contracts.oracle, "getUnderlyingPrice(address)", vtoken) for vtoken in vtokens(book)),
        *(call(vtoken, "getCash()") for vtoken in vtokens(book)),
        *(call(vtokens(book)[number], each) for number in rates for each in _RATES),
        *_split_calls(book),
    ]
    count = len(vtokens(book))
    _check_markets(name, book, decode.addresses(answers[0]))
    for number in range(count):
        replace(book, ("price", number), uint(answers[1 + number]) or None)
        _take_cash(book, number, uint(answers[1 + count + number]))
    rest = answers[1 + 2 * count :]
    for place, number in enumerate(rates):
        blocks, seconds = (uint(answer) for answer in rest[2 * place : 2 * place + 2])
        _take_rate(book, number, seconds if blocks is None else blocks)
    if contracts.liquidator != ZERO_ADDRESS:
        treasury, minimum, first = (uint(answer) or 0 for answer in rest[2 * len(rates) :])
        replace(book, ("split",), Split(treasury, minimum, first))


def _split_calls(book: Book) -> list[Call]:
    liquidator = deployment(book).liquidator
    return [] if liquidator == ZERO_ADDRESS else [call(liquidator, name) for name in _SPLIT]


def _take_cash(book: Book, number: int, cash: int | None) -> None:
    """Where cash is the market's token balance, gifts change it without any event of the market."""
    if cash is not None:
        replace(book, ("state", number), state_of(book, number)._replace(cash=cash))


def _take_rate(book: Book, number: int, rate: int | None) -> None:
    """Hold the curve against the model's own word; one that says otherwise is not known, only read."""
    if rate is None:
        return
    model, state = book.get(("model", number)), state_of(book, number)
    curve: Curve = book.get(("curve", model), UNKNOWN)
    if curve.kind != Kind.UNKNOWN and borrow_rate(curve, state.cash, state.borrows, state.reserves) == rate:
        book.put(("curve", model), curve._replace(checked=1))
    else:
        replace(book, ("curve", model), UNKNOWN)
        replace(book, ("rate", number), rate)


def _check_markets(name: str, book: Book, actual: list[Address] | None) -> None:
    listed = [number for number in range(len(vtokens(book))) if book.get(("listed", number))]
    if actual and not listed:
        raise ConfigError(
            f"deployment {name!r}: the comptroller has {len(actual)} markets, but the logs since start_block "
            "list none: start_block must not be later than the block the comptroller was deployed in"
        )
    if actual is not None:
        strange = any(number_of(book, vtoken) is None for vtoken in actual)
        replace(book, ("doubt",), _OTHER_MARKETS if strange else None)
