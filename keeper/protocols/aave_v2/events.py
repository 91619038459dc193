"""Every event of every contract of a deployment: who handles it, or why nobody needs to.

This table is the dispatch of `fold` and the event coverage in one; a test compares it with the
contracts' own interfaces.
"""

from keeper.protocols.aave_v2 import fold_config, fold_loans, fold_oracle, fold_pool, fold_setup, fold_tokens
from keeper.protocols.aave_v2.event import Handler, shared
from keeper.protocols.aave_v3 import fold_loans as v3_loans
from keeper.protocols.aave_v3 import fold_oracle as v3_oracle
from keeper.protocols.aave_v3 import fold_pool as v3_pool
from keeper.protocols.aave_v3.records import Role
from keeper.protocols.coverage import dispatch, handled, ignored
from keeper.protocols.decode import topic
from keeper.protocols.oracles.feed import ANSWER_UPDATED
from keeper.protocols.oracles.kinds import SIGNATURES

_ADMIN = "who administers does not change what is owed"
_ALLOWANCE = "allowances move no balance"
_RATES = "its effect arrives with the next ReserveDataUpdated"
_SAID_BY_PROXY = "the proxy's own Upgraded says it"
_SAID_EXACTLY = "Mint, Burn and BalanceTransfer say the same exactly"
_NEW_TRANSMISSION = "NewTransmission(uint32,int192,address,uint32,int192[],bytes,int192,bytes32,uint40)"
_TRANSFER = "Transfer(address,address,uint256)"
_APPROVAL = "Approval(address,address,uint256)"
_UPGRADED = "Upgraded(address)"
_DELEGATED = "BorrowAllowanceDelegated(address,address,address,uint256)"

_PROVIDER = (
    *handled(
        Role.PROVIDER,
        {
            "ProxyCreated(bytes32,address)": fold_setup.proxy_created,
            "AddressSet(bytes32,address,bool)": fold_setup.address_set,
            "PriceOracleUpdated(address)": fold_setup.oracle_updated,
            "LendingPoolUpdated(address)": fold_setup.implemented,
            "LendingPoolCollateralManagerUpdated(address)": fold_setup.manager_updated,
        },
    ),
    *ignored(
        Role.PROVIDER,
        {
            "LendingPoolConfiguratorUpdated(address)": _SAID_BY_PROXY,
            "LendingRateOracleUpdated(address)": _RATES,
            "ConfigurationAdminUpdated(address)": _ADMIN,
            "EmergencyAdminUpdated(address)": _ADMIN,
            "MarketIdSet(string)": "a label",
            "OwnershipTransferred(address,address)": _ADMIN,
        },
    ),
)

_POOL = (
    *handled(
        Role.POOL,
        {
            "ReserveDataUpdated(address,uint256,uint256,uint256,uint256,uint256)": shared(
                v3_pool.data_updated
            ),
            "ReserveUsedAsCollateralEnabled(address,address)": shared(v3_pool.collateral_enabled),
            "ReserveUsedAsCollateralDisabled(address,address)": shared(v3_pool.collateral_disabled),
            "Paused()": fold_pool.paused,
            "Unpaused()": fold_pool.unpaused,
            _UPGRADED: fold_setup.implemented,
        },
    ),
    *ignored(
        Role.POOL,
        {
            "Deposit(address,address,address,uint256,uint16)": "the aToken's Mint carries it",
            "Withdraw(address,address,address,uint256)": "the aToken's Burn carries it",
            "Borrow(address,address,address,uint256,uint256,uint256,uint16)": "the debt Mint carries it",
            "Repay(address,address,address,uint256)": "the debt Burn carries it",
            "Swap(address,address,uint256)": "the debt tokens' Burn and Mint carry it",
            "RebalanceStableBorrowRate(address,address)": "the stable token's Burn and Mint carry it",
            "FlashLoan(address,address,address,uint256,uint256,uint16)": (
                "repaid within the transaction; what it opens is minted, what it earns is in the index"
            ),
            "LiquidationCall(address,address,address,uint256,uint256,address,bool)": (
                "the tokens' events carry it"
            ),
        },
    ),
)

