"""The conversation that finds a deployment's contracts from its spoke alone."""

from collections.abc import Sequence

from keeper.errors import ConfigError
from keeper.protocols import decode
from keeper.protocols.aave_v4 import answers
from keeper.protocols.aave_v4.implementations import Implementation, probe
from keeper.protocols.aave_v4.records import Deployment, Role, watch
from keeper.protocols.base import Book, Reads
from keeper.protocols.decode import call
from keeper.protocols.records import replace
from keeper.types import ZERO_ADDRESS, Address, checksum

_DECIMALS = 8
_MOST_RESERVES = 2**16


def start(book: Book, spoke: Address, oracle: Address) -> None:
    """What is known before any log: the spoke and its oracle."""
    replace(book, ("deployment",), Deployment(spoke, oracle))
    watch(book, spoke, Role.SPOKE)


def open_deployment(name: str, spoke: Address, hub: Address | None, book: Book) -> Reads[None]:
    """Discover the contracts as of now and watch them: the hubs are those of the spoke's reserves.

    State is not read: the logs from the start block rebuild it. `hub` is watched besides, for a spoke
    that lists nothing yet.

    Raises:
        ConfigError: `spoke` is no spoke of Aave v4 or its oracle does not quote in 8 decimals, or `hub`
            is no hub.
    """
    count, oracle = yield from _spoke(name, spoke)
    start(book, spoke, oracle)
    found = (yield [answers.get_reserve(spoke, number) for number in range(count)]) if count else ()
    listed = [answers.reserve(answer, number) for number, answer in enumerate(found)]
    hubs = list(dict.fromkeys([each.hub for each in listed if each] + ([hub] if hub else [])))
    facts = yield from probe([spoke, *hubs])
    if hub is not None:
        yield from _check_hub(name, hub)
    for address in hubs:
        watch(book, address, Role.HUB)
    _set_revisions(book, spoke, hubs, facts)


def _spoke(name: str, spoke: Address) -> Reads[tuple[int, Address]]:
    results = yield [call(spoke, "getReserveCount()"), call(spoke, "ORACLE()")]
    count, oracle = decode.uint(results[0]), decode.address(results[1])
    if count is None or oracle in (None, ZERO_ADDRESS) or count > _MOST_RESERVES:
        raise ConfigError(
            f"deployment {name!r}: spoke {checksum(spoke)} does not answer like a spoke of Aave v4 "
            "(getReserveCount, ORACLE): check the address and the chain"
        )
    assert oracle is not None
    (decimals,) = yield [call(oracle, "decimals()")]
    if decode.uint(decimals) != _DECIMALS:
        raise ConfigError(
            f"deployment {name!r}: the oracle {checksum(oracle)} of the spoke does not quote with 8 decimals"
        )
    return count, oracle


def _check_hub(name: str, hub: Address) -> Reads[None]:
    (count,) = yield [call(hub, "getAssetCount()")]
    if decode.uint(count) is None:
        raise ConfigError(
            f"deployment {name!r}: hub {checksum(hub)} does not answer like a hub of Aave v4 "
            "(getAssetCount): leave it out, the spoke's reserves name its hubs"
        )


def _set_revisions(
    book: Book, spoke: Address, hubs: Sequence[Address], facts: dict[Address, Implementation]
) -> None:
    """A restored book is older than what was just read; its logs tell when that came about."""
    revisions = {spoke: facts[spoke].spoke} | {hub: facts[hub].hub for hub in hubs}
    for address, revision in revisions.items():
        if book.get(("revision", address)) is None:
            book.put(("revision", address), -1 if revision is None else revision)
