"""The conversation that checks a deployment's contracts; markets come from logs."""

from keeper.errors import ConfigError
from keeper.protocols import decode
from keeper.protocols.base import Book, Reads
from keeper.protocols.decode import call
from keeper.protocols.morpho_blue.records import Role, replace, watch
from keeper.protocols.morpho_blue.rules import Settings
from keeper.types import USD, Address, checksum


def start(book: Book, morpho: Address, factory: Address | None = None) -> None:
    """What is known before anything is read."""
    replace(book, ("morpho",), morpho)
    watch(book, morpho, Role.MORPHO)
    replace(book, ("factory",), factory or "")
    if factory is not None:
        watch(book, factory, Role.FACTORY)


def open_deployment(name: str, settings: Settings, book: Book) -> Reads[None]:
    """Check what was configured and watch it.

    Raises:
        ConfigError: `morpho` does not answer like Morpho Blue, the factory belongs to another one, or
            `usd_oracle` does not quote in USD with 8 decimals.
    """
    asked = [
        call(settings.morpho, "feeRecipient()"),
        call(settings.morpho, "isLltvEnabled(uint256)", 0),
        *([call(settings.factory, "MORPHO()")] if settings.factory else []),
        *([call(settings.usd_oracle, "BASE_CURRENCY_UNIT()")] if settings.usd_oracle else []),
    ]
    recipient, enabled, *others = yield asked
    if decode.address(recipient) is None or decode.uint(enabled) is None:
        raise ConfigError(
            f"deployment {name!r}: morpho {checksum(settings.morpho)} does not answer like Morpho Blue: "
            "check the address and the chain"
        )
    if settings.factory and decode.address(others.pop(0)) != settings.morpho:
        raise ConfigError(
            f"deployment {name!r}: pre_liquidation_factory {checksum(settings.factory)} does not serve "
            f"morpho {checksum(settings.morpho)}"
        )
    if settings.usd_oracle and decode.uint(others.pop(0)) != USD:
        raise ConfigError(
            f"deployment {name!r}: usd_oracle {checksum(settings.usd_oracle)} does not quote in USD with "
            "8 decimals, as an AaveOracle does"
        )
    if book.get(("markets",), 0) and book.get(("factory",)) != (settings.factory or ""):
        raise ConfigError(
            f"deployment {name!r}: pre_liquidation_factory was not set when the stored index was built; give "
            "the deployment another name, so that it is built anew"
        )
    start(book, settings.morpho, settings.factory)
