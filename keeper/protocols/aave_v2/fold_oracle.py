"""AaveOracle events: sources, and the asset that is the currency.

The oracle says one whole unit of ether for wrapped ether whatever its source (AaveOracle.getAssetPrice).
The book therefore has the oracle itself as the source of that asset, with a fixed answer.
"""

from keeper.protocols.aave_v2.event import Event
from keeper.protocols.aave_v3 import fold_oracle as v3
from keeper.protocols.aave_v3.event import Event as V3Event
from keeper.protocols.aave_v3.records import deployment, reserve_id
from keeper.protocols.base import Book
from keeper.protocols.decode import topic_address, word
from keeper.protocols.oracles import tree
from keeper.protocols.oracles.constant import Fixed
from keeper.protocols.records import replace
from keeper.types import WAD, Address


def source_updated(book: Book, event: Event) -> None:
    """AssetSourceUpdated, of the deployment's oracle or of one that may become it."""
    log = event.log
    if topic_address(log, 1) != book.get(("ether", log.address)):
        v3.source_updated(book, V3Event(log, event.reserve, event.timestamp, {}))


def ether_set(book: Book, event: Event) -> None:
    """WethSet: which asset is worth one ether."""
    set_ether(book, event.log.address, topic_address(event.log, 1))


def base_set(book: Book, event: Event) -> None:
    """BaseCurrencySet of later oracles: the same where the unit is that of ether."""
    if word(event.log, 0) == WAD:
        ether_set(book, event)


def set_ether(book: Book, oracle: Address, asset: Address) -> None:
    """`oracle` counts in `asset`."""
    replace(book, ("ether", oracle), asset)
    replace(book, ("source", oracle, asset), oracle)
    replace(book, ("probed", oracle), 1)
    tree.put(book, oracle, Fixed(WAD))
    number = reserve_id(book, asset)
    if number is not None and deployment(book).oracle == oracle:
        v3.link(book, number)
