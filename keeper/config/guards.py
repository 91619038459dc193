"""Settings of what the keeper must never do; see `keeper.config.model`."""

from pydantic import Field

from keeper.config.fields import ADDRESS_EXAMPLE, Addresses, Count, FilePath, Positive, Usd
from keeper.config.section import Section


class GuardSettings(Section):
    """What the keeper must never do, whatever it would pay. USD have 8 decimals."""

    kill_file: FilePath | None = Field(
        default=None, description="While this file exists nothing new is sent.", examples=['"STOP"']
    )
    max_plan_usd: Usd | None = Field(
        default=None, description="Most that one liquidation may repay.", examples=['"250000"']
    )
    deny: Addresses = Field(
        default=(), description="Borrowers and tokens that are left alone.", examples=[f"[{ADDRESS_EXAMPLE}]"]
    )
    allow: Addresses = Field(
        default=(),
        description="When set: only these borrowers, or pairs of these tokens.",
        examples=[f"[{ADDRESS_EXAMPLE}]"],
    )
    oracle_gap_bps: Positive | None = Field(
        default=None,
        description="How far the exchange's price may be from the oracle's, 1/100 %.",
        examples=["2000"],
    )
    toxic: bool = Field(
        default=True,
        description="Also liquidate accounts that each liquidation leaves with more bad debt.",
        examples=["true"],
    )
    max_head_age_seconds: Count = Field(
        default=300,
        description="Nothing is sent while the newest block is older; 0 switches that off, as for forks of "
        "the past.",
        examples=["300"],
    )
    max_loss_usd_hour: Usd | None = Field(
        default=None, description="Losses in an hour after which nothing is sent.", examples=['"100"']
    )
    max_loss_usd_day: Usd | None = Field(
        default=None, description="Losses in a day after which nothing is sent.", examples=['"500"']
    )
    max_gas_usd_hour: Usd | None = Field(
        default=None, description="Gas in an hour after which nothing is sent.", examples=['"200"']
    )
    max_gas_usd_day: Usd | None = Field(
        default=None, description="Gas in a day after which nothing is sent.", examples=['"1000"']
    )
