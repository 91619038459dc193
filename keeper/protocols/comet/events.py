"""Every event of a comet: who handles it, or why nobody needs to.

This table is the dispatch of `fold` and the event coverage in one. Source: CometMainInterface.sol,
CometExtInterface.sol and OpenZeppelin's TransparentUpgradeableProxy.
"""

from keeper.protocols.aave_v3.decode import topic
from keeper.protocols.comet import fold_base, fold_collateral, fold_setup
from keeper.protocols.comet.coverage import Coverage, Handler

ABSORB_DEBT = "AbsorbDebt(address,address,uint256,uint256)"
BUY_COLLATERAL = "BuyCollateral(address,address,uint256,uint256)"

EVENTS: tuple[Coverage, ...] = (
    Coverage("Supply(address,address,uint256)", fold_base.supplied),
    Coverage("Withdraw(address,address,uint256)", fold_base.withdrawn),
    Coverage("Transfer(address,address,uint256)", fold_base.transferred),
    Coverage(ABSORB_DEBT, fold_base.debt_absorbed),
    Coverage("WithdrawReserves(address,uint256)", fold_base.reserves_withdrawn),
    Coverage("SupplyCollateral(address,address,address,uint256)", fold_collateral.supplied),
    Coverage("WithdrawCollateral(address,address,address,uint256)", fold_collateral.withdrawn),
    Coverage("TransferCollateral(address,address,address,uint256)", fold_collateral.transferred),
    Coverage("AbsorbCollateral(address,address,address,uint256,uint256)", fold_collateral.absorbed),
    Coverage(BUY_COLLATERAL, fold_collateral.bought),
    Coverage("PauseAction(bool,bool,bool,bool,bool)", fold_setup.paused),
    Coverage("Upgraded(address)", fold_setup.upgraded),
    Coverage("Approval(address,address,uint256)", None, "allowances move no balance"),
    Coverage("AdminChanged(address,address)", None, "who administers does not change what is owed"),
    Coverage("BeaconUpgraded(address)", None, "declared by the proxy, which has no beacon"),
)

HANDLERS: dict[str, Handler] = {
    topic(event.signature): event.handler for event in EVENTS if event.handler is not None
}
