"""The conversation that finds a deployment's contracts from its comptroller alone."""

from keeper.errors import ConfigError
from keeper.protocols import decode
from keeper.protocols.base import Book, Reads
from keeper.protocols.decode import call
from keeper.protocols.records import replace
from keeper.protocols.venus.facts import learn
from keeper.protocols.venus.fold_comptroller import set_liquidator, set_oracle, set_vai_controller
from keeper.protocols.venus.records import Deployment, Role, meet, vtokens, watch
from keeper.protocols.venus.rules import Rules
from keeper.types import ZERO_ADDRESS, Address, checksum


def start(book: Book, comptroller: Address, rules: Rules) -> None:
    """What is known before anything is read: the comptroller."""
    replace(book, ("every_price",), int(rules.prices_of_empty_markets))
    if book.get(("deployment",)) is None:
        book.put(("deployment",), Deployment(comptroller))
    watch(book, comptroller, Role.COMPTROLLER)


def open_deployment(name: str, comptroller: Address, rules: Rules, book: Book) -> Reads[None]:
    """Discover the contracts as of now and watch them; the logs from the start block rebuild the rest.

    Raises:
        ConfigError: `comptroller` is no comptroller of this kind.
    """
    functions = ("oracle()", "getAllMarkets()", "liquidatorContract()", "vaiController()")
    answers = yield [call(comptroller, function) for function in functions]
    oracle, liquidator, vai = (decode.address(answers[place]) for place in (0, 2, 3))
    markets = decode.addresses(answers[1])
    if oracle is None or markets is None:
        raise ConfigError(
            f"deployment {name!r}: comptroller {checksum(comptroller)} does not answer like a comptroller "
            f"({'oracle()' if oracle is None else 'getAllMarkets()'} gave nothing): check the address and "
            "the chain"
        )
    if rules.protocol == "venus" and liquidator is None:
        raise ConfigError(
            f"deployment {name!r}: comptroller {checksum(comptroller)} knows no liquidatorContract(), "
            'which Venus has: write protocol = "compound-v2"'
        )
    restored = bool(vtokens(book))
    start(book, comptroller, rules)
    set_oracle(book, oracle)
    set_liquidator(book, liquidator or ZERO_ADDRESS)
    set_vai_controller(book, vai or ZERO_ADDRESS)
    for vtoken in markets:
        meet(book, vtoken)
    if not restored:  # what a restored book does not know yet is learnt, with all it stores, at the head
        yield from learn(book, settle=False)
