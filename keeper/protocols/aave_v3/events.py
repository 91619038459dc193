"""Every event of every contract of a deployment: who handles it, or why nobody needs to.

This table is the dispatch of `fold` and the event coverage in one; a test compares it with the
contracts' own interfaces.
"""

from keeper.protocols.aave_v3 import fold_config, fold_oracle, fold_pool, fold_setup, fold_upgrade
from keeper.protocols.aave_v3.event import Handler
from keeper.protocols.aave_v3.events_tokens import TOKEN_EVENTS
from keeper.protocols.aave_v3.records import Role
from keeper.protocols.coverage import dispatch, handled, ignored
from keeper.protocols.decode import topic
from keeper.protocols.oracles.feed import ANSWER_UPDATED
from keeper.protocols.oracles.kinds import SIGNATURES

_ADMIN = "who administers does not change what is owed"
_SAID_BY_PROXY = "the proxy's own Upgraded says it"
_NEW_TRANSMISSION = "NewTransmission(uint32,int192,address,uint32,int192[],bytes,int192,bytes32,uint40)"
_RATES = "its effect arrives with the next ReserveDataUpdated"

EVENTS = (
    *handled(
        Role.PROVIDER,
        {
            "ProxyCreated(bytes32,address,address)": fold_setup.proxy_created,
            "AddressSet(bytes32,address,address)": fold_setup.address_set,
            "PriceOracleUpdated(address,address)": fold_setup.oracle_updated,
            "PriceOracleSentinelUpdated(address,address)": fold_setup.sentinel_updated,
        },
    ),
    *ignored(
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
    *handled(
        Role.POOL,
        {
            "ReserveDataUpdated(address,uint256,uint256,uint256,uint256,uint256)": fold_pool.data_updated,
            "ReserveUsedAsCollateralEnabled(address,address)": fold_pool.collateral_enabled,
            "ReserveUsedAsCollateralDisabled(address,address)": fold_pool.collateral_disabled,
            "UserEModeSet(address,uint8)": fold_pool.emode_set,
            "LiquidationCall(address,address,address,uint256,uint256,address,bool)": fold_pool.liquidation,
            "DeficitCreated(address,address,uint256)": fold_pool.deficit_created,
            "DeficitCovered(address,address,uint256)": fold_pool.deficit_covered,
            "Upgraded(address)": fold_upgrade.pool_upgraded,
        },
    ),
    *ignored(
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
            "MintUnbacked(address,address,address,uint256,uint16)": "the aToken's Mint carries it",
            "BackUnbacked(address,address,uint256,uint256)": _RATES,
            "SwapBorrowRateMode(address,address,uint8)": "the debt tokens' Burn and Mint carry it",
            "RebalanceStableBorrowRate(address,address)": "the stable token's Burn and Mint carry it",
        },
    ),
    *handled(
        Role.CONFIGURATOR,
        {
            "ReserveInitialized(address,address,address,address,address)": fold_config.reserve_initialized,
            "ReserveDropped(address)": fold_config.reserve_dropped,
            **dict.fromkeys(fold_config.FIELDS, fold_config.configured),
            "EModeCategoryAdded(uint8,uint256,uint256,uint256,address,string)": fold_config.emode_added,
            **dict.fromkeys(fold_config.BITMAPS, fold_config.emode_member),
            "EModeCategoryIsolationChanged(uint8,bool)": fold_config.emode_isolated,
            "LiquidationGracePeriodChanged(address,uint40)": fold_config.grace_changed,
            "LiquidationGracePeriodDisabled(address)": fold_config.grace_disabled,
            "FlashloanPremiumTotalUpdated(uint128,uint128)": fold_config.premium_updated,
            "Upgraded(address)": fold_upgrade.configurator_upgraded,
        },
    ),
    *ignored(
        Role.CONFIGURATOR,
        {
            "PendingLtvChanged(address,uint256)": "kept for later; CollateralConfigurationChanged acts",
            "ReserveInterestRateStrategyChanged(address,address,address)": _RATES,
            "ReserveInterestRateDataChanged(address,address,bytes)": _RATES,
            "ATokenUpgraded(address,address,address)": _SAID_BY_PROXY,
            "VariableDebtTokenUpgraded(address,address,address)": _SAID_BY_PROXY,
            "StableDebtTokenUpgraded(address,address,address)": _SAID_BY_PROXY,
            "BridgeProtocolFeeUpdated(uint256,uint256)": "shares a bridge's fee; aTokens' indexes are logged",
            "FlashloanPremiumToProtocolUpdated(uint128,uint128)": "shares a premium that stays the same",
        },
    ),
    *handled(
        Role.ORACLE,
        {
            "AssetSourceUpdated(address,address)": fold_oracle.source_updated,
            "FallbackOracleUpdated(address)": fold_oracle.fallback_updated,
        },
    ),
    *ignored(
        Role.ORACLE,
        {
            "BaseCurrencySet(address,uint256)": "immutable, read when the deployment is opened",
        },
    ),
    *TOKEN_EVENTS,
    *handled(Role.FEED, dict.fromkeys(SIGNATURES, fold_oracle.source_changed)),
    *ignored(
        Role.FEED,
        {
            "NewRound(uint256,address,uint256)": "the answer follows in AnswerUpdated",
            _NEW_TRANSMISSION: "AnswerUpdated says as much",
            "AggregatorProposed(address,address)": "counts only once confirmed",
        },
    ),
    *ignored(
        Role.ACL_MANAGER,
        {
            "RoleGranted(bytes32,address,address)": _ADMIN,
            "RoleRevoked(bytes32,address,address)": _ADMIN,
            "RoleAdminChanged(bytes32,bytes32,bytes32)": _ADMIN,
        },
    ),
    *ignored(
        Role.SENTINEL,
        {
            "SequencerOracleUpdated(address)": "whether it allows liquidations is read at every head",
            "GracePeriodUpdated(uint256)": "whether it allows liquidations is read at every head",
        },
    ),
    *ignored(
        Role.RATE_STRATEGY,
        {"RateDataUpdate(address,uint256,uint256,uint256,uint256)": _RATES},
    ),
)

ANNOUNCEMENTS: dict[str, Handler] = {
    topic("Initialized(address,address,address,address,uint8,string,string,bytes)"): fold_setup.initialized,
    topic("AssetSourceUpdated(address,address)"): fold_oracle.source_updated,
    topic("FallbackOracleUpdated(address)"): fold_oracle.fallback_updated,
    topic(ANSWER_UPDATED): fold_oracle.source_changed,
}
"""Events of contracts that nobody has named yet. A token is initialised before the configurator lists
it, an oracle gets its sources before the provider adopts it, a feed answers before an oracle uses it.
What they say is kept under the emitter's address and means nothing until a known contract names it."""


HANDLERS = dispatch(EVENTS, Role)
