"""Settings of the chain and its nodes; see `keeper.config.model`."""

from enum import StrEnum

from pydantic import Field

from keeper.config.fields import Count, HttpUrls, Positive, Seconds, SendUrls, WsUrls
from keeper.config.section import Section


class LogCheck(StrEnum):
    """How far the logs that a node gives are doubted."""

    OFF = "off"
    BLOOM = "bloom"
    FULL = "full"


class Chain(Section):
    """The chain and the nodes that serve it."""

    id: Positive = Field(description="Chain id; every node must serve this one.", examples=["31337"])
    http: HttpUrls = Field(
        description="HTTP endpoints. Several: fail-over.", examples=['"http://127.0.0.1:8545"']
    )
    send_only: SendUrls = Field(
        default=(),
        description="More HTTP endpoints that get our transactions; nothing is read from them.",
        examples=['"http://127.0.0.1:8546"'],
    )
    ws: WsUrls = Field(
        default=(),
        description="WebSocket endpoints for new heads; without one the keeper polls.",
        examples=['"ws://127.0.0.1:8545"'],
    )
    deadline_seconds: Seconds = Field(
        default=10.0, description="How long one request to a node may take.", examples=["10"]
    )
    requests_per_second: Positive | None = Field(
        default=None,
        description="Most requests to one endpoint in a second; unlimited when not set.",
        examples=["25"],
    )
    units_per_day: Positive | None = Field(
        default=None,
        description="Compute units for one endpoint in a day: audits stop at 80 %, backfills at 60 %.",
        examples=["10000000"],
    )
    watch_seconds: Seconds = Field(
        default=10.0, description="Pause between two looks at the state of every node.", examples=["10"]
    )
    lag_blocks: Positive = Field(
        default=5,
        description="A node so many blocks behind another is not preferred any more.",
        examples=["5"],
    )
    lag_seconds: Seconds = Field(
        default=20.0, description="The same for a node behind, by however little, so long.", examples=["20"]
    )
    quorum: Positive = Field(
        default=2,
        description="Nodes that have to agree on the accounts of large plans; without so many, one decides.",
        examples=["2"],
    )
    log_check: LogCheck = Field(
        default=LogCheck.BLOOM,
        description='Doubt in logs: "off"; "bloom": against block headers; "full": whole new blocks.',
        examples=['"bloom"'],
    )
    log_samples: Count = Field(
        default=8, description="Blocks of each backfilled range that are checked.", examples=["8"]
    )
    log_ranges: Positive = Field(
        default=4, description="Ranges of logs that a backfill loads at once.", examples=["4"]
    )
