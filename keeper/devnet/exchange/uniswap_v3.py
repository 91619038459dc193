"""Uniswap v3 from its npm packages, with pools that hold real liquidity around given prices."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import chain
from typing import NamedTuple

from keeper.devnet.contract import Contract
from keeper.devnet.exchange.ticks import (
    TICK_SPACING,
    PricedToken,
    amounts_for_value,
    sort_tokens,
    sqrt_price,
    ticks_around,
)
from keeper.devnet.node import Node, Tx
from keeper.devnet.packages import package
from keeper.devnet.tokens import approve, mint
from keeper.types import MAX_UINT256, USD, ZERO_ADDRESS, Address

LOWEST_FEE = 100


class PoolPlan(NamedTuple):
    """A pool to create: two symbols, fee in millionths, value of all positions in dollars."""

    base: str
    quote: str
    fee: int
    dollars: int


DEFAULT_POOLS = (
    PoolPlan("WETH", "USDC", 500, 40_000_000),
    PoolPlan("WETH", "USDC", 3000, 15_000_000),
    PoolPlan("WETH", "USDT", 500, 25_000_000),
    PoolPlan("WETH", "DAI", 3000, 10_000_000),
    PoolPlan("WBTC", "WETH", 500, 15_000_000),
    PoolPlan("WBTC", "WETH", 3000, 30_000_000),
    PoolPlan("wstETH", "WETH", 100, 30_000_000),
    PoolPlan("LINK", "WETH", 3000, 8_000_000),
    PoolPlan("USDC", "USDT", 100, 30_000_000),
    PoolPlan("USDC", "DAI", 100, 20_000_000),
    PoolPlan("GOLD", "USDC", 10000, 3_000_000),
)
"""Depths in the order of the largest mainnet pools; GOLD is thin on purpose."""


class Band(NamedTuple):
    """One position of a pool: `reach` percent of the price to both sides (None: all prices), its share."""

    reach: int | None
    percent: int


WIDE_BANDS = (Band(None, 30), Band(50, 40), Band(10, 30))
TIGHT_BANDS = (Band(None, 20), Band(5, 40), Band(1, 40))
"""For pairs that move together: most of the money within a percent."""


class Pool(NamedTuple):
    """A pool of the exchange; `fee` in millionths."""

    address: Address
    token0: Address
    token1: Address
    fee: int


@dataclass(frozen=True, slots=True)
class Exchange:
    """A deployed Uniswap v3."""

    factory: Address
    quoter: Address
    router: Address
    position_manager: Address
    pools: tuple[Pool, ...]


@cache
def uniswap_contract(name: str) -> Contract:
    """ABI and code of UniswapV3Factory, UniswapV3Pool, NonfungiblePositionManager, SwapRouter or QuoterV2.

    Raises:
        ConfigError: the npm packages are not installed.
    """
    folder = package("@uniswap/v3-core" if name.startswith("UniswapV3") else "@uniswap/v3-periphery")
    inner = "lens/" if name == "QuoterV2" else ""
    return Contract.load(folder / "artifacts/contracts" / f"{inner}{name}.sol" / f"{name}.json")


async def deploy_uniswap_v3(
    node: Node,
    owner: Address,
    tokens: Mapping[str, PricedToken],
    plans: Sequence[PoolPlan] = DEFAULT_POOLS,
    *,
    depth_percent: int = 100,
) -> Exchange:
    """Deploy the exchange and every planned pool at the tokens' prices; `owner` holds the liquidity.

    `tokens` by symbol must be mintable by anyone; `depth_percent` scales the depth of all plans.

    Raises:
        DevnetError: a deployment or a deposit reverted.
        KeyError: a plan names a symbol that `tokens` lacks.
    """
    pairs = [sort_tokens(tokens[plan.base], tokens[plan.quote]) for plan in plans]
    factory, manager, router, quoter = await _deploy_core(node, owner)
    await node.send_many([*_allow(owner, manager, tokens), *_create_pools(owner, manager, plans, pairs)])
    deposits = chain.from_iterable(
        _deposits(owner, manager, plan, pair, depth_percent) for plan, pair in zip(plans, pairs, strict=True)
    )
    await node.send_many(list(deposits))
    contract = uniswap_contract("UniswapV3Factory")
    found = await node.call_many(
        [
            (factory, contract.encode("getPool", pair[0].address, pair[1].address, plan.fee))
            for plan, pair in zip(plans, pairs, strict=True)
        ]
    )
    pools = tuple(
        Pool(Address(contract.decode("getPool", data)), pair[0].address, pair[1].address, plan.fee)
        for plan, pair, data in zip(plans, pairs, found, strict=True)
    )
    return Exchange(factory, quoter, router, manager, pools)


async def _deploy_core(node: Node, owner: Address) -> tuple[Address, Address, Address, Address]:
    core = uniswap_contract("UniswapV3Factory")
    factory = (await node.deploy(owner, core.deploy_data()))[0]
    # Wrapped ether only matters to who trades ether itself, which nobody does here.
    manager, router, quoter = await node.deploy(
        owner,
        uniswap_contract("NonfungiblePositionManager").deploy_data(factory, ZERO_ADDRESS, ZERO_ADDRESS),
        uniswap_contract("SwapRouter").deploy_data(factory, ZERO_ADDRESS),
        uniswap_contract("QuoterV2").deploy_data(factory, ZERO_ADDRESS),
    )
    enable = core.encode("enableFeeAmount", LOWEST_FEE, TICK_SPACING[LOWEST_FEE])
    await node.send(Tx(owner, factory, enable))
    return factory, manager, router, quoter


def _allow(owner: Address, manager: Address, tokens: Mapping[str, PricedToken]) -> list[Tx]:
    return [approve(token.address, owner, manager) for token in tokens.values()]


def _create_pools(
    owner: Address,
    manager: Address,
    plans: Sequence[PoolPlan],
    pairs: Sequence[tuple[PricedToken, PricedToken]],
) -> list[Tx]:
    contract = uniswap_contract("NonfungiblePositionManager")
    return [
        Tx(
            owner,
            manager,
            contract.encode(
                "createAndInitializePoolIfNecessary",
                pair[0].address,
                pair[1].address,
                plan.fee,
                sqrt_price(*pair),
            ),
        )
        for plan, pair in zip(plans, pairs, strict=True)
    ]


def _deposits(
    owner: Address,
    manager: Address,
    plan: PoolPlan,
    pair: tuple[PricedToken, PricedToken],
    depth_percent: int,
) -> list[Tx]:
    """Mint the tokens of each band and deposit them."""
    token0, token1 = pair
    price = sqrt_price(token0, token1)
    contract = uniswap_contract("NonfungiblePositionManager")
    txs: list[Tx] = []
    for band in TIGHT_BANDS if plan.fee == LOWEST_FEE else WIDE_BANDS:
        ticks = ticks_around(price, plan.fee, band.reach)
        usd = plan.dollars * USD * depth_percent * band.percent // 10**4
        amounts = amounts_for_value(token0, token1, price, ticks, usd)
        position = (
            token0.address, token1.address, plan.fee, *ticks, *amounts, 0, 0, owner, MAX_UINT256,
        )  # fmt: skip
        txs += [mint(token.address, owner, amount) for token, amount in zip(pair, amounts, strict=True)]
        txs.append(Tx(owner, manager, contract.encode("mint", position)))
    return txs
