"""Settings of a protocol's deployment, and which keys each protocol has; see `keeper.config.model`."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field, field_validator, model_validator
from pydantic.fields import FieldInfo

from keeper.config.fields import ADDRESS_EXAMPLE, Count, ProtocolSetting
from keeper.config.section import Section

_PROVIDER = "PoolAddressesProvider (v2: LendingPoolAddressesProvider); everything else is discovered."
_COMPTROLLER = (
    "Comptroller (the Unitroller) of Venus' core pool or Compound v2; everything else is discovered."
)

PROTOCOL_ADDRESSES: Mapping[str, Mapping[str, str]] = {
    "aave-v3": {"addresses_provider": _PROVIDER},
    "aave-v2": {"addresses_provider": _PROVIDER},
    "euler-v2": {
        "vault_factory": "GenericFactory (eVaultFactory); its vaults and their oracles are discovered.",
        "evc": "EthereumVaultConnector that the factory's vaults use.",
    },
    "comet": {"comet": "The comet of one base token (proxy); everything else is discovered."},
    "aave-v4": {"spoke": "Spoke of Aave v4; its reserves name its hubs."},
    "morpho-blue": {"morpho": "Morpho; markets and rate models are discovered."},
    "venus": {"comptroller": _COMPTROLLER},
    "compound-v2": {"comptroller": _COMPTROLLER},
}
"""The address keys of each protocol in its [[deployment]], with their meaning. A new protocol: one entry."""

_MARKETS_EXAMPLE = '["0xb323495f7e4148be5643a4ea4a8221eef163e4bccfdedc2a6f4696baacbc86cc"]'

_USD_ORACLE = FieldInfo(
    default=None,
    description=(
        "Contract with getAssetPrice(token) in USD, 8 decimals: Aave's oracle. For profits; of comets, those "
        "of ether need it."
    ),
    examples=[ADDRESS_EXAMPLE],
)

PROTOCOL_OPTIONS: Mapping[str, Mapping[str, FieldInfo]] = {
    "aave-v4": {
        "hub": FieldInfo(
            default=None,
            description="A hub to watch besides those that the reserves name.",
            examples=[ADDRESS_EXAMPLE],
        ),
    },
    "comet": {"usd_oracle": _USD_ORACLE},
    "morpho-blue": {
        "usd_oracle": _USD_ORACLE,
        "pre_liquidation_factory": FieldInfo(
            default=None,
            description="PreLiquidationFactory, to liquidate where borrowers allowed it early.",
            examples=[ADDRESS_EXAMPLE],
        ),
        "allow_markets": FieldInfo(
            default=None,
            description="When set: only these markets, by id.",
            examples=[_MARKETS_EXAMPLE],
        ),
        "deny_markets": FieldInfo(
            default=None, description="Markets that are left out, by id.", examples=[_MARKETS_EXAMPLE]
        ),
    },
}
"""Further keys that a protocol's [[deployment]] may have: addresses, or lists of market ids."""


class Deployment(Section):
    """One instance of a lending protocol. `settings` are the addresses (and options) of its protocol."""

    name: Annotated[str, Field(min_length=1)] = Field(
        description="Your name for it, in logs and reports.", examples=['"aave-core"']
    )
    protocol: str = Field(description="Which protocol it is.", examples=['"aave-v3"'])
    start_block: Count = Field(
        default=0, description="Block the deployment was created in, or earlier.", examples=["0"]
    )
    settings: Mapping[str, ProtocolSetting] = Field(
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
        options = PROTOCOL_OPTIONS.get(str(raw.get("protocol")), {}).keys() & raw.keys()
        rest = {key: value for key, value in raw.items() if key not in keys and key not in options}
        return {**rest, "settings": {key: raw.get(key) for key in (*keys, *sorted(options))}}

    @field_validator("protocol")
    @classmethod
    def _known(cls, protocol: str) -> str:
        if protocol not in PROTOCOL_ADDRESSES:
            known = ", ".join(f'"{name}"' for name in PROTOCOL_ADDRESSES)
            raise ValueError(f"unknown protocol, known: {known}")
        return protocol
