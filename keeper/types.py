"""Words that every stage shares: addresses, blocks, logs, calls."""

from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple, NewType

from eth_utils.address import is_address, is_checksum_address, to_checksum_address
from msgspec import Struct

from keeper.errors import Unreachable

Address = NewType("Address", str)
"""20 bytes as lower-case 0x-hex: the form nodes use in logs, so hot paths never convert."""

Hash = NewType("Hash", str)
"""32 bytes as lower-case 0x-hex."""

RAY = 10**27
WAD = 10**18
BPS = 10**4
USD = 10**8
"""One dollar: USD amounts are integers with 8 decimals throughout."""

MAX_UINT256 = 2**256 - 1
ADDRESS_LENGTH = 42
ZERO_ADDRESS = Address("0x" + "00" * 20)


class Mode(StrEnum):
    """How far the keeper goes with a plan: look only, everything but the send, or send."""

    WATCH = "watch"
    PAPER = "paper"
    LIVE = "live"


class BlockRef(NamedTuple):
    """A block as the chain names it. `timestamp` in seconds, `base_fee` in wei per gas."""

    number: int
    hash: Hash
    parent: Hash
    timestamp: int
    base_fee: int


@lru_cache(maxsize=1 << 14)
def _quantity(text: str) -> int:
    """Neighbouring logs repeat their numbers, and each is asked for several times."""
    try:
        return int(text, 16)
    except ValueError:
        raise Unreachable(f"malformed answer: {text[:66]!r} is not a number in hex") from None


class Log(
    Struct,
    frozen=True,
    gc=False,
    rename={
        "block_hex": "blockNumber",
        "block_hash": "blockHash",
        "tx_hash": "transactionHash",
        "tx_index_hex": "transactionIndex",
        "log_index_hex": "logIndex",
    },
):
    """One event log, undecoded: hex strings exactly as the node sent them.

    A struct of msgspec's, which makes it of a JSON object several times sooner than a constructor: a
    backfill makes millions. Its numbers are read when somebody asks for them.

    Raises:
        Unreachable: a number that is asked for is none.
    """

    address: Address
    topics: tuple[str, ...]
    data: str
    block_hex: str
    block_hash: Hash
    tx_hash: Hash
    tx_index_hex: str
    log_index_hex: str

    @property
    def block(self) -> int:
        """The block's number."""
        return _quantity(self.block_hex)

    @property
    def tx_index(self) -> int:
        """The transaction's place in the block."""
        return _quantity(self.tx_index_hex)

    @property
    def log_index(self) -> int:
        """The log's place in the block."""
        return _quantity(self.log_index_hex)


class Call(NamedTuple):
    """A read (or the core of a transaction): callee and calldata."""

    to: Address
    data: bytes


def parse_address(text: str) -> Address:
    """Return `text` as an Address.

    Raises:
        ValueError: not 20 bytes of hex, or mixed case with a wrong checksum.
    """
    if not (text.startswith("0x") and is_address(text)):
        raise ValueError(f"{text!r} is not an address: not 0x and 40 hex digits")
    digits = text[2:]
    if digits not in {digits.lower(), digits.upper()} and not is_checksum_address(text):
        raise ValueError(f"{text!r} is not an address: its checksum is wrong, a character was mistyped")
    return Address(text.lower())


def checksum(address: Address) -> str:
    """The EIP-55 form, for people and JSON; of an account's key each part that is an address."""
    if len(address) == ADDRESS_LENGTH:
        return str(to_checksum_address(address))
    return ":".join(str(to_checksum_address(p)) if is_address(p) else p for p in address.split(":"))


def borrower(account: Address) -> Address:
    """The address behind an account's key: `address`, or `address:market` where a deployment has several."""
    return Address(account.partition(":")[0])


def section(account: Address) -> str | None:
    """Which of its deployment's markets an account is in, None where there is only one."""
    return account.partition(":")[2] or None


def counted(count: int, one: str, many: str = "") -> str:
    """A number with its noun: "1 account", "2 accounts"; `many` where an s does not do."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def is_checksummed(text: str) -> bool:
    """Whether `text` already is the EIP-55 form of an address."""
    return is_checksum_address(text)
