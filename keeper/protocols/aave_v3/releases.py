"""The Aave releases this keeper computes exactly, by POOL_REVISION."""

from keeper.protocols.aave_v3 import math
from keeper.protocols.aave_v3.health import account_data_v3_6
from keeper.protocols.aave_v3.liquidation import exhausts_v3_3, leaves_dust_v3_3
from keeper.protocols.aave_v3.pair import close_factor_v3_3
from keeper.protocols.aave_v3.rules import Rules

V3_6 = Rules(
    release="3.6",
    configurator_revision=7,
    a_token_revisions=frozenset({5}),
    v_token_revisions=frozenset({5, 6}),  # 6: the variable debt token of GHO on Ethereum
    linear_interest=math.linear_interest,
    compound_interest=math.compound_interest,
    index_mul=math.ray_mul,
    # TokenMath: balances round against the account, so inverting them rounds the other way.
    a_balance=math.ray_mul_floor,
    a_scaled=math.ray_div_ceil,
    a_out=math.ray_div_ceil,
    v_balance=math.ray_mul_ceil,
    v_scaled=math.ray_div_floor,
    v_out=math.ray_div_floor,
    account_data=account_data_v3_6,
    max_borrow=math.percent_mul_floor,
    debt_value=math.mul_div_ceil,
    close_factor=close_factor_v3_3,
    leaves_dust=leaves_dust_v3_3,
    exhausts=exhausts_v3_3,
    bonus_mul=math.percent_mul,
    bonus_div=math.percent_div_ceil,
    bonus_base=math.percent_div,
    fee_mul=math.percent_mul,
    flash_premium=math.percent_mul_ceil,
)

RULES = {10: V3_6}
