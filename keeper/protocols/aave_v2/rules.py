"""What v2 has in common with v3.0: half-up tokens, and an account's health from the average threshold."""

from dataclasses import replace

from keeper.protocols.aave_v2.math import compound_interest
from keeper.protocols.aave_v3.records import Role
from keeper.protocols.aave_v3.releases import V3_0

RULES = replace(
    V3_0,
    release="2",
    a_token=Role.A_TOKEN,
    v_token=Role.V_TOKEN,
    compound_interest=compound_interest,
    has_sentinel=False,
)
"""Of these rules v2 uses arithmetic, health and screen. It liquidates in its own way: `liquidation`.

The screen's margin is proven in keeper.protocols.aave_v3.screen for base units of 1e-8 USD. Here the
base unit is a wei, and every step of the proof holds: tokens are rounded by at most half a unit, values
by less than a base unit, the average threshold by less than a basis point, its product by half a base
unit. The one assumption, that a token unit is worth less than 10^14 base units, now says less than
0.0001 ether: with the fewest decimals listed (GUSD's two) a cent has to be worth less than that, so
ether more than $100.
"""
