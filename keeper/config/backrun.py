"""Settings of liquidations behind pending oracle updates; see `keeper.config.model`."""

from enum import StrEnum

from pydantic import Field

from keeper.config.section import Section


class Route(StrEnum):
    """How a liquidation gets behind an oracle update."""

    PUBLIC = "public"
    BUNDLE = "bundle"


class Backrun(Section):
    """Liquidations right behind oracle updates that still wait for a block."""

    enabled: bool = Field(
        default=False,
        description="Watch pending transactions, and liquidate in the block of the update that makes it due.",
        examples=["false"],
    )
    route: Route = Field(
        default=Route.PUBLIC,
        description='"public": same fees, through the mempool; "bundle": both or neither, through the relay.',
        examples=['"public"'],
    )
