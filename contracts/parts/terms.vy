# pragma version ==0.4.3
"""
@title The executor's terms: what a liquidation is, and who is spoken to how
@license MIT
"""

struct Hop:
    token_out: address
    fee: uint24  # 1e-6, with the two tokens it names the pool

struct Leg:
    venue: address  # a Uniswap v3 factory, or without hops the router that takes the call of the transaction
    amount: uint256  # collateral units; the last leg sells all that is left, a flash swap exactly this
    hops: Hop[3]  # from collateral to debt, as many as are needed

struct Liquidation:
    dialect: uint256  # how `venue` is spoken to
    venue: address  # takes the liquidation
    account: address  # the borrower
    collateral: address
    debt: address
    repay: uint256  # debt units; the venue may take less
    source: uint256  # who lends `repay`; 0 where no loan is needed, or the owner pays
    lender: address
    bid_bps: uint256  # share of the profit that goes to the block's builder
    min_profit: uint256  # debt units that the owner must gain
    data: Bytes[256]  # what the dialect needs besides
    legs: DynArray[Leg, 3]  # the sale; empty when collateral and debt are the same

# Dialects
AAVE: constant(uint256) = 0
AAVE_V4: constant(uint256) = 1
MORPHO: constant(uint256) = 2
PRE_LIQUIDATION: constant(uint256) = 3
COMPOUND: constant(uint256) = 4
COMET: constant(uint256) = 5
EULER: constant(uint256) = 6

# Sources
NO_LOAN: constant(uint256) = 0
AAVE_LOAN: constant(uint256) = 1
MORPHO_LOAN: constant(uint256) = 2
BALANCER_LOAN: constant(uint256) = 3
UNISWAP_LOAN: constant(uint256) = 4
AAVE_V2_LOAN: constant(uint256) = 5
FLASH_SWAP: constant(uint256) = 6  # the sale comes first: its first pool waits for the collateral
