"""The configuration: one frozen object. Every key of keeper.toml is a field here and nowhere else.

Money is exact: USD with 8 decimals, gas prices in wei. `examples` are TOML values; the first is
what an error message offers as the fix.
"""

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from keeper.config.fields import (
    Addresses,
    AddressText,
    Count,
    DatabaseUrl,
    FilePath,
    Gwei,
    HttpUrl,
    HttpUrls,
    Positive,
    Seconds,
    SecretText,
    Usd,
    WsUrls,
)
from keeper.config.secrets import Secret, SecretUrl, tokens
from keeper.types import USD, ZERO_ADDRESS, Mode

_PROVIDER = "PoolAddressesProvider (v2: LendingPoolAddressesProvider); everything else is discovered."

PROTOCOL_ADDRESSES: Mapping[str, Mapping[str, str]] = {
    "aave-v3": {"addresses_provider": _PROVIDER},
    "aave-v2": {"addresses_provider": _PROVIDER},
}
"""The address keys of each protocol in its [[deployment]], with their meaning. A new protocol: one entry."""

SWAP_KEYS: Mapping[str, tuple[str, ...]] = {
    "uniswap-v3": ("factory", "quoter"),
    "http-aggregator": ("url", "router"),
}
"""What each kind of exchange has to be told."""

ADDRESS_EXAMPLE = '"0x2f39d218133AFaB8F2B819B1066c7E434Ad94E9e"'


class SignerKind(StrEnum):
    """Where the signing key is."""

    ENV = "env"
    KEYSTORE = "keystore"


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


class LogCheck(StrEnum):
    """How far the logs that a node gives are doubted."""

    OFF = "off"
    BLOOM = "bloom"
    FULL = "full"


class Section(BaseModel):
    """A frozen table of settings that rejects unknown keys."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", arbitrary_types_allowed=True, hide_input_in_errors=True
    )


class Chain(Section):
    """The chain and the nodes that serve it."""

    id: Positive = Field(description="Chain id; every node must serve this one.", examples=["31337"])
    http: HttpUrls = Field(
        description="HTTP endpoints. Several: fail-over.", examples=['"http://127.0.0.1:8545"']
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


class Store(Section):
    """The database."""

    url: DatabaseUrl = Field(
        default=SecretUrl("sqlite:///keeper.db"),
        description='SQLite file or Postgres ("postgresql://user:password@host/name").',
        examples=['"sqlite:///keeper.db"'],
    )


class Deployment(Section):
    """One instance of a lending protocol. `settings` are the addresses its protocol asks for."""

    name: Annotated[str, Field(min_length=1)] = Field(
        description="Your name for it, in logs and reports.", examples=['"aave-core"']
    )
    protocol: str = Field(description="Which protocol it is.", examples=['"aave-v3"'])
    start_block: Count = Field(
        default=0, description="Block the deployment was created in, or earlier.", examples=["0"]
    )
    settings: Mapping[str, AddressText] = Field(
        default={}, description="Protocol addresses.", examples=[ADDRESS_EXAMPLE]
    )

    @model_validator(mode="before")
    @classmethod
    def _gather(cls, raw: Any) -> Any:
        """Move the protocol's own keys into `settings`, where each is checked under its own name."""
        if not isinstance(raw, dict):
            return raw
        if "settings" in raw:
            raise ValueError("addresses stand directly in [[deployment]], not under settings")
        keys = PROTOCOL_ADDRESSES.get(str(raw.get("protocol")))
        if keys is None:  # which keys belong here cannot be said yet
            return {key: value for key, value in raw.items() if key in cls.model_fields}
        rest = {key: value for key, value in raw.items() if key not in keys}
        return {**rest, "settings": {key: raw.get(key) for key in keys}}

    @field_validator("protocol")
    @classmethod
    def _known(cls, protocol: str) -> str:
        if protocol not in PROTOCOL_ADDRESSES:
            known = ", ".join(f'"{name}"' for name in PROTOCOL_ADDRESSES)
            raise ValueError(f"unknown protocol, known: {known}")
        return protocol


class Swap(Section):
    """An exchange that turns seized collateral into the debt asset. Its kind says which keys it needs."""

    kind: Literal["uniswap-v3", "http-aggregator"] = Field(
        description="Kind of exchange.", examples=['"uniswap-v3"']
    )
    factory: AddressText = Field(
        default=ZERO_ADDRESS, description="uniswap-v3: factory contract.", examples=[ADDRESS_EXAMPLE]
    )
    quoter: AddressText = Field(
        default=ZERO_ADDRESS, description="uniswap-v3: QuoterV2 contract.", examples=[ADDRESS_EXAMPLE]
    )
    url: HttpUrl = Field(
        default=SecretUrl(""),
        description="http-aggregator: where it quotes, without the query.",
        examples=['"https://api.0x.org/swap/allowance-holder/quote"'],
    )
    router: AddressText = Field(
        default=ZERO_ADDRESS,
        description="http-aggregator: the contract that sells and needs the allowance.",
        examples=[ADDRESS_EXAMPLE],
    )
    api_key: SecretText | None = Field(
        default=None, description="http-aggregator: API key, sent as 0x-api-key and as a bearer token."
    )
    deadline_seconds: Seconds = Field(
        default=0.5, description="http-aggregator: how long a quote may take.", examples=["0.5"]
    )

    @model_validator(mode="before")
    @classmethod
    def _complete(cls, raw: Any) -> Any:
        """Ask for the keys of the exchange's kind, so that each missing one is told under its own name."""
        if not isinstance(raw, dict):
            return raw
        return {**dict.fromkeys(SWAP_KEYS.get(str(raw.get("kind")), ())), **raw}


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
        description="Pay with the owner's tokens, as far as the executor may take them, before flash loans.",
        examples=["false"],
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


class Signer(Section):
    """The signing key: where it is, and (from the environment only) the secrets themselves."""

    kind: SignerKind = Field(
        default=SignerKind.ENV,
        description='"env": KEEPER_PRIVATE_KEY(_FILE); "keystore": an encrypted key file.',
        examples=['"env"'],
    )
    keystore: FilePath | None = Field(
        default=None, description="Encrypted key file (Web3 Secret Storage).", examples=['"keystore.json"']
    )
    password_file: FilePath | None = Field(
        default=None, description="File with the keystore's password.", examples=['"password.txt"']
    )
    private_key_file: FilePath | None = Field(
        default=None, description="File with the private key as hex.", examples=['"key.txt"']
    )
    private_key: SecretText | None = Field(default=None, description="Private key, hex.")
    password: SecretText | None = Field(default=None, description="Password of the keystore.")


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
    executor: Executor = Executor()
    strategy: Strategy = Strategy()
    guards: GuardSettings = GuardSettings()
    signer: Signer = Signer()
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
