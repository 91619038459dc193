"""Prices that a relay's hint reveals: by the calldata of its transactions, or by the logs they would emit.

Chainlink's SVR reports come as `forward` with their calldata told; other senders tell their logs at most.
"""

from collections.abc import Sequence

from keeper.protocols.decode import topic
from keeper.protocols.oracles.feed import ANSWER_UPDATED
from keeper.protocols.oracles.transmit import Transmission, decode
from keeper.protocols.oracles.words import signed
from keeper.relay_ports import Hint
from keeper.types import Address

ANSWERED = topic(ANSWER_UPDATED)
SECONDARY = topic("SecondaryRoundIdUpdated(uint32)")
TRANSMITTED = frozenset(
    {
        topic("NewTransmission(uint32,int192,address,uint32,int192[],bytes,int192,bytes32,uint40)"),
        topic("NewTransmission(uint32,int192,address,int192[],bytes,bytes32)"),
    }
)
"""Of OCR2 and OCR1; the answer is the first word of the data of both."""

_Answers = dict[Address, Transmission]


class Contradiction(ValueError):
    """A hint tells two prices of one aggregator."""


def transmissions(hint: Hint) -> list[Transmission]:
    """What the hint's transactions transmit, the last of each aggregator, as far as it tells.

    Only positive prices count: relays blank what they hide.

    Raises:
        Contradiction: calldata and logs do not agree.
    """
    called: _Answers = {}
    for call in hint.calls:
        found = decode(*call)
        if found is not None and found.price > 0:
            called[found.aggregator] = found
    logged = answers(hint.logs)
    for aggregator in called.keys() & logged.keys():
        if called[aggregator].price != logged[aggregator].price:
            raise Contradiction(f"two prices of {aggregator}")
    return list((logged | called).values())


def answers(logs: Sequence[tuple[Address, tuple[str, ...], bytes]]) -> _Answers:
    """The last answer that each aggregator gives in `logs` of (address, topics, data)."""
    secondary = {address for address, topics, _ in logs if topics[:1] == (SECONDARY,)}
    found: _Answers = {}
    for address, topics, data in logs:
        price = _price(topics, data)
        if price is not None and price > 0:
            found[address] = Transmission(address, price, 0, 0, address in secondary)
    return found


def _price(topics: tuple[str, ...], data: bytes) -> int | None:
    if len(topics) > 1 and topics[0] == ANSWERED:
        return signed(int(topics[1], 16))
    if topics and topics[0] in TRANSMITTED and len(data) >= 32:
        return signed(int.from_bytes(data[:32]))
    return None
