"""Worlds for the executor's other dialects and lenders: a plan that pays, and the callback it awaits."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntFlag
from typing import Any

from eth_abi.abi import encode
from eth_utils.crypto import keccak

from keeper.protocols.base import Dialect, FlashKind
from tests.contract.executor_world import (
    NOBODY,
    REPAY,
    SEIZED,
    UNIT,
    Plan,
    World,
    build_world,
    deploy,
    encode_plan,
)

MARKET = "(address,address,address,address,uint256)"
V2_CALLBACK = keccak(text="executeOperation(address[],uint256[],uint256[],address,bytes)")[:4]


class Conduct(IntFlag):
    """What every lender and venue that calls back can do; each numbers its own lies."""

    HONEST = 1
    NO_CALLBACK = 2
    TWO_CALLBACKS = 4


@dataclass(frozen=True)
class Scene:
    """`plan` pays `profit`; its callback is made by `caller` with the calldata `callback`."""

    world: World
    plan: Plan
    profit: int
    caller: Any = None
    callback: bytes = b""
    lies: tuple[tuple[int, str], ...] = ()

    def call(self) -> tuple[str, bytes]:
        return self.world.executor.address, self.callback


def lender_fee(bps: int) -> int:
    return SEIZED - REPAY - REPAY * bps // 10_000


def funded(contract: Any, *tokens: Any) -> Any:
    for token in tokens:
        token.mint(contract.address, 10**9 * UNIT)
    return contract


def opened(world: World, contract: Any) -> Any:
    """Allow-listed, and rich in both tokens."""
    world.executor.set_venues([contract.address], True, sender=world.owner)
    return funded(contract, world.collateral, world.debt)


def morpho_loan() -> Scene:
    world = build_world()
    morpho = opened(world, deploy("testing/morpho.vy", NOBODY, NOBODY, 0))
    plan = world.plan(source=FlashKind.MORPHO, lender=morpho.address)
    callback = world.executor.onMorphoFlashLoan.prepare_calldata(REPAY, encode_plan(plan))
    lies = ((8, "another loan"), (16, "unexpected callback"))
    return Scene(world, plan, lender_fee(0), morpho, callback, lies)


def balancer_loan() -> Scene:
    world = build_world()
    vault = opened(world, deploy("testing/balancer_vault.vy"))
    plan = world.plan(source=FlashKind.BALANCER, lender=vault.address)
    callback = world.executor.receiveFlashLoan.prepare_calldata(
        [world.debt.address], [REPAY], [REPAY * 9 // 10_000], encode_plan(plan)
    )
    lies = ((8, "another loan"), (16, "unexpected callback"), (32, "another loan"))
    return Scene(world, plan, lender_fee(9), vault, callback, lies)


def uniswap_loan() -> Scene:
    world = build_world()
    pool = world.add_swapper(world.debt, deploy("testing/token.vy"))
    pool.set_factory(world.factory.address)
    plan = world.plan(source=FlashKind.UNISWAP_V3, lender=pool.address)
    fees = (REPAY * 5 // 10_000, 0) if pool.token0() == world.debt.address else (0, REPAY * 5 // 10_000)
    callback = world.executor.uniswapV3FlashCallback.prepare_calldata(*fees, encode_plan(plan))
    return Scene(world, plan, lender_fee(5), pool, callback, ((64, "unexpected callback"),))


def aave_v2_loan() -> Scene:
    """The pool lends and takes the liquidation, by one allowance."""
    world = build_world()
    pool = opened(world, deploy("testing/lending_pool_v2.vy", 1080))
    plan = world.plan(pool=pool.address, source=FlashKind.AAVE_V2)
    types = ["address[]", "uint256[]", "uint256[]", "address", "bytes"]
    values = [[world.debt.address], [REPAY], [REPAY * 9 // 10_000], world.executor.address, b""]
    lies = ((8, "another loan"), (16, "another loan"), (32, "not the borrower"))
    return Scene(world, plan, lender_fee(9), pool, V2_CALLBACK + encode(types, values), lies)


def aave_v2_lends_for_another() -> Scene:
    world = build_world()
    pool = opened(world, deploy("testing/lending_pool_v2.vy", 1080))
    return Scene(world, world.plan(source=FlashKind.AAVE_V2, lender=pool.address), lender_fee(9))


def aave_lends_for_another() -> Scene:
    world = build_world()
    pool = opened(world, deploy("testing/lending_pool.vy", 1080))
    return Scene(world, world.plan(lender=pool.address), lender_fee(5))


def inventory() -> Scene:
    """The owner pays, by an allowance of exactly what is needed."""
    world = build_world()
    world.debt.mint(world.owner, REPAY)
    world.debt.approve(world.executor.address, REPAY, sender=world.owner)
    return Scene(world, world.plan(source=FlashKind.NONE, lender=NOBODY), lender_fee(0))


def morpho() -> Scene:
    world = build_world()
    venue = opened(world, deploy("testing/morpho.vy", world.debt.address, world.collateral.address, 900))
    market = (world.debt.address, world.collateral.address, NOBODY, NOBODY, 0)
    data = encode([MARKET, "uint256", "uint256"], [market, SEIZED, 0])
    plan = _self_funded(world, Dialect.MORPHO, venue, data)
    repaid = SEIZED * 900 // 1000
    callback = world.executor.onMorphoLiquidate.prepare_calldata(repaid, encode_plan(plan))
    return Scene(world, plan, SEIZED - repaid, venue, callback, ((16, "unexpected callback"),))


def pre_liquidation() -> Scene:
    world = build_world()
    venue = opened(world, deploy("testing/morpho.vy", world.debt.address, world.collateral.address, 950))
    data = encode(["uint256", "uint256"], [SEIZED, 0])
    plan = _self_funded(world, Dialect.PRE_LIQUIDATION, venue, data)
    repaid = SEIZED * 950 // 1000
    callback = world.executor.onPreLiquidate.prepare_calldata(repaid, encode_plan(plan))
    return Scene(world, plan, SEIZED - repaid, venue, callback, ((16, "unexpected callback"),))


def euler() -> Scene:
    world = build_world()
    connector = deploy("testing/euler.vy", NOBODY, NOBODY, 0)
    debt, collateral = (
        opened(world, deploy("testing/euler.vy", connector.address, token.address, 1080))
        for token in (world.debt, world.collateral)
    )
    data = encode(["address", "address", "uint256"], [connector.address, collateral.address, 2 * SEIZED])
    plan = _self_funded(world, Dialect.EULER, debt, data)
    callback = world.executor.onChecksDeferred.prepare_calldata(encode_plan(plan))
    return Scene(world, plan, SEIZED - REPAY, connector, callback, ((8, "unexpected callback"),))


def aave_v4() -> Scene:
    world = build_world()
    spoke = opened(world, deploy("testing/spoke.vy", world.collateral.address, world.debt.address, 1080))
    data = encode(["uint256", "uint256"], [3, 7])
    plan = world.plan(dialect=Dialect.AAVE_V4, venue=spoke.address, data=data)
    return Scene(world, plan, lender_fee(5))


def compound() -> Scene:
    world = build_world()
    debt, collateral = c_tokens(world)
    plan = world.plan(dialect=Dialect.COMPOUND, venue=debt.address, data=markets_of(debt, collateral))
    return Scene(world, plan, lender_fee(5), debt)


def venus() -> Scene:
    world = build_world()
    debt, collateral = c_tokens(world)
    liquidator = opened(world, deploy("testing/venus_liquidator.vy", 1080))
    plan = world.plan(dialect=Dialect.COMPOUND, venue=liquidator.address, data=markets_of(debt, collateral))
    return Scene(world, plan, lender_fee(5) - SEIZED // 20, debt)


def comet() -> Scene:
    world = build_world()
    venue = opened(world, deploy("testing/comet.vy", world.debt.address, 1080))
    data = encode(["address[]", "uint256", "uint256"], [[world.account], REPAY, SEIZED])
    plan = world.plan(dialect=Dialect.COMET, venue=venue.address, data=data)
    return Scene(world, plan, lender_fee(5), venue)


def flash_swap() -> Scene:
    """The pool that buys the collateral pays before it has it."""
    world = build_world()
    return in_swap(Scene(world, world.plan(), lender_fee(5)))


def aave_v2_in_a_swap() -> Scene:
    return in_swap(aave_v2_loan(), 9)


def aave_v4_in_a_swap() -> Scene:
    return in_swap(aave_v4())


def compound_in_a_swap() -> Scene:
    return in_swap(compound())


def venus_in_a_swap() -> Scene:
    """Venus' Liquidator keeps a twentieth."""
    return in_swap(venus(), sold=SEIZED - SEIZED // 20)


def comet_in_a_swap() -> Scene:
    return in_swap(comet())


def in_swap(scene: Scene, bps: int = 5, sold: int = SEIZED) -> Scene:
    """The scene without its loan, whose fee was `bps`: the swap pool pays for the `sold` collateral first."""
    world, plan = scene.world, scene.plan
    legs = [(world.factory.address, sold, plan[11][0][2])]
    funded_so = (*plan[:6], FlashKind.FLASH_SWAP, NOBODY, *plan[8:11], legs)
    up = int(world.collateral.address, 16) > int(world.debt.address, 16)
    amounts = (-sold, sold) if up else (sold, -sold)
    callback = world.executor.uniswapV3SwapCallback.prepare_calldata(*amounts, encode_plan(funded_so))
    return Scene(world, funded_so, scene.profit + REPAY * bps // 10_000, world.swapper, callback)


def c_tokens(world: World) -> tuple[Any, Any]:
    """Markets of the debt and of the collateral."""
    return (
        opened(world, deploy("testing/c_token.vy", world.debt.address, 1080)),
        opened(world, deploy("testing/c_token.vy", world.collateral.address, 1080)),
    )


def markets_of(debt: Any, collateral: Any) -> bytes:
    return encode(["address", "address"], [debt.address, collateral.address])


def _self_funded(world: World, dialect: Dialect, venue: Any, data: bytes) -> Plan:
    return world.plan(dialect=dialect, venue=venue.address, data=data, source=FlashKind.NONE, lender=NOBODY)


CALLING_BACK: tuple[Callable[[], Scene], ...] = (
    morpho_loan,
    balancer_loan,
    uniswap_loan,
    aave_v2_loan,
    morpho,
    pre_liquidation,
    euler,
)
ALL: tuple[Callable[[], Scene], ...] = (
    *CALLING_BACK,
    aave_v2_lends_for_another,
    aave_lends_for_another,
    inventory,
    aave_v4,
    compound,
    venus,
    comet,
    flash_swap,
    aave_v2_in_a_swap,
    aave_v4_in_a_swap,
    compound_in_a_swap,
    venus_in_a_swap,
    comet_in_a_swap,
)
