"""A spoke, its oracle and hubs as a node would answer for them: views over the state of a World.

Encoded by the structs' Solidity types (ISpoke.sol, IHub.sol), not by what the keeper decodes.
"""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from eth_abi.abi import decode, encode
from eth_utils.crypto import keccak

from keeper.protocols.aave_v4.records import config_of, deployment, line_of, listed, price_of, terms_of
from keeper.protocols.base import Reads, Side
from keeper.types import Address, Call
from tests.aave_v4_world import HUBS, ORACLE, SPOKE, World

T = TypeVar("T")

ASSET = (
    "(uint120,uint120,uint8,uint120,uint120,int200,uint120,uint120,uint16,uint120,uint96,uint40,"
    "address,address,address,address,uint200)"
)
SPOKE_DATA = "(uint120,uint120,int200,uint120,uint40,uint40,uint24,bool,bool,uint200)"
RESERVE = "(address,address,uint16,uint8,uint24,uint8,uint32)"
POSITION = "(uint120,uint120,int200,uint120,uint32)"
ACCOUNT = "(uint256,uint256,uint256,uint256,uint256,uint256,uint256)"


class Views:
    """What the contracts of `world` answer; `revision` of spoke and hubs, None where they tell none."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.revision: int | None = 1
        self.asked: list[str] = []
        views: dict[str, Callable[..., bytes | None]] = {
            "ORACLE()": lambda _to: encode(["address"], [ORACLE]),
            "SPOKE_REVISION()": lambda to: self._revision(to == SPOKE),
            "HUB_REVISION()": lambda to: self._revision(to in HUBS),
            "decimals()": lambda _to: encode(["uint8"], [8]),
            "symbol()": lambda _to: encode(["string"], ["TKN"]),
            "getAssetCount()": lambda to: encode(["uint256"], [9]) if to in HUBS else None,
            "getReserveCount()": lambda to: encode(["uint256"], [len(world.places)]) if to == SPOKE else None,
            "getReserve(uint256)": self._reserve,
            "getAsset(uint256)": self._asset,
            "getSpoke(uint256,address)": self._line,
            "getDynamicReserveConfig(uint256,uint32)": lambda _to, number, key: encode(
                ["(uint16,uint32,uint16)"], [config_of(world.book, number, key)]
            ),
            "getLiquidationConfig()": lambda _to: encode(
                ["(uint128,uint64,uint16)"], [world.market.frame(world.now).liquidation]
            ),
            "getUserPosition(uint256,address)": self._position,
            "getUserReserveStatus(uint256,address)": lambda _to, number, account: encode(
                ["bool", "bool"],
                [
                    world.book.enabled(account, number),
                    world.book.quantity(account, number, Side.DEBT) > 0,
                ],
            ),
            "getUserAccountData(address)": self._account,
            "getUserLastRiskPremium(address)": lambda _to, account: encode(
                ["uint256"], [world.book.get(("risk_premium", account), 0)]
            ),
            "getReservePrice(uint256)": self._price,
            "getReservesPrices(uint256[])": self._prices,
        }
        self._views = {keccak(text=name)[:4]: (name, view) for name, view in views.items()}

    def answer(self, call: Call) -> bytes | None:
        """Result of one call, None where the contract reverts."""
        name, view = self._views[call.data[:4]]
        self.asked.append(name)
        types = [kind for kind in name[name.index("(") + 1 : -1].split(",") if kind]
        return view(call.to, *decode(types, call.data[4:]))

    def drive(self, reads: Reads[T]) -> T:
        """Carry on a conversation to its end."""
        try:
            calls: Sequence[Call] = next(reads)
            while True:
                assert calls
                calls = reads.send([self.answer(call) for call in calls])
        except StopIteration as stop:
            learned: T = stop.value
            return learned

    def _revision(self, asked_rightly: bool) -> bytes | None:
        known = asked_rightly and self.revision is not None
        return encode(["uint64"], [self.revision]) if known else None

    def _reserve(self, _to: Address, number: int) -> bytes:
        reserve, asset, _ = listed(self.world.book)[number]
        return encode(
            [RESERVE],
            [
                (
                    asset.underlying,
                    reserve.hub,
                    reserve.asset_id,
                    asset.decimals,
                    reserve.risk,
                    reserve.flags,
                    reserve.key,
                )
            ],
        )

    def _asset(self, to: Address, asset_id: int) -> bytes | None:
        found = self.world.book.get(("asset", to, asset_id))
        if found is None:
            return None
        state: dict[str, Any] = found._asdict()
        order = (
            "liquidity realized_fees decimals added_shares swept premium_offset drawn_shares premium_shares "
            "liquidity_fee drawn_index drawn_rate updated underlying rate_strategy reinvestment_controller "
            "fee_receiver deficit"
        )
        return encode([ASSET], [tuple(state[name] for name in order.split())])

    def _line(self, to: Address, asset_id: int, _spoke: Address) -> bytes | None:
        places = self.world.places
        number = places.index((to, asset_id))
        found = line_of(self.world.book, listed(self.world.book)[number][0])
        assert found
        return encode([SPOKE_DATA], [(*found[:7], bool(found.active), bool(found.halted), found.deficit)])

    def _position(self, _to: Address, number: int, account: Address) -> bytes:
        book = self.world.book
        terms = terms_of(book, account, number)
        return encode(
            [POSITION],
            [
                (
                    book.quantity(account, number, Side.DEBT),
                    terms.premium_shares,
                    terms.premium_offset,
                    book.quantity(account, number, Side.COLLATERAL),
                    terms.key,
                )
            ],
        )

    def _account(self, _to: Address, account: Address) -> bytes:
        health = self.world.market.health(account, self.world.market.frame(self.world.now))
        details = health.details
        return encode(
            [ACCOUNT],
            [
                (
                    details["risk_premium"],
                    details["avg_collateral_factor"],
                    health.health_factor,
                    details["total_collateral_value"],
                    details["total_debt_value_ray"],
                    details["active_collateral_count"],
                    details["borrow_count"],
                )
            ],
        )

    def _price(self, to: Address, number: int) -> bytes | None:
        assert to == deployment(self.world.book).oracle
        price = price_of(self.world.book, number)
        return encode(["uint256"], [price]) if price else None

    def _prices(self, to: Address, numbers: Sequence[int]) -> bytes | None:
        prices = [price_of(self.world.book, number) for number in numbers]
        assert to == deployment(self.world.book).oracle
        return encode(["uint256[]"], [prices]) if all(prices) else None
