"""The releases of Aave v3: what each changed, and which revision of which contract belongs to which."""

from dataclasses import replace

from keeper.protocols.aave_v3 import emode, leftovers, math, reading, screen
from keeper.protocols.aave_v3.close_factor import close_factor_v3_0, close_factor_v3_3
from keeper.protocols.aave_v3.health import account_data_v3_0, account_data_v3_5
from keeper.protocols.aave_v3.model import Rules
from keeper.protocols.aave_v3.records import Role
from keeper.protocols.base import Book

V3_0 = Rules(
    release="3.0",
    a_token=Role.HALF_UP_A_TOKEN,
    v_token=Role.HALF_UP_V_TOKEN,
    compound_interest=math.compound_interest_v3_0,
    silent_checkpoint=False,
    a_balance=math.ray_mul,
    a_out=math.ray_div,
    v_balance=math.ray_mul,
    v_out=math.ray_div,
    limits=emode.limits_v3_0,
    account_data=account_data_v3_0,
    screen=screen.screen_v3_0,
    max_borrow=math.percent_mul,
    debt_value=math.mul_div,
    computed=True,
    has_sentinel=True,
    self_liquidation=True,
    close_factor=close_factor_v3_0,
    leaves_dust=leftovers.never,
    exhausts=leftovers.never,
    empties=leftovers.empties_v3_0,
    bonus_mul=math.percent_mul,
    bonus_div=math.percent_div,
    bonus_base=math.percent_div,
    fee_mul=math.percent_mul,
    flash_premium=math.percent_mul,
    virtual_balance=False,
    discounted_view="scaledBalanceOf(address)",
    typed_errors=False,
)

V3_1 = replace(V3_0, release="3.1", virtual_balance=True)

V3_2 = replace(V3_1, release="3.2", limits=emode.limits_v3_2)

V3_3 = replace(
    V3_2,
    release="3.3",
    close_factor=close_factor_v3_3,
    leaves_dust=leftovers.leaves_dust_v3_3,
    exhausts=leftovers.exhausts_v3_3,
    discounted_view="balanceOf(address)",
)

V3_4 = replace(
    V3_3,
    release="3.4",
    compound_interest=math.compound_interest_v3_4,
    self_liquidation=False,
    typed_errors=True,
)

V3_5 = replace(
    V3_4,
    release="3.5",
    a_token=Role.A_TOKEN,
    v_token=Role.V_TOKEN,
    silent_checkpoint=True,
    # TokenMath: everything rounds against the account.
    a_balance=math.ray_mul_floor,
    a_out=math.ray_div_ceil,
    v_balance=math.ray_mul_ceil,
    v_out=math.ray_div_floor,
    account_data=account_data_v3_5,
    screen=screen.screen_v3_5,
    max_borrow=math.percent_mul_floor,
    debt_value=math.mul_div_ceil,
    bonus_div=math.percent_div_ceil,
    flash_premium=math.percent_mul_ceil,
)

V3_6 = replace(V3_5, release="3.6", limits=emode.limits_v3_6)

V3_7 = replace(
    V3_6,
    release="3.7",
    limits=emode.limits_v3_7,
    has_sentinel=False,
    exhausts=leftovers.exhausts_v3_7,
    empties=leftovers.empties_v3_7,
    bonus_mul=math.percent_mul_floor,
    bonus_base=math.percent_div_floor,
    fee_mul=math.percent_mul_ceil,
)

UNKNOWN = replace(
    V3_7,
    release="unknown",
    account_data=reading.account_data,
    screen=reading.screen,
    computed=False,
)

RULES = {
    **dict.fromkeys((1, 2, 3), V3_0),
    4: V3_1,
    **dict.fromkeys((5, 6), V3_2),
    7: V3_3,
    8: V3_4,
    9: V3_5,
    10: V3_6,
    11: V3_7,
}
"""By the pool's POOL_REVISION. Live pools were at 1 to 3 before v3.1; 5 is v3.2.0, 6 is v3.2.1."""

CONFIGURATORS = frozenset(range(1, 9))
"""CONFIGURATOR_REVISIONs whose events are known: v3.0 to v3.7."""

A_TOKENS = {
    **dict.fromkeys((1, 2, 3), Role.HALF_UP_A_TOKEN),
    **dict.fromkeys((4, 5), Role.A_TOKEN),
}
"""How to read an aToken's events, by ATOKEN_REVISION: 3 is v3.4, 4 is v3.5, 5 is v3.6 and v3.7."""

V_TOKENS = {
    **dict.fromkeys((1, 2, 3), Role.HALF_UP_V_TOKEN),
    **dict.fromkeys((4, 5), Role.V_TOKEN),
}
"""The same by DEBT_TOKEN_REVISION, which `implementations` evens out for GHO."""


def rules_of(book: Book) -> Rules:
    """Rules of the release that the pool runs where the book stands."""
    return RULES.get(book.get(("release",), 0), UNKNOWN)
