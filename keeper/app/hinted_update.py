"""An oracle update that a relay gave a hint of, and how it is found again in blocks."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from eth_utils.crypto import keccak

from keeper.execute.model import Transaction
from keeper.ports import Receipt
from keeper.protocols.oracles.hinted import answers
from keeper.protocols.oracles.transmit import Transmission
from keeper.relay_ports import Hint, Relay
from keeper.types import Address, Log


class HintedRelay(NamedTuple):
    """The relay of a stream of hints, and what to call it."""

    host: str
    relay: Relay


@dataclass(slots=True)
class Hinted:
    """An update under way that `relay` calls `hint.hash`, told at block `since`; looked for up to `seen`.

    `obstacle` is why nothing could be placed behind it at the last head; `ours` were placed for the block
    after it.
    """

    relay: HintedRelay
    hint: Hint
    transmissions: list[Transmission]
    since: int
    seen: int
    obstacle: str = ""
    ours: list[Transaction] = field(default_factory=list)

    @property
    def aggregators(self) -> set[Address]:
        return {each.aggregator for each in self.transmissions}

    def is_in(self, log: Log) -> bool:
        """Whether `log` is the update's: a hint's hash is that of a transaction's hash, or of a bundle's."""
        if log.tx_hash == self.hint.hash:
            return True
        if "0x" + keccak(hexstr=log.tx_hash).hex() == self.hint.hash:
            return True
        return self.hint.size > 1 and self._price_in(log) == self._price_of(log.address)

    def outdates(self, log: Log) -> bool:
        """Whether `log`, of another transaction, is an answer after which the update would come too late."""
        mine = next(each for each in self.transmissions if each.aggregator == log.address)
        return self._price_in(log) is not None and not mine.secondary

    def _price_of(self, aggregator: Address) -> int | None:
        return next((each.price for each in self.transmissions if each.aggregator == aggregator), None)

    def _price_in(self, log: Log) -> int | None:
        told = answers([(log.address, log.topics, bytes.fromhex(log.data[2:]))])
        return next((each.price for each in told.values()), None)


def last_before(ours: Receipt, logs: Iterable[Log]) -> Log | None:
    """The last of `logs` in the block of `ours` and in front of it."""
    place = ours.logs[0].tx_index if ours.logs else 0
    before = [log for log in logs if log.block_hash == ours.block_hash and log.tx_index < place]
    return max(before, key=lambda log: log.log_index, default=None)


class Sighting(NamedTuple):
    """What new blocks say of an update: its log, None where it is not there, and all of its aggregators."""

    hinted: Hinted
    update: Log | None
    logs: list[Log]


class Teller(NamedTuple):
    """The update by which is told what became of a transaction."""

    sighting: Sighting
    transaction: Transaction


def tellers(sightings: Sequence[Sighting], receipts: Mapping[int, Receipt | None]) -> list[Teller]:
    """For each transaction that was placed behind some of the updates, the one that explains its end.

    `receipts` are those of the transactions, by id.
    """
    shared: dict[int, list[Teller]] = {}
    for sighting in sightings:
        for transaction in sighting.hinted.ours:
            shared.setdefault(transaction.id, []).append(Teller(sighting, transaction))
    return [max(each, key=lambda teller: _rank(teller, receipts[key])) for key, each in shared.items()]


def _rank(teller: Teller, ours: Receipt | None) -> int:
    """How well an update explains the end: seen where ours is, seen at all, or hard to recognise."""
    update = teller.sighting.update
    if update is None:
        return int(teller.sighting.hinted.hint.size > 1)
    return 3 if ours is not None and ours.block_hash == update.block_hash else 2