_CONFIGURATOR = (
    *handled(
        Role.CONFIGURATOR,
        {
            "ReserveInitialized(address,address,address,address,address)": fold_config.reserve_initialized,
            **dict.fromkeys(fold_config.FIELDS, fold_config.configured),
            _UPGRADED: fold_setup.configurator_upgraded,
        },
    ),
    *ignored(
        Role.CONFIGURATOR,
        {
            "ReserveDecimalsChanged(address,uint256)": "declared, never emitted",
            "ReserveInterestRateStrategyChanged(address,address)": _RATES,
            "ATokenUpgraded(address,address,address)": _SAID_BY_PROXY,
            "StableDebtTokenUpgraded(address,address,address)": _SAID_BY_PROXY,
            "VariableDebtTokenUpgraded(address,address,address)": _SAID_BY_PROXY,
        },
    ),
)

_ORACLE = (
    *handled(
        Role.ORACLE,
        {
            "AssetSourceUpdated(address,address)": fold_oracle.source_updated,
            "FallbackOracleUpdated(address)": shared(v3_oracle.fallback_updated),
            "WethSet(address)": fold_oracle.ether_set,
            "BaseCurrencySet(address,uint256)": fold_oracle.base_set,
        },
    ),
    *ignored(Role.ORACLE, {"OwnershipTransferred(address,address)": _ADMIN}),
    *handled(Role.FEED, dict.fromkeys(SIGNATURES, shared(v3_oracle.source_changed))),
    *ignored(
        Role.FEED,
        {
            "NewRound(uint256,address,uint256)": "the answer follows in AnswerUpdated",
            _NEW_TRANSMISSION: "AnswerUpdated says as much",
            "AggregatorProposed(address,address)": "counts only once confirmed",
        },
    ),
)

_TOKENS = (
    *handled(
        Role.A_TOKEN,
        {
            "Mint(address,uint256,uint256)": fold_tokens.a_mint,
            "Burn(address,address,uint256,uint256)": fold_tokens.a_burn,
            "BalanceTransfer(address,address,uint256,uint256)": fold_tokens.balance_transfer,
            _UPGRADED: fold_setup.a_token_upgraded,
        },
    ),
    *ignored(Role.A_TOKEN, {_TRANSFER: _SAID_EXACTLY, _APPROVAL: _ALLOWANCE}),
    *handled(
        Role.V_TOKEN,
        {
            "Mint(address,address,uint256,uint256)": fold_tokens.v_mint,
            "Burn(address,uint256,uint256)": fold_tokens.v_burn,
            _UPGRADED: fold_setup.debt_token_upgraded,
        },
    ),
    *ignored(Role.V_TOKEN, {_TRANSFER: _SAID_EXACTLY, _APPROVAL: _ALLOWANCE, _DELEGATED: _ALLOWANCE}),
    *handled(
        Role.STABLE_TOKEN,
        {
            "Mint(address,address,uint256,uint256,uint256,uint256,uint256,uint256)": fold_loans.stable_mint,
            "Burn(address,uint256,uint256,uint256,uint256,uint256)": shared(v3_loans.stable_burn),
            _TRANSFER: fold_loans.stable_transfer,
            _UPGRADED: fold_setup.debt_token_upgraded,
        },
    ),
    *ignored(Role.STABLE_TOKEN, {_APPROVAL: _ALLOWANCE, _DELEGATED: _ALLOWANCE}),
)

EVENTS = (*_PROVIDER, *_POOL, *_CONFIGURATOR, *_ORACLE, *_TOKENS)

ANNOUNCEMENTS: dict[str, Handler] = {
    topic("AssetSourceUpdated(address,address)"): fold_oracle.source_updated,
    topic("FallbackOracleUpdated(address)"): shared(v3_oracle.fallback_updated),
    topic("WethSet(address)"): fold_oracle.ether_set,
    topic("BaseCurrencySet(address,uint256)"): fold_oracle.base_set,
    topic(ANSWER_UPDATED): shared(v3_oracle.source_changed),
}
"""Events of contracts that nobody has named yet: an oracle gets its sources before the provider adopts it,
a feed answers before an oracle uses it. What they say means nothing until a known contract names them."""


HANDLERS = dispatch(EVENTS, Role)
