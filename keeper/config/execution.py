"""Settings of the key and of its transactions; see `keeper.config.model`."""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from keeper.config.fields import (
    AddressText,
    Count,
    FilePath,
    Gwei,
    HttpUrl,
    Positive,
    Seconds,
    SecretText,
)
from keeper.config.section import Section


class SignerKind(StrEnum):
    """Where the signing key is."""

    ENV = "env"
    KEYSTORE = "keystore"
    REMOTE = "remote"


class Signer(Section):
    """The signing key: where it is, and (from the environment only) the secrets themselves."""

    kind: SignerKind = Field(
        default=SignerKind.ENV,
        description='"env": KEEPER_PRIVATE_KEY(_FILE); "keystore": an encrypted key file; '
        '"remote": eth_signTransaction of another machine.',
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
    url: HttpUrl | None = Field(
        default=None, description="Remote signer, http(s).", examples=['"https://signer.internal:9000"']
    )
    address: AddressText | None = Field(
        default=None,
        description="Account that the remote signer signs for.",
        examples=['"0x2c7536E3605D9C16a7a3D7b1898e529396a65c23"'],
    )
    ca_file: FilePath | None = Field(
        default=None,
        description="Certificate of the authority that vouches for the remote signer (PEM).",
        examples=['"ca.pem"'],
    )
    cert_file: FilePath | None = Field(
        default=None, description="Our certificate for the remote signer (PEM).", examples=['"client.pem"']
    )
    key_file: FilePath | None = Field(
        default=None, description="Private key of that certificate (PEM).", examples=['"client.key"']
    )
    deadline_seconds: Seconds = Field(
        default=5.0, description="How long the remote signer may take.", examples=["5"]
    )


class LastLook(StrEnum):
    """The state that batches are tried on before they are signed."""

    LATEST = "latest"
    PENDING = "pending"


class Transactions(Section):
    """How transactions are priced, replaced, given up and confirmed; docs/transactions.md has the rules."""

    last_look: LastLook = Field(
        default=LastLook.LATEST,
        description='"latest": batches are tried on the newest block before they are signed; "pending": with '
        "what waits to be mined before them.",
        examples=['"latest"'],
    )
    max_in_flight: Positive = Field(
        default=16, description="Most transactions without a block; mempools take few from one key.",
        examples=["16"],
    )  # fmt: skip
    optimistic: Positive = Field(
        default=5, description="So many more than the node's mempool shows may be in flight.", examples=["5"]
    )
    queue_blocks: Count = Field(
        default=2, description="Blocks for which one waits for a place in flight.", examples=["2"]
    )
    confirmations: Positive = Field(
        default=1, description="Blocks, its own included, until a transaction counts.", examples=["1"]
    )
    bump_blocks: Positive = Field(
        default=1, description="Blocks without it after which a transaction pays more.", examples=["1"]
    )
    bump_percent: Annotated[Positive, Field(ge=10)] = Field(
        default=10, description="How much more; nodes ask for 10 or more.", examples=["10"]
    )
    quote_multiple: Positive = Field(
        default=5, description="Replacements pay at most so many times what blocks take now.",
        examples=["5"],
    )  # fmt: skip
    quote_multiple_above: Gwei = Field(
        default=100 * 10**9,
        alias="quote_multiple_above_gwei",
        description="Up to here quote_multiple does not count.",
        examples=["100"],
    )
    cancel_gas_price: Gwei | None = Field(
        default=None,
        alias="cancel_gas_price_gwei",
        description="Highest gas price of a no-op that frees a nonce; twice max_gas_price_gwei if not set.",
        examples=["600"],
    )
    stuck_blocks: Positive = Field(
        default=12, description="Blocks without a new attempt until others may pass by a no-op.",
        examples=["12"],
    )  # fmt: skip
    blind_failures: Positive = Field(
        default=25, description="Heads in a row that no node lets us follow, until nothing new is signed.",
        examples=["25"],
    )  # fmt: skip
    mempool: bool = Field(
        default=True,
        description="false on chains whose sequencer takes transactions as they come (Arbitrum).",
        examples=["true"],
    )
    stop_seconds: Seconds = Field(
        default=12.0, description="How long a stop waits for transactions on their way.", examples=["12"]
    )
