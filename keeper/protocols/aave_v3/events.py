"""Every event of every contract of a deployment: who handles it, or why nobody needs to.

This table is the dispatch of `fold` and the event coverage in one; a test compares it with the
contracts' own interfaces.
"""

from collections.abc import Callable, Iterable
from typing import NamedTuple

from keeper.protocols.aave_v3 import fold_config, fold_oracle, fold_pool, fold_setup, fold_tokens
from keeper.protocols.aave_v3.decode import topic
from keeper.protocols.aave_v3.event import Event
from keeper.protocols.aave_v3.records import Role
from keeper.protocols.base import Book

Handler = Callable[[Book, Event], None]


class Coverage(NamedTuple):
    """One event: its handler, or the reason why it may be ignored."""

    role: Role
    signature: str
    handler: Handler | None
    reason: str = ""


def _handled(role: Role, handlers: dict[str, Handler]) -> list[Coverage]:
    return [Coverage(role, signature, handler) for signature, handler in handlers.items()]


def _ignored(role: Role, reasons: dict[str, str]) -> list[Coverage]:
    return [Coverage(role, signature, None, reason) for signature, reason in reasons.items()]


_ALLOWANCE = "allowances move no balance"
_TOKEN_IGNORED = {
    "Transfer(address,address,uint256)": "Mint, Burn and BalanceTransfer say the same exactly",
    "Approval(address,address,uint256)": _ALLOWANCE,
}
_ADMIN = "who administers does not change what is owed"
_SAID_BY_PROXY = "the proxy's own Upgraded says it"
_NEVER = "declared, never emitted since v3.4"
_RATES = "its effect arrives with the next ReserveDataUpdated"

