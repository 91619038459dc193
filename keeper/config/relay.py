"""Settings of the private way to block builders; see `keeper.config.model`."""

from enum import StrEnum
from typing import Annotated

from pydantic import BeforeValidator, Field

from keeper.config.fields import Count, FilePath, Positive, Seconds, SecretText, SendUrls
from keeper.config.section import Section


class RelayMethod(StrEnum):
    """How builders are asked to take a transaction."""

    PRIVATE = "private"
    BUNDLE = "bundle"
    MEV_BUNDLE = "mev-bundle"
    PRIVATE_RAW = "private-raw"
    RAW = "raw"

    @property
    def forgets(self) -> bool:
        """Whether the request says until which block it holds."""
        return self not in {RelayMethod.PRIVATE_RAW, RelayMethod.RAW}


def _names(value: object) -> object:
    return [name.strip() for name in value.split(",") if name.strip()] if isinstance(value, str) else value


class Relay(Section):
    """Builders that get our transactions instead of the mempool; docs/transactions.md has the rules."""

    urls: SendUrls = Field(
        default=(),
        description="Builders or relays that get our transactions, all at once; none: the public mempool.",
        examples=['"https://relay.flashbots.net"'],
    )
    method: RelayMethod = Field(
        default=RelayMethod.PRIVATE,
        description='"private": eth_sendPrivateTransaction; "bundle": eth_sendBundle; '
        '"mev-bundle": mev_sendBundle; "private-raw": eth_sendPrivateRawTransaction; '
        '"raw": eth_sendRawTransaction of a private RPC.',
        examples=['"private"'],
    )
    builders: Annotated[tuple[str, ...], BeforeValidator(_names)] = Field(
        default=(),
        description="Names of builders that the relay is to share with; none: as the relay sees fit.",
        examples=['"flashbots"'],
    )
    target_blocks: Annotated[Positive, Field(le=25)] = Field(
        default=3, description="So many blocks from the next one on may take a transaction.", examples=["3"]
    )
    bid_bps: Annotated[Count, Field(le=10_000)] = Field(
        default=0,
        description="Share, in 1/10000, of the profit beyond gas and min_profit_usd that the builder gets; "
        "only where the debt is the wrapped native token.",
        examples=["0"],
    )
    fall_back: bool = Field(
        default=False,
        description="Send in public what no builder answers to, or no block of theirs took.",
        examples=["false"],
    )
    deadline_seconds: Seconds = Field(
        default=2.0, description="How long a builder may take to answer.", examples=["2"]
    )
    key: SecretText | None = Field(
        default=None, description="Key that signs requests to builders, hex; never one that holds money."
    )
    key_file: FilePath | None = Field(
        default=None, description="File with that key.", examples=['"relay-key.txt"']
    )
