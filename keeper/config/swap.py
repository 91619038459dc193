"""Settings of an exchange; see `keeper.config.model`."""

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field, model_validator

from keeper.config.fields import ADDRESS_EXAMPLE, AddressText, HttpUrl, Seconds, SecretText
from keeper.config.secrets import SecretUrl
from keeper.config.section import Section
from keeper.types import ZERO_ADDRESS

SWAP_KEYS: Mapping[str, tuple[str, ...]] = {
    "uniswap-v3": ("factory", "quoter"),
    "http-aggregator": ("url", "router"),
}
"""What each kind of exchange has to be told."""


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