EVENTS: tuple[Coverage, ...] = (
    *_handled(
        Role.PROVIDER,
        {
            "ProxyCreated(bytes32,address,address)": fold_setup.proxy_created,
            "AddressSet(bytes32,address,address)": fold_setup.address_set,
            "PriceOracleUpdated(address,address)": fold_setup.oracle_updated,
            "PriceOracleSentinelUpdated(address,address)": fold_setup.sentinel_updated,
        },
    ),
    *_ignored(
        Role.PROVIDER,
        {
            "AddressSetAsProxy(bytes32,address,address,address)": "ProxyCreated or Upgraded precedes it",
            "PoolUpdated(address,address)": _SAID_BY_PROXY,
            "PoolConfiguratorUpdated(address,address)": _SAID_BY_PROXY,
            "PoolDataProviderUpdated(address,address)": "a view contract that is not used",
            "ACLManagerUpdated(address,address)": _ADMIN,
            "ACLAdminUpdated(address,address)": _ADMIN,
            "MarketIdSet(string,string)": "a label",
            "OwnershipTransferred(address,address)": _ADMIN,
        },
    ),
    *_handled(
        Role.POOL,
        {
            "ReserveDataUpdated(address,uint256,uint256,uint256,uint256,uint256)": fold_pool.data_updated,
            "ReserveUsedAsCollateralEnabled(address,address)": fold_pool.collateral_enabled,
            "ReserveUsedAsCollateralDisabled(address,address)": fold_pool.collateral_disabled,
            "UserEModeSet(address,uint8)": fold_pool.emode_set,
            "LiquidationCall(address,address,address,uint256,uint256,address,bool)": fold_pool.liquidation,
            "DeficitCreated(address,address,uint256)": fold_pool.deficit_created,
            "DeficitCovered(address,address,uint256)": fold_pool.deficit_covered,
            "Upgraded(address)": fold_setup.upgraded,
        },
    ),
    *_ignored(
        Role.POOL,
        {
            "Supply(address,address,address,uint256,uint16)": "the aToken's Mint carries it",
            "Withdraw(address,address,address,uint256)": "the aToken's Burn carries it",
            "Borrow(address,address,address,uint256,uint8,uint256,uint16)": "the debt Mint carries it",
            "Repay(address,address,address,uint256,bool)": "the tokens' Burn carries it",
            "FlashLoan(address,address,address,uint256,uint8,uint256,uint16)": (
                "repaid within the transaction; what it opens or earns is minted"
            ),
            "MintedToTreasury(address,uint256)": "the aToken's Mint carries it",
            "IsolationModeTotalDebtUpdated(address,uint256)": "bounds new debt only",
            "PositionManagerApproved(address,address)": "what a manager does is logged for the account",
            "PositionManagerRevoked(address,address)": "what a manager does is logged for the account",
        },
    ),
    *_handled(
        Role.CONFIGURATOR,
        {
            "ReserveInitialized(address,address,address,address,address)": fold_config.reserve_initialized,
            "ReserveDropped(address)": fold_config.reserve_dropped,
            **dict.fromkeys(fold_config.FIELDS, fold_config.configured),
            "EModeCategoryAdded(uint8,uint256,uint256,uint256,address,string)": fold_config.emode_added,
            **dict.fromkeys(fold_config.BITMAPS, fold_config.emode_member),
            "LiquidationGracePeriodChanged(address,uint40)": fold_config.grace_changed,
            "LiquidationGracePeriodDisabled(address)": fold_config.grace_disabled,
            "FlashloanPremiumTotalUpdated(uint128,uint128)": fold_config.premium_updated,
            "Upgraded(address)": fold_setup.upgraded,
        },
    ),
    *_ignored(
        Role.CONFIGURATOR,
        {
            "PendingLtvChanged(address,uint256)": "kept for later; CollateralConfigurationChanged acts",
            "ReserveInterestRateStrategyChanged(address,address,address)": _NEVER,
            "ReserveInterestRateDataChanged(address,address,bytes)": _RATES,
            "ATokenUpgraded(address,address,address)": _SAID_BY_PROXY,
            "VariableDebtTokenUpgraded(address,address,address)": _SAID_BY_PROXY,
            "BridgeProtocolFeeUpdated(uint256,uint256)": _NEVER,
            "FlashloanPremiumToProtocolUpdated(uint128,uint128)": _NEVER,
        },
    ),
    *_handled(Role.ORACLE, {"AssetSourceUpdated(address,address)": fold_oracle.source_updated}),
    *_ignored(
        Role.ORACLE,
        {
            "BaseCurrencySet(address,uint256)": "immutable, read when the deployment is opened",
            "FallbackOracleUpdated(address)": "prices are read from the oracle at every head",
        },
    ),
    *_handled(
        Role.A_TOKEN,
        {
            "Mint(address,address,uint256,uint256,uint256)": fold_tokens.a_mint,
            "Burn(address,address,uint256,uint256,uint256)": fold_tokens.a_burn,
            "BalanceTransfer(address,address,uint256,uint256)": fold_tokens.balance_transfer,
            "Upgraded(address)": fold_setup.upgraded,
        },
    ),
    *_ignored(
        Role.A_TOKEN,
        {
            **_TOKEN_IGNORED,
            "Initialized(address,address,address,address,uint8,string,string,bytes)": (
                "seen before the token is known, see ANNOUNCEMENTS; again only with Upgraded"
            ),
            "DelegateChanged(address,address,uint8)": "voting power",
        },
    ),
    *_handled(
        Role.V_TOKEN,
        {
            "Mint(address,address,uint256,uint256,uint256)": fold_tokens.v_mint,
            "Burn(address,address,uint256,uint256,uint256)": fold_tokens.v_burn,
            "Upgraded(address)": fold_setup.upgraded,
        },
    ),
    *_ignored(
        Role.V_TOKEN,
        {
            **_TOKEN_IGNORED,
            "Initialized(address,address,address,uint8,string,string,bytes)": "the aToken's says as much",
            "BorrowAllowanceDelegated(address,address,address,uint256)": _ALLOWANCE,
        },
    ),
    *_handled(Role.FEED, {"AnswerUpdated(int256,uint256,uint256)": fold_oracle.answer_updated}),
    *_ignored(
        Role.FEED,
        {"NewRound(uint256,address,uint256)": "the answer follows in AnswerUpdated"},
    ),
    *_ignored(
        Role.ACL_MANAGER,
        {
            "RoleGranted(bytes32,address,address)": _ADMIN,
            "RoleRevoked(bytes32,address,address)": _ADMIN,
            "RoleAdminChanged(bytes32,bytes32,bytes32)": _ADMIN,
        },
    ),
    *_ignored(
        Role.SENTINEL,
        {
            "SequencerOracleUpdated(address)": "whether it allows liquidations is read at every head",
            "GracePeriodUpdated(uint256)": "whether it allows liquidations is read at every head",
        },
    ),
    *_ignored(
        Role.RATE_STRATEGY,
        {"RateDataUpdate(address,uint256,uint256,uint256,uint256)": _RATES},
    ),
)

ANNOUNCEMENTS: dict[str, Handler] = {
    topic("Initialized(address,address,address,address,uint8,string,string,bytes)"): fold_setup.initialized,
    topic("AssetSourceUpdated(address,address)"): fold_oracle.source_updated,
    topic("AnswerUpdated(int256,uint256,uint256)"): fold_oracle.answer_updated,
}
"""Events of contracts that nobody has named yet. A token is initialised before the configurator lists
it, an oracle gets its sources before the provider adopts it, a feed answers before an oracle uses it.
What they say is kept under the emitter's address and means nothing until a known contract names it."""


def dispatch(events: Iterable[Coverage]) -> tuple[dict[str, Handler], ...]:
    """Handlers by role and topic."""
    tables: tuple[dict[str, Handler], ...] = tuple({} for _ in Role)
    for event in events:
        if event.handler:
            tables[event.role][topic(event.signature)] = event.handler
    return tables


HANDLERS = dispatch(EVENTS)
