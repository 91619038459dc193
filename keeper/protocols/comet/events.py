"""Every event of a comet: who handles it, or why nobody needs to.

This table is the dispatch of `fold` and the event coverage in one. Source: CometMainInterface.sol,
CometExtInterface.sol and OpenZeppelin's TransparentUpgradeableProxy.
"""

from keeper.protocols.comet import fold_base, fold_collateral, fold_setup
from keeper.protocols.comet.records import Role
from keeper.protocols.coverage import dispatch, handled, ignored

ABSORB_DEBT = "AbsorbDebt(address,address,uint256,uint256)"
BUY_COLLATERAL = "BuyCollateral(address,address,uint256,uint256)"

EVENTS = (
    *handled(
        Role.COMET,
        {
            "Supply(address,address,uint256)": fold_base.supplied,
            "Withdraw(address,address,uint256)": fold_base.withdrawn,
            "Transfer(address,address,uint256)": fold_base.transferred,
            ABSORB_DEBT: fold_base.debt_absorbed,
            "WithdrawReserves(address,uint256)": fold_base.reserves_withdrawn,
            "SupplyCollateral(address,address,address,uint256)": fold_collateral.supplied,
            "WithdrawCollateral(address,address,address,uint256)": fold_collateral.withdrawn,
            "TransferCollateral(address,address,address,uint256)": fold_collateral.transferred,
            "AbsorbCollateral(address,address,address,uint256,uint256)": fold_collateral.absorbed,
            BUY_COLLATERAL: fold_collateral.bought,
            "PauseAction(bool,bool,bool,bool,bool)": fold_setup.paused,
            "Upgraded(address)": fold_setup.upgraded,
        },
    ),
    *ignored(
        Role.COMET,
        {
            "Approval(address,address,uint256)": "allowances move no balance",
            "AdminChanged(address,address)": "who administers does not change what is owed",
            "BeaconUpgraded(address)": "declared by the proxy, which has no beacon",
        },
    ),
)

HANDLERS = dispatch(EVENTS, Role)
