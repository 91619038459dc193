"""The configuration: one frozen object. Every key of keeper.toml is a field here and nowhere else.

Money is exact: USD with 8 decimals, gas prices in wei. `examples` are TOML values; the first is
what an error message offers as the fix.
"""

from collections.abc import Iterator
from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, Field

from keeper.config.backrun import Backrun
from keeper.config.chain import Chain
from keeper.config.deployment import Deployment
from keeper.config.execution import Signer, Transactions
from keeper.config.fields import ADDRESS_EXAMPLE, AddressText, Count, DatabaseUrl, Gwei, Usd
from keeper.config.guards import GuardSettings
from keeper.config.lender import Lender
from keeper.config.relay import Relay
from keeper.config.secrets import Secret, SecretUrl, tokens
from keeper.config.section import Section
from keeper.config.standby import Standby
from keeper.config.swap import Swap
from keeper.types import USD, Mode


class LogFormat(StrEnum):
    """Who reads the log."""

    CONSOLE = "console"
    JSON = "json"


class LogLevel(StrEnum):
    """The least important line that is still written."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class Store(Section):
    """The database."""

    url: DatabaseUrl = Field(
        default=SecretUrl("sqlite:///keeper.db"),
        description='SQLite file or Postgres ("postgresql://user:password@host/name").',
        examples=['"sqlite:///keeper.db"'],
    )


class Executor(Section):
    """The contract that liquidates; `keeper executor deploy` creates it."""

    address: AddressText | None = Field(
        default=None, description="Executor contract; needed in mode live.", examples=[ADDRESS_EXAMPLE]
    )


class Strategy(Section):
    """What is worth doing. USD have 8 decimals, `max_gas_price` is wei per gas."""

    min_profit_usd: Usd = Field(
        default=1 * USD, description="Least expected net profit of a liquidation.", examples=['"1"']
    )
    own_capital: bool = Field(
        default=False,
        description="Pay with the owner's tokens, as far as the executor may take them, before all else.",
        examples=["false"],
    )
    two_steps: bool = Field(
        default=True,
        description="Liquidate an account twice in a row where the close factor makes that pay more.",
        examples=["true"],
    )
    quorum_usd: Usd = Field(
        default=50_000 * USD,
        description="A plan that repays so much is confirmed by chain.quorum nodes.",
        examples=['"50000"'],
    )
    max_gas_price: Gwei = Field(
        default=300 * 10**9,
        alias="max_gas_price_gwei",
        description="Highest gas price the keeper pays.",
        examples=["300"],
    )


class Audit(Section):
    """The continuous comparison of the index with the chain."""

    accounts_per_block: Count = Field(
        default=20,
        description="Accounts compared at every block (about 5 calls each, batched); 0 = off.",
        examples=["20"],
    )


class Ops(Section):
    """Logs, metrics and health over HTTP."""

    host: str = Field(
        default="127.0.0.1", description="Address the HTTP server binds.", examples=['"127.0.0.1"']
    )
    port: Annotated[Count, Field(le=65_535)] = Field(
        default=9464, description="Port of /livez, /readyz, /metrics; 0 = off.", examples=["9464"]
    )
    log_format: LogFormat = Field(
        default=LogFormat.CONSOLE,
        description='"console" for people, "json" for servers.',
        examples=['"console"'],
    )
    log_level: LogLevel = Field(
        default=LogLevel.INFO, description="Least important lines written.", examples=['"info"']
    )


class Config(Section):
    """Everything an operator can set. Build it with `keeper.config.load`."""

    mode: Mode = Field(
        default=Mode.PAPER,
        description='"watch" (no key), "paper" (everything but the send), "live".',
        examples=['"paper"'],
    )
    chain: Chain
    store: Store = Store()
    deployment: Annotated[tuple[Deployment, ...], Field(min_length=1)]
    swap: tuple[Swap, ...] = ()
    lender: tuple[Lender, ...] = ()
    executor: Executor = Executor()
    strategy: Strategy = Strategy()
    guards: GuardSettings = GuardSettings()
    transactions: Transactions = Transactions()
    backrun: Backrun = Backrun()
    relay: Relay = Relay()
    signer: Signer = Signer()
    standby: Standby = Standby()
    audit: Audit = Audit()
    ops: Ops = Ops()

    @property
    def exchanges(self) -> tuple[Swap, ...]:
        """The exchanges whose pools are read from the chain."""
        return tuple(swap for swap in self.swap if swap.kind == "uniswap-v3")

    @property
    def aggregators(self) -> tuple[Swap, ...]:
        """The exchanges that quote over HTTP."""
        return tuple(swap for swap in self.swap if swap.kind == "http-aggregator")

    def secrets(self) -> frozenset[str]:
        """Every string that must not appear in a log line, for `keeper.ops.logging`."""
        return frozenset(word for secret in _secrets(self) for word in tokens(secret))


def _secrets(value: object) -> Iterator[Secret]:
    if isinstance(value, Secret):
        yield value
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from _secrets(getattr(value, name))
    elif isinstance(value, tuple):
        for item in value:
            yield from _secrets(item)
