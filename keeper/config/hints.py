"""Settings of a relay's hints; see `keeper.config.model`."""

from pydantic import Field

from keeper.config.fields import HttpUrl
from keeper.config.section import Section


class Hints(Section):
    """A stream of hints (MEV-Share) and its relay: liquidations behind updates that only the relay knows."""

    stream: HttpUrl = Field(
        description="Event stream that tells of private transactions.",
        examples=['"https://mev-share.flashbots.net"'],
    )
    relay: HttpUrl = Field(
        description="Relay of that stream; takes mev_sendBundle, signed as requests to relay.urls are.",
        examples=['"https://relay.flashbots.net"'],
    )
