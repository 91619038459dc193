"""The conversation that makes sure of the addresses an operator gave."""

from collections.abc import Sequence

from keeper.errors import ConfigError
from keeper.protocols import decode
from keeper.protocols.base import Book, Reads
from keeper.protocols.decode import call
from keeper.protocols.euler_v2.records import Deployment, Role, watch
from keeper.protocols.records import replace
from keeper.types import ZERO_ADDRESS, Address, Call, checksum

_SOMEBODY = Address(f"0x{1:040x}")


def start(book: Book, factory: Address, connector: Address) -> None:
    """What is known before anything is read."""
    replace(book, ("deployment",), Deployment(factory, connector))
    watch(book, factory, Role.FACTORY)
    watch(book, connector, Role.CONNECTOR)


def open_deployment(name: str, factory: Address, connector: Address, book: Book) -> Reads[None]:
    """Check that the contracts are what they should be, and watch them; logs tell everything else.

    Raises:
        ConfigError: one of them is another contract, or the factory's vaults use another connector.
    """
    implementation, count, controllers = yield [
        call(factory, "implementation()"),
        call(factory, "getProxyListLength()"),
        call(connector, "getControllers(address)", _SOMEBODY),
    ]
    runs = decode.address(implementation)
    if runs is None or decode.uint(count) is None:
        raise ConfigError(
            f"deployment {name!r}: vault_factory {checksum(factory)} is no GenericFactory; "
            "write the eVaultFactory of this network"
        )
    if decode.uints(controllers) is None:
        raise ConfigError(
            f"deployment {name!r}: evc {checksum(connector)} is no EthereumVaultConnector; "
            "write the evc of this network"
        )
    if runs != ZERO_ADDRESS:
        (answer,) = yield [_connector_of(runs)]
        used = decode.address(answer)
        if used != connector:
            theirs = "none" if used is None else checksum(used)
            raise ConfigError(
                f"deployment {name!r}: evc {checksum(connector)} is not the connector of the vaults that "
                f"vault_factory makes; write theirs: {theirs}"
            )
    start(book, factory, connector)


def probe(implementations: Sequence[Address], connector: Address) -> Reads[dict[Address, bool]]:
    """Whether each of these contracts answers as an EVault of `connector`."""
    if not implementations:
        return {}
    answers = yield [_connector_of(address) for address in implementations]
    return {
        address: decode.address(answer) == connector
        for address, answer in zip(implementations, answers, strict=True)
    }


def _connector_of(implementation: Address) -> Call:
    """EVC(), with as many bytes behind it as a proxy adds: the implementation takes them off."""
    return call(implementation, "EVC()", 0, 0)
