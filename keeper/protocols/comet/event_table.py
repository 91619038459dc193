"""The table of events for people: docs/events-comet.md, written by scripts/build_docs."""

from keeper.protocols.comet.events import EVENTS
from keeper.protocols.comet.records import Role
from keeper.protocols.coverage import EventTable

_HEAD = """# Events of Compound v3 (Comet)

Made from `keeper/protocols/comet/events.py`, which is also what folds them; a test compares the
table with recorded runs. An event is either handled by the function named, or ignored for the reason
given.

## What the logs leave out

Collateral is rebuilt from logs alone. Base balances are not: `accrueAccount` moves the interest indexes
without a log, and `transferBase` borrows and repays without one, so that a debt can appear on an account
that no log names. The keeper reads them, in one batch at every head:

- `totalsBasic`, the base tokens and the collateral reserves that the comet holds, and every price feed;
- `userBasic` of every account that owes or has collateral and was named in a log since it was last read;
- `userBasic` of further such accounts in turn (`ROUND` of `keeper/protocols/comet/poll.py` at a head), and
  of all of them at the first head after a start and whenever interest accrued without a log.

Only accounts with collateral are asked: the contract lends to no other.
"""

_TITLES = {Role.COMET: "Comet (one address: proxy, implementation and extension)"}

TABLE = EventTable("events-comet.md", _HEAD, _TITLES, EVENTS)
