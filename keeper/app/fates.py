"""What becomes of oracle updates, and of what is placed behind them: told and counted in one way."""

from keeper.app.announce import Announcer
from keeper.app.events import Event
from keeper.execute.model import Transaction
from keeper.ops.metrics import Metrics, UpdateFate
from keeper.ports import Receipt
from keeper.types import Address, BlockRef, Hash, Log, checksum


class Fates:
    """Tells through `announcer`, counts in `metrics`."""

    def __init__(self, announcer: Announcer, metrics: Metrics) -> None:
        self._announcer = announcer
        self._metrics = metrics

    def count(self, fate: UpdateFate) -> None:
        """An update, or what is behind it, met this fate."""
        self._metrics.updates.labels(fate.value).inc()

    def update(self, head: BlockRef, aggregator: Address, answer: int, **more: object) -> None:
        """An update that `aggregator` answers `answer`, and what is made of it at `head`."""
        self._announcer.say(
            Event.UPDATE,
            block=head.number,
            aggregator=checksum(aggregator),
            answer=str(answer),
            **more,
        )

    def crossing(self, accounts: int) -> None:
        """An update makes so many accounts liquidatable."""
        if accounts:
            self.count(UpdateFate.CROSSING)
            self._metrics.update_crossings.inc(accounts)

    def places(self, update: Log, ours: Receipt) -> int | None:
        """How many places behind the update ours is in its block; None where it is not in that."""
        if ours.block_hash != update.block_hash or not ours.logs:
            return None
        places = ours.logs[0].tx_index - update.tx_index
        self._metrics.places_behind.observe(places)
        return places

    def result(
        self, update: Hash, transaction: Transaction, fate: UpdateFate, block: int, **more: object
    ) -> None:
        """What became of ours behind `update`."""
        self.count(fate)
        self._announcer.say(
            Event.BACKRUN,
            block=block,
            update=update,
            tx_hash=last_hash(transaction),
            fate=fate.value,
            **more,
        )


def last_hash(transaction: Transaction) -> Hash | None:
    """The hash of the attempt that counts now."""
    newest = transaction.newest
    return None if newest is None else newest.hash
