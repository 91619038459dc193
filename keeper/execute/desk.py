"""What the parts of the transaction manager share."""

from typing import NamedTuple

from keeper.execute.observe import Alarms, Brake, TransactionObserver
from keeper.execute.roster import Roster
from keeper.execute.rules import Rules
from keeper.execute.store import TransactionStore
from keeper.types import Address


class Desk(NamedTuple):
    """One key at work: its transactions on disk and in memory, the rules, and who has to be told."""

    address: Address
    store: TransactionStore
    roster: Roster
    rules: Rules
    brake: Brake
    alarms: Alarms
    observer: TransactionObserver
