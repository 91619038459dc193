"""Settings of a lender of flash loans that no deployment brings along; see `keeper.config.model`."""

from typing import Literal

from pydantic import Field

from keeper.config.fields import AddressText
from keeper.config.section import Section


class Lender(Section):
    """A contract that lends for the length of a transaction. Configured deployments lend unasked."""

    kind: Literal["morpho", "balancer", "aave-v3", "aave-v2"] = Field(
        description='How it lends: "morpho" (free), "balancer" (a v2 vault), "aave-v3", "aave-v2".',
        examples=['"morpho"'],
    )
    address: AddressText = Field(
        description="Morpho, the vault, or the pool.",
        examples=['"0xBBBBBbbBBb9cC5e90e3b3Af64bdAF62C37EEFFCb"'],
    )
