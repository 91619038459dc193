"""Deploys an Aave v3.0.2 market from the artifacts of its npm package; the order is that of the protocol."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from keeper.devnet.aave.core import Contracts, Core, Parts
from keeper.devnet.aave.dialect import V30
from keeper.devnet.aave.market import Market, Reserve
from keeper.devnet.aave.setup import (
    RAY_PER_BPS,
    WHALE,
    Tokens,
    liquidity_steps,
    read_reserve,
    v3_reserve_steps,
)
from keeper.devnet.aave.specs import V30_EMODES, V30_RESERVES, EModeSpec, Rates, ReserveSpec
from keeper.devnet.feeds import Feeds
from keeper.devnet.ground import Ground, lay
from keeper.devnet.hardhat import link, load_artifacts
from keeper.devnet.node import Node, Tx
from keeper.devnet.solidity import Progress
from keeper.types import ZERO_ADDRESS, Address

__all__ = ["deploy", "list_reserves", "strategy_code"]

_FEES = (
    ("updateFlashloanPremiumTotal", 9),
    ("updateFlashloanPremiumToProtocol", 3000),
    ("updateBridgeProtocolFee", 3000),
)
"""Basis points: of a loan, and of fees what goes to the treasury."""

_UNBACKED_CAP = 10**7
"""Whole tokens that bridges may mint of each reserve."""

_LIBRARIES = (
    "BorrowLogic",
    "BridgeLogic",
    "EModeLogic",
    "LiquidationLogic",
    "PoolLogic",
    "SupplyLogic",
    "ConfiguratorLogic",
)
"""Libraries that need no other; FlashLoanLogic needs BorrowLogic."""

_FILES = {
    "PoolAddressesProvider": "protocol/configuration/PoolAddressesProvider",
    "ACLManager": "protocol/configuration/ACLManager",
    "PriceOracleSentinel": "protocol/configuration/PriceOracleSentinel",
    "AaveOracle": "misc/AaveOracle",
    "AaveProtocolDataProvider": "misc/AaveProtocolDataProvider",
    "PoolInstance": "protocol/pool/Pool",
    "PoolConfiguratorInstance": "protocol/pool/PoolConfigurator",
    "DefaultReserveInterestRateStrategy": "protocol/pool/DefaultReserveInterestRateStrategy",
    "ATokenInstance": "protocol/tokenization/AToken",
    "StableDebtToken": "protocol/tokenization/StableDebtToken",
    "VariableDebtTokenInstance": "protocol/tokenization/VariableDebtToken",
    **{name: f"protocol/libraries/logic/{name}" for name in (*_LIBRARIES, "FlashLoanLogic")},
}

_ROLES = ("addPoolAdmin", "addAssetListingAdmin", "addRiskAdmin", "addEmergencyAdmin", "addBridge")


async def deploy(
    node: Node,
    admin: Address,
    reserves: Sequence[ReserveSpec] = V30_RESERVES,
    emodes: Sequence[EModeSpec] = V30_EMODES,
    progress: Progress = lambda _: None,
    *,
    shared: Ground | None = None,
) -> Market:
    """Deploy the market, and tokens and feeds that `shared` lacks, owned by `admin`, who is a bridge too.

    Raises:
        ConfigError: the package is not installed.
        DevnetError: a step reverted.
    """
    progress("reading @aave/core-v3")
    contracts = load_artifacts("@aave/core-v3", _FILES)
    start_block = await node.block_number()
    await node.fund([admin, WHALE])
    ground = await lay(node, admin, reserves, shared)
    market = await _deploy_core(node, admin, contracts, ground)
    await node.send_many([market.configurator_tx(*fee) for fee in _FEES])
    listed = await list_reserves(node, market, ground, reserves)
    market = replace(market, start_block=start_block, reserves=tuple(listed))
    sources = await _create_emode_sources(node, market, emodes)
    await node.send_many([*_emode_steps(market, emodes, sources), *liquidity_steps(market, reserves)])
    return market


async def list_reserves(
    node: Node, market: Market, ground: Ground, specs: Sequence[ReserveSpec]
) -> list[Reserve]:
    """Have the pool list what is specified; the oracle knows the sources already.

    Raises:
        DevnetError: a step reverted.
    """
    await _initialize(node, market, ground.tokens, specs)
    stable = [
        market.configurator_tx("setReserveStableRateBorrowing", ground.tokens[spec.symbol], True)
        for spec in specs
        if spec.stable
    ]
    caps = [
        market.configurator_tx("setUnbackedMintCap", ground.tokens[spec.symbol], _UNBACKED_CAP)
        for spec in specs
    ]
    await node.send_many([*v3_reserve_steps(market, ground.tokens, specs), *stable, *caps])
    return [await read_reserve(node, market, ground, spec) for spec in specs]


def strategy_code(market: Market, rates: Rates) -> bytes:
    """Creation code of an interest rate strategy; a reserve's loans at stable rates start at slope1 + 1 %."""
    return market.contracts["DefaultReserveInterestRateStrategy"].deploy_data(
        market.provider,
        *(part * RAY_PER_BPS for part in rates),
        rates.slope1 // 5 * RAY_PER_BPS,
        rates.slope2 * RAY_PER_BPS,
        100 * RAY_PER_BPS,
        500 * RAY_PER_BPS,
        2000 * RAY_PER_BPS,
    )


