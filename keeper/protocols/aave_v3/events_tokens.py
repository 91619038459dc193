"""The tokens' part of the table of events: which arithmetic reads a token's events is its role."""

from keeper.protocols.aave_v3 import fold_loans, fold_tokens, fold_upgrade
from keeper.protocols.aave_v3.records import Role
from keeper.protocols.coverage import handled, ignored

_ALLOWANCE = "allowances move no balance"
_SAID_EXACTLY = "Mint, Burn and BalanceTransfer say the same exactly"
_MINT = "Mint(address,address,uint256,uint256,uint256)"
_BURN = "Burn(address,address,uint256,uint256,uint256)"
_TRANSFER = "Transfer(address,address,uint256)"
_BALANCE_TRANSFER = "BalanceTransfer(address,address,uint256,uint256)"
_UPGRADED = "Upgraded(address)"
_A_TOKEN_IGNORED = {
    "Approval(address,address,uint256)": _ALLOWANCE,
    "Initialized(address,address,address,address,uint8,string,string,bytes)": (
        "seen before the token is known, see ANNOUNCEMENTS; again only with Upgraded"
    ),
    "DelegateChanged(address,address,uint8)": "voting power",
    "DelegateUnderlyingTo(address)": "voting power",
}
_DEBT_TOKEN_IGNORED = {
    _TRANSFER: "Mint and Burn say the same exactly",
    "Approval(address,address,uint256)": _ALLOWANCE,
    "Initialized(address,address,address,uint8,string,string,bytes)": "the aToken's says as much",
    "BorrowAllowanceDelegated(address,address,address,uint256)": _ALLOWANCE,
}

TOKEN_EVENTS = (
    *handled(
        Role.A_TOKEN,
        {
            _MINT: fold_tokens.a_mint,
            _BURN: fold_tokens.a_burn,
            _BALANCE_TRANSFER: fold_tokens.balance_transfer,
            _UPGRADED: fold_upgrade.a_token_upgraded,
        },
    ),
    *ignored(Role.A_TOKEN, {_TRANSFER: _SAID_EXACTLY, **_A_TOKEN_IGNORED}),
    *handled(
        Role.HALF_UP_A_TOKEN,
        {
            _MINT: fold_tokens.half_up_a_mint,
            _BURN: fold_tokens.half_up_a_burn,
            _TRANSFER: fold_tokens.moved,
            _BALANCE_TRANSFER: fold_tokens.half_up_balance_transfer,
            _UPGRADED: fold_upgrade.a_token_upgraded,
        },
    ),
    *ignored(Role.HALF_UP_A_TOKEN, _A_TOKEN_IGNORED),
    *handled(
        Role.V_TOKEN,
        {
            _MINT: fold_tokens.v_mint,
            _BURN: fold_tokens.v_burn,
            _UPGRADED: fold_upgrade.v_token_upgraded,
        },
    ),
    *ignored(Role.V_TOKEN, _DEBT_TOKEN_IGNORED),
    *handled(
        Role.HALF_UP_V_TOKEN,
        {
            _MINT: fold_tokens.half_up_v_mint,
            _BURN: fold_tokens.half_up_v_burn,
            _UPGRADED: fold_upgrade.v_token_upgraded,
        },
    ),
    *ignored(Role.HALF_UP_V_TOKEN, _DEBT_TOKEN_IGNORED),
    *handled(
        Role.STABLE_TOKEN,
        {
            "Mint(address,address,uint256,uint256,uint256,uint256,uint256,uint256)": fold_loans.stable_mint,
            "Burn(address,uint256,uint256,uint256,uint256,uint256)": fold_loans.stable_burn,
        },
    ),
    *ignored(
        Role.STABLE_TOKEN,
        {_UPGRADED: "every revision there was emits the same", **_DEBT_TOKEN_IGNORED},
    ),
)
