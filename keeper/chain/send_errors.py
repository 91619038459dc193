"""What the answer to a raw send means, for every client's wording (engineering.md T13).

The order decides: specific words stand before general ones, and what nobody recognises is UNKNOWN,
which the transaction manager treats as possibly sent.
"""

import re

from keeper.ports import SendOutcome

_WORDINGS: tuple[tuple[SendOutcome, tuple[str, ...]], ...] = (
    (
        SendOutcome.RETRYABLE,
        (
            r"rate.?limit|too many requests|request limit|compute units|/second|per second|quota",
            r"pool is full|queue full|pool full|too many transactions in the queue|spammer",
            r"discarded outright|future transaction tries to replace|cache full",
            r"address already reserved|in-flight transaction limit|service (temporarily )?unavailable",
        ),
    ),
    (
        SendOutcome.REPLACEMENT_UNDERPRICED,
        (
            r"replacement (transaction|fee)|transaction replacement|replacement ?not ?allowed",
            r"to replace existing|replaced by transaction|could not replace",
            r"another (transaction|tx) .{0,20}same nonce|own ?nonce ?already ?used",
        ),
    ),
    (
        SendOutcome.ALREADY_KNOWN,
        (
            # "unknown transaction" must not pass for "known transaction".
            r"already ?known|\bknown transaction|already ?(imported|exists)",
            r"already in (the )?(mem|tx)?pool|same hash|duplicate hash",
        ),
    ),
    (
        SendOutcome.NONCE_TOO_LOW,
        (
            r"nonce (is )?too (low|small)|old ?nonce|nonce already used|invalid transaction nonce",
            r"nonce below|pool\(stale\)|already (mined|finalized)",
        ),
    ),
    (
        SendOutcome.NONCE_TOO_HIGH,
        (
            r"nonce (is )?too (high|distant|far)|nonce ?gap|gapped.nonce|future nonce",
            r"nonce has max value",
        ),
    ),
    (
        SendOutcome.FEE_CAP_EXCEEDED,
        (r"exceeds the configured cap|fee cap exceeded",),
    ),
    (
        SendOutcome.INSUFFICIENT_FUNDS,
        (
            r"insufficient ?(funds|balance)|not enough (funds|balance)|would cause overdraft",
            r"(upfront|up-front) cost .{0,100}exceeds",
        ),
    ),
    (
        # The amount of gas, not its price, though both are "too low" to some clients.
        SendOutcome.FATAL,
        (
            r"intrinsic gas|gas required exceeds|blob gas|gas ?limit|\bgas (is )?too (low|high)",
            r"gas uint64 overflow|supplied gas",
            r"max priority fee per gas higher than max fee|tip above fee ?cap",
        ),
    ),
    (
        SendOutcome.UNDERPRICED,
        (
            r"underpriced|fee ?too ?low|max ?fee ?per ?gas .{0,20}(less than|below|too low)",
            r"gas ?price .{0,60}(too low|below|less than)|less than .{0,20}base ?fee",
            r"(tip|priority fee) .{0,60}(too low|below|less than|minimum)|below .{0,30}(minimum|base fee)",
        ),
    ),
    (
        SendOutcome.FATAL,
        (
            r"failed to validate the transaction",
            r"invalid (sender|signature|rlp|transaction|message format)|^invalid(,|$)|negative value",
            r"chain ?id|wrong chain|only replay-protected|execution reverted|int256overflow",
            r"oversized|too (big|large|long|short)|rlp:|decod(e|ing)|transaction type not supported",
            r"sender ?is ?(a )?contract|sender not an eoa|failed ?to ?resolve ?sender",
            r"exceeds block gas|is banned|not permitted|blacklist|forbidden sender",
        ),
    ),
)

_COMPILED = tuple((outcome, re.compile("|".join(words), re.IGNORECASE)) for outcome, words in _WORDINGS)


def send_outcome(message: str) -> SendOutcome:
    """The outcome that a node's error `message` to eth_sendRawTransaction stands for."""
    return next((outcome for outcome, words in _COMPILED if words.search(message)), SendOutcome.UNKNOWN)