async def _deploy_core(node: Node, admin: Address, contracts: Contracts, ground: Ground) -> Market:
    """The market without reserves; each deployment's constructor reads what came before it."""
    core = await Core.begin(node, admin, contracts, _LIBRARIES, link)
    acl, pool, configurator, oracle = await node.deploy(
        admin,
        core.code("ACLManager", core.provider),
        core.code("PoolInstance", core.provider),
        core.code("PoolConfiguratorInstance"),
        core.oracle_code(ground),
    )
    await core.grant(acl, _ROLES)
    return await core.complete(Parts(acl, pool, configurator, oracle), V30)


async def _initialize(node: Node, market: Market, tokens: Tokens, specs: Sequence[ReserveSpec]) -> None:
    kinds = ("ATokenInstance", "StableDebtToken", "VariableDebtTokenInstance")
    *codes, strategies = (
        *await node.deploy(
            market.admin, *(market.contracts[kind].deploy_data(market.pool) for kind in kinds)
        ),
        await node.deploy(market.admin, *(strategy_code(market, spec.rates) for spec in specs)),
    )
    inputs = [
        (
            *codes,
            spec.decimals,
            strategy,
            tokens[spec.symbol],
            market.treasury,
            ZERO_ADDRESS,
            f"Aave {spec.symbol}",
            f"a{spec.symbol}",
            f"Aave Variable Debt {spec.symbol}",
            f"variableDebt{spec.symbol}",
            f"Aave Stable Debt {spec.symbol}",
            f"stableDebt{spec.symbol}",
            b"",
        )
        for spec, strategy in zip(specs, strategies, strict=True)
    ]
    # A batch of all would exceed the gas limit of a transaction: each reserve gets three proxies.
    await node.send_many([market.configurator_tx("initReserves", [each]) for each in inputs])


async def _create_emode_sources(
    node: Node, market: Market, emodes: Sequence[EModeSpec]
) -> dict[str, Address]:
    """Feeds of the eModes that have their own price, by label.

    A category names what the oracle has a source for, not the source: each feed is listed as its own asset.
    """
    prices = {mode.label: mode.price for mode in emodes if mode.price is not None}
    feeds = await Feeds(node, market.admin).create(prices)
    proxies = [feed.proxy for feed in feeds]
    data = market.contracts["AaveOracle"].encode("setAssetSources", proxies, proxies)
    await node.send(Tx(market.admin, market.oracle, data))
    return {feed.symbol: feed.proxy for feed in feeds}


def _emode_steps(market: Market, emodes: Sequence[EModeSpec], sources: Mapping[str, Address]) -> Iterator[Tx]:
    for mode in emodes:
        limits = (mode.ltv, mode.threshold, mode.bonus)
        source = sources.get(mode.label, ZERO_ADDRESS)
        yield market.configurator_tx("setEModeCategory", mode.category, *limits, source, mode.label)
        for symbol in mode.collateral:
            yield market.configurator_tx("setAssetEModeCategory", market.reserve(symbol).token, mode.category)
