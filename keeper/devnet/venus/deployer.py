"""Venus' core pool on a devnet, in its production layout: a diamond behind a Unitroller, a Liquidator, VAI.

Its oracle is the devnet's own price board; its access control and its share reserve let everything pass.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from keeper.devnet.aave.specs import DEFAULT_RESERVES
from keeper.devnet.board import Board
from keeper.devnet.borrowers import Borrower, make_borrowers
from keeper.devnet.contract import Contract
from keeper.devnet.deployment import Crowd
from keeper.devnet.ground import Ground, lay
from keeper.devnet.node import Node, Tx
from keeper.devnet.prices import Prices
from keeper.devnet.tokens import approve, mint
from keeper.devnet.venus.contracts import ACCEPTING, FACETS, clone, cuts, load_contracts
from keeper.devnet.venus.core import VenusCore, VenusListing
from keeper.devnet.venus.positions import open_positions, terms
from keeper.devnet.venus.specs import (
    DEFAULT_MARKETS,
    DEFAULT_POOLS,
    MODELS,
    PoolSpec,
    VenusSpec,
)
from keeper.types import MAX_UINT256, WAD, ZERO_ADDRESS, Address, checksum

LENDER = Address("0x" + "1f" * 20)
"""Supplies what every market lends at first."""

_NATIVE_MARKET = Address("0x" + "b0" * 20)
"""Stands for vBNB, of which this devnet has none."""

_WAD_PER_BPS = 10**14
_VTOKEN_DECIMALS = 8
_FIRST_RATE = 2 * 10**16
"""Whole underlying tokens per whole vToken, wad: 0.02."""

_FOREVER = 10**9
_VAI_MINT_RATE = 10_000
_MINT_CAP = 10**9 * WAD

Contracts = Mapping[str, Contract]


class Venus:
    """Implements `keeper.devnet.deployment.Deployment`. `borrowers` are who `populate` made."""

    kind = "venus"
    protocol = "venus"

    def __init__(self, core: VenusCore, ground: Ground, start_block: int) -> None:
        self.core = core
        self.prices = Prices.of(ground.tokens, DEFAULT_RESERVES, [ground.feeds])
        self.start_block = start_block
        self.borrowers: tuple[Borrower, ...] = ()
        self.settings: Mapping[str, Address] = {"comptroller": core.comptroller}
        self.venues = (core.liquidator,)

    @classmethod
    async def deploy(cls, node: Node, owner: Address, shared: Ground) -> "Venus":
        """The pool with its default markets and e-mode pools, each market with something to lend.

        Raises:
            ConfigError: the package is not installed.
            DevnetError: a step reverted.
        """
        contracts = load_contracts()
        node.learn(*contracts.values())
        start_block = await node.block_number()
        ground = await lay(node, owner, DEFAULT_RESERVES, shared)
        core = await _Builder(node, owner, ground, contracts).build()
        made = cls(core, ground, start_block)
        await node.fund([LENDER])
        await node.send_many(list(_liquidity(core, DEFAULT_MARKETS)))
        return made

    @property
    def borrower_count(self) -> int:
        return len(self.borrowers)

    def described(self) -> dict[str, Any]:
        return {
            "liquidator": checksum(self.core.liquidator),
            "oracle": checksum(self.core.board.address),
            "vtokens": {symbol: checksum(each.vtoken) for symbol, each in self.core.listings.items()},
        }

    async def populate(self, crowd: Crowd, progress: Callable[[int, int], None]) -> None:
        limits = terms(await self.prices.tokens())
        self.borrowers = make_borrowers(limits, crowd.borrowers, crowd.seed, crowd.mix)
        await open_positions(self.core, self.borrowers, progress)


class _Builder:
    """Deploys the pool; each step needs those before it."""

    def __init__(self, node: Node, owner: Address, ground: Ground, contracts: Contracts) -> None:
        self._node = node
        self._owner = owner
        self._ground = ground
        self._contracts = contracts

    async def build(self) -> VenusCore:
        comptroller = await self._diamond()
        access, lens, reserve, vai = await self._node.deploy(
            self._owner,
            self._contracts["AccessControlManagerMock"].deploy_data(self._owner),
            self._contracts["ComptrollerLens"].deploy_data(),
            ACCEPTING,
            self._contracts["VAI"].deploy_data(int(await self._node.request("eth_chainId"), 16)),
        )
        board = await Board.deploy(self._node, self._owner, self._ground)
        await board.fix(vai, WAD)
        (bounded,) = await self._node.deploy(
            self._owner,
            self._contracts["DeviationBoundedOracle"].deploy_data(
                board.address, _NATIVE_MARKET, ZERO_ADDRESS
            ),
        )
        await self._send(
            comptroller,
            "Comptroller",
            ("_setAccessControl", access),
            ("_setComptrollerLens", lens),
            ("_setPriceOracle", board.address),
            ("setDeviationBoundedOracle", bounded),
            ("_setCloseFactor", WAD // 2),
            ("_setTreasuryData", self._owner, reserve, 0),
        )
        controller = await self._vai(comptroller, vai, access, reserve)
        listings = await self._list(comptroller, board, access)
        await self._pools(comptroller, listings)
        liquidator = await self._liquidator(comptroller, access, reserve)
        return VenusCore(
            self._node,
            self._owner,
            comptroller,
            liquidator,
            vai,
            controller,
            reserve,
            board,
            listings,
            self._contracts,
        )

    async def _diamond(self) -> Address:
        names = ("Unitroller", "Diamond", *FACETS)
        codes = [self._contracts[name].deploy_data() for name in names]
        at = dict(zip(names, await self._node.deploy(self._owner, *codes), strict=True))
        unitroller = at["Unitroller"]
        await self._send(unitroller, "Unitroller", ("_setPendingImplementation", at["Diamond"]))
        await self._send(at["Diamond"], "Diamond", ("_become", unitroller))
        await self._send(unitroller, "Diamond", ("diamondCut", cuts(self._contracts, at)))
        return unitroller

    async def _vai(self, comptroller: Address, vai: Address, access: Address, reserve: Address) -> Address:
        """The controller of VAI, which accounts mint against their collateral."""
        proxy, code = await self._node.deploy(
            self._owner,
            self._contracts["VAIUnitroller"].deploy_data(),
            self._contracts["VAIController"].deploy_data(),
        )
        await self._send(proxy, "VAIUnitroller", ("_setPendingImplementation", code))
        await self._send(code, "VAIController", ("_become", proxy))
        await self._send(vai, "VAI", ("rely", proxy))
        await self._send(
            comptroller, "Comptroller", ("_setVAIController", proxy), ("_setVAIMintRate", _VAI_MINT_RATE)
        )
        await self._send(
            proxy,
            "VAIController",
            ("_setComptroller", comptroller),
            ("initialize",),
            ("setAccessControl", access),
            ("setVAIToken", vai),
            ("setMintCap", _MINT_CAP),
            ("setBaseRate", WAD // 50),
            ("setReceiver", reserve),
            ("_setTreasuryData", self._owner, reserve, 0),
        )
        return proxy

    async def _list(self, comptroller: Address, board: Board, access: Address) -> dict[str, VenusListing]:
        kinds = list(MODELS)
        codes = [self._contracts[kind].deploy_data(*MODELS[kind]) for kind in kinds]
        models = dict(zip(kinds, await self._node.deploy(self._owner, *codes), strict=True))
        decimals = {spec.symbol: spec.decimals for spec in DEFAULT_RESERVES}
        vtokens = await self._node.deploy(
            self._owner,
            *(
                self._contracts["VBep20Immutable"].deploy_data(
                    self._ground.tokens[spec.symbol],
                    comptroller,
                    models[spec.model],
                    _FIRST_RATE * 10 ** decimals[spec.symbol] // 10**_VTOKEN_DECIMALS,
                    f"Venus {spec.symbol}",
                    f"v{spec.symbol}",
                    _VTOKEN_DECIMALS,
                    self._owner,
                )
                for spec in DEFAULT_MARKETS
            ),
        )
        listings = {
            spec.symbol: VenusListing(
                spec.symbol, decimals[spec.symbol], self._ground.tokens[spec.symbol], vtoken
            )
            for spec, vtoken in zip(DEFAULT_MARKETS, vtokens, strict=True)
        }
        await board.list(
            {each.vtoken: (each.symbol, each.decimals) for each in listings.values()},
            self._ground,
        )
        for spec in DEFAULT_MARKETS:
            vtoken = listings[spec.symbol].vtoken
            await self._send(
                vtoken,
                "VBep20Immutable",
                ("setAccessControlManager", access),
                ("setReduceReservesBlockDelta", _FOREVER),
                ("_setReserveFactor", WAD // 10),
            )
            await self._send(comptroller, "Comptroller", *_market_steps(vtoken, spec))
        return listings

    async def _pools(self, comptroller: Address, listings: Mapping[str, VenusListing]) -> None:
        for number, pool in enumerate(DEFAULT_POOLS, 1):
            await self._send(comptroller, "Comptroller", *_pool_steps(number, pool, listings))

    async def _liquidator(self, comptroller: Address, access: Address, reserve: Address) -> Address:
        (code,) = await self._node.deploy(
            self._owner,
            self._contracts["Liquidator"].deploy_data(
                comptroller, _NATIVE_MARKET, self._ground.tokens["WETH"]
            ),
        )
        (liquidator,) = await self._node.deploy(self._owner, clone(code))
        await self._send(
            liquidator,
            "Liquidator",
            ("initialize", WAD // 2, access, reserve),
            ("setMinLiquidatableVAI", 1000 * WAD),
            ("setPendingRedeemChunkLength", 3),
            ("resumeForceVAILiquidate",),
        )
        await self._send(comptroller, "Comptroller", ("_setLiquidatorContract", liquidator))
        return liquidator

    async def _send(self, to: Address, contract: str, *steps: tuple[Any, ...]) -> None:
        encode = self._contracts[contract].encode
        await self._node.send_many([Tx(self._owner, to, encode(*step)) for step in steps])


def _market_steps(vtoken: Address, spec: VenusSpec) -> Iterator[tuple[Any, ...]]:
    yield "_supportMarket", vtoken
    yield "setCollateralFactor", vtoken, spec.factor * _WAD_PER_BPS, spec.threshold * _WAD_PER_BPS
    yield "setLiquidationIncentive", vtoken, spec.incentive * _WAD_PER_BPS
    yield "setIsBorrowAllowed", 0, vtoken, True
    yield "_setMarketSupplyCaps", [vtoken], [MAX_UINT256]
    yield "_setMarketBorrowCaps", [vtoken], [MAX_UINT256]


def _pool_steps(
    number: int, pool: PoolSpec, listings: Mapping[str, VenusListing]
) -> Iterator[tuple[Any, ...]]:
    vtokens = [listings[symbol].vtoken for symbol in pool.symbols]
    yield "createPool", pool.label
    yield "addPoolMarkets", [number] * len(vtokens), vtokens
    for vtoken in vtokens:
        yield "setLiquidationIncentive", number, vtoken, pool.incentive * _WAD_PER_BPS
        yield "setCollateralFactor", number, vtoken, pool.factor * _WAD_PER_BPS, pool.threshold * _WAD_PER_BPS
        yield "setIsBorrowAllowed", number, vtoken, True
    yield "setAllowCorePoolFallback", number, True


def _liquidity(core: VenusCore, specs: Sequence[VenusSpec]) -> Iterator[Tx]:
    for spec in specs:
        listing = core.listings[spec.symbol]
        amount = spec.liquidity * 10**listing.decimals
        yield mint(listing.token, LENDER, amount)
        yield approve(listing.token, LENDER, listing.vtoken)
        yield core.vtoken_tx(LENDER, spec.symbol, "mint", amount)
