"""Settings of several processes that share one key; see `keeper.config.model`."""

from pydantic import Field

from keeper.config.fields import Seconds
from keeper.config.section import Section


class Standby(Section):
    """Hot standby: processes on one Postgres, of which one signs; docs/operations.md tells how."""

    enabled: bool = Field(
        default=False,
        description="Wait while another process signs with the key, and take over when it does not.",
        examples=["false"],
    )
    name: str | None = Field(
        default=None,
        description="What this process is called; host and process id if not set.",
        examples=['"keeper-a"'],
    )
    lease_seconds: Seconds = Field(
        default=12.0,
        description="After so long without a sign of life another may take over: about one block.",
        examples=["12"],
    )
    blind_seconds: Seconds = Field(
        default=18.0,
        description="After so long without a head followed the signing one gives way: about 1.5 blocks.",
        examples=["18"],
    )
