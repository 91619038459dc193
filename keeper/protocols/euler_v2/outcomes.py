"""What liquidations did, from the logs of their transactions."""

from collections.abc import Iterable, Iterator

from keeper.protocols.base import Book, LiquidationEvent
from keeper.protocols.decode import topic, topic_address, word, word_address
from keeper.protocols.euler_v2.frame import EulerFrame
from keeper.protocols.euler_v2.math import to_assets
from keeper.protocols.euler_v2.records import number_of, vault
from keeper.types import Address, Log

_LIQUIDATE = topic("Liquidate(address,address,address,uint256,uint256)")
_WITHDRAW = topic("Withdraw(address,address,address,uint256,uint256)")


def liquidation_events(book: Book, logs: Iterable[Log], frame: EulerFrame) -> list[LiquidationEvent]:
    """Liquidations by the deployment's vaults among `logs`, without those that did nothing.

    `seized` is what the liquidator redeemed the shares for in the same transaction; shares that were kept
    are converted as of `frame`.
    """
    told = list(logs)
    return list(_events(book, told, frame))


def _events(book: Book, logs: list[Log], frame: EulerFrame) -> Iterator[LiquidationEvent]:
    used: set[int] = set()
    for place, log in enumerate(logs):
        debt = number_of(book, log.address)
        if debt is None or not log.topics or log.topics[0] != _LIQUIDATE:
            continue
        liquidator, collateral = topic_address(log, 1), word_address(log, 0)
        number, repaid, shares = number_of(book, collateral), word(log, 1), word(log, 2)
        if number is None or not (repaid or shares):
            continue
        redemption = _redemption(logs, place, (collateral, liquidator, shares), used)
        if redemption is None:
            seized = to_assets(frame.vault(number).status, shares) if vault(book, number).asset else 0
        else:
            used.add(redemption)
            seized = word(logs[redemption], 0)
        yield LiquidationEvent(
            account=topic_address(log, 2),
            debt=vault(book, debt).asset,
            collateral=vault(book, number).asset,
            repaid=repaid,
            seized=seized,
            liquidator=liquidator,
        )


def _redemption(
    logs: list[Log], place: int, wanted: tuple[Address, Address, int], used: set[int]
) -> int | None:
    """Place of the Withdraw from the wanted vault, of the wanted owner, that burns just the wanted shares."""
    for later in range(place + 1, len(logs)):
        log = logs[later]
        if log.tx_hash != logs[place].tx_hash:
            return None
        if later in used or not log.topics or log.topics[0] != _WITHDRAW:
            continue
        if (log.address, topic_address(log, 3), word(log, 1)) == wanted:
            return later
    return None
