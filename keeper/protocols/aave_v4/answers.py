"""What views of spoke and hub answer, as records. Layouts: aave.md §6.1, ISpoke.sol and IHub.sol."""

from collections.abc import Sequence

from keeper.protocols import decode
from keeper.protocols.aave_v4.records import (
    Asset,
    DynamicConfig,
    Line,
    LiquidationConfig,
    Reserve,
    Terms,
)
from keeper.protocols.decode import call
from keeper.protocols.oracles.words import signed
from keeper.types import Address, Call

Answer = bytes | None


def words(answer: Answer, count: int) -> list[int] | None:
    """The first `count` words, None where the callee gave fewer."""
    found = [decode.uint(answer, position) for position in range(count)]
    known = [word for word in found if word is not None]
    return known if len(known) == count else None


def get_asset(reserve: Reserve) -> Call:
    return call(reserve.hub, "getAsset(uint256)", reserve.asset_id)


def asset(answer: Answer) -> Asset | None:
    """IHub.Asset, 17 words."""
    found = words(answer, 17)
    if found is None:
        return None
    addresses = [decode.address(answer, position) or Address("") for position in range(12, 16)]
    return Asset(
        underlying=addresses[0],
        decimals=found[2],
        liquidity=found[0],
        realized_fees=found[1],
        added_shares=found[3],
        swept=found[4],
        premium_offset=signed(found[5]),
        drawn_shares=found[6],
        premium_shares=found[7],
        liquidity_fee=found[8],
        drawn_index=found[9],
        drawn_rate=found[10],
        updated=found[11],
        rate_strategy=addresses[1],
        reinvestment_controller=addresses[2],
        fee_receiver=addresses[3],
        deficit=found[16],
    )


def get_line(reserve: Reserve, spoke: Address) -> Call:
    return call(reserve.hub, "getSpoke(uint256,address)", reserve.asset_id, spoke)


def line(answer: Answer) -> Line | None:
    """IHub.SpokeData, 10 words."""
    found = words(answer, 10)
    if found is None:
        return None
    return Line(*found)._replace(premium_offset=signed(found[2]))


def get_reserve(spoke: Address, number: int) -> Call:
    return call(spoke, "getReserve(uint256)", number)


def reserve(answer: Answer, number: int) -> Reserve | None:
    """ISpoke.Reserve, 7 words: underlying and decimals are the hub's to tell."""
    found, hub = words(answer, 7), decode.address(answer, 1)
    if found is None or hub is None:
        return None
    return Reserve(number, hub, found[2], risk=found[4], flags=found[5], key=found[6])


def get_dynamic(spoke: Address, number: int, key: int) -> Call:
    return call(spoke, "getDynamicReserveConfig(uint256,uint32)", number, key)


def dynamic(answer: Answer) -> DynamicConfig | None:
    """ISpoke.DynamicReserveConfig, 3 words."""
    found = words(answer, 3)
    return None if found is None else DynamicConfig(*found)


def get_liquidation(spoke: Address) -> Call:
    return call(spoke, "getLiquidationConfig()")


def liquidation(answer: Answer) -> LiquidationConfig | None:
    """ISpoke.LiquidationConfig, 3 words."""
    found = words(answer, 3)
    return None if found is None else LiquidationConfig(*found)


def get_position(spoke: Address, number: int, account: Address) -> list[Call]:
    return [
        call(spoke, "getUserPosition(uint256,address)", number, account),
        call(spoke, "getUserReserveStatus(uint256,address)", number, account),
    ]


def position(answers: Sequence[Answer]) -> tuple[int, int, bool, Terms] | None:
    """Supplied shares, drawn shares, used as collateral, terms: ISpoke.UserPosition and the first flag."""
    found, flags = words(answers[0], 5), words(answers[1], 2)
    if found is None or flags is None:
        return None
    return found[3], found[0], bool(flags[0]), Terms(found[4], found[1], signed(found[2]))


def get_account(spoke: Address, account: Address) -> list[Call]:
    return [
        call(spoke, "getUserAccountData(address)", account),
        call(spoke, "getUserLastRiskPremium(address)", account),
    ]


def prices_call(oracle: Address, numbers: Sequence[int]) -> Call:
    """IAaveOracle.getReservesPrices: reverts as a whole when a single reserve has no price."""
    return decode.call_with_array(oracle, "getReservesPrices(uint256[])", numbers)
