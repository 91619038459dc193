"""The Uniswap v3 venue against scripted answers: what it asks, what it believes, when it asks again."""

from collections.abc import Callable, Mapping, Sequence
from itertools import combinations
from typing import TypeVar

import pytest
from eth_abi.abi import decode, encode

from keeper.plan.model import Hop
from keeper.plan.route import Path, Quote, QuoteRequest
from keeper.plan.uniswap_v3 import HIGHEST_PRICE, LOWEST_PRICE, UniswapV3
from keeper.plan.uniswap_v3.gas import swap_gas
from keeper.protocols.base import FlashKind, Reads
from keeper.types import Address, Call

T = TypeVar("T")

FACTORY = Address("0x" + "fa" * 20)
QUOTER = Address("0x" + "9e" * 20)
A, B, C, D, E = (Address("0x" + f"{number:02x}" * 20) for number in range(1, 6))
GET_POOL = bytes.fromhex("1698ee82")
LIQUIDITY = bytes.fromhex("1a686502")
SPACING = bytes.fromhex("d0c93a7c")
BALANCE_OF = bytes.fromhex("70a08231")
MIDDLE = 2**96


def drive(reads: Reads[T], reply: Callable[[Call], bytes | None]) -> tuple[T, list[Sequence[Call]]]:
    """Answer every call by `reply`; returns the result and what was asked in each round."""
    asked: list[Sequence[Call]] = []
    try:
        calls = next(reads)
        while True:
            asked.append(calls)
            calls = reads.send([reply(call) for call in calls])
    except StopIteration as stop:
        return stop.value, asked


def exchange(pools: Mapping[tuple[Address, Address, int], int]) -> Callable[[Call], bytes | None]:
    """A factory whose pools, keyed by sorted tokens and fee, have the given liquidity."""
    addresses = {key: Address(f"0x{0xB0_0000 + number:040x}") for number, key in enumerate(pools)}
    depth = {addresses[key]: liquidity for key, liquidity in pools.items()}

    def reply(call: Call) -> bytes | None:
        if call.to == FACTORY:
            assert call.data[:4] == GET_POOL
            a, b, fee = decode(["address", "address", "uint24"], call.data[4:])
            pool = addresses.get((*sorted([Address(a), Address(b)]), fee))
            return encode(["address"], [pool or "0x" + "00" * 20])
        if call.data == SPACING:
            return encode(["int24"], [60])
        if call.data[:4] == BALANCE_OF:
            return encode(["uint256"], [1000 * depth[Address("0x" + call.data[-20:].hex())]])
        assert call.data == LIQUIDITY
        return encode(["uint128"], [depth[call.to]])

    return reply


def discovered(pools: Mapping[tuple[Address, Address, int], int], block: int = 1) -> UniswapV3:
    venue = UniswapV3(FACTORY, QUOTER, max_age=10)
    drive(venue.discover(list(combinations([A, B, C, D, E], 2)), block), exchange(pools))
    return venue


def test_routes__direct_pools__deepest_first_and_empty_ones_left_out() -> None:
    venue = discovered({(A, B, 500): 7, (A, B, 100): 0, (A, B, 3000): 9})
    assert venue.routes(B, A) == [
        Path(FACTORY, B, (Hop(A, 3000),)),
        Path(FACTORY, B, (Hop(A, 500),)),
    ]
    assert venue.routes(A, A) == []
    assert venue.routes(A, C) == []


def test_routes__two_hops__through_hubs_that_reach_both_ends_by_their_two_deepest_pools() -> None:
    pools = {(A, C, 100): 3, (A, C, 500): 2, (A, C, 3000): 1, (B, C, 3000): 5, (A, D, 500): 9, (B, E, 500): 9}
    assert discovered(pools).routes(A, B) == [
        Path(FACTORY, A, (Hop(C, 100), Hop(B, 3000))),
        Path(FACTORY, A, (Hop(C, 500), Hop(B, 3000))),
    ]


def test_routes__several_hubs__best_connected_first() -> None:
    pools = {(A, C, 500): 1, (B, C, 500): 1, (A, D, 500): 1, (B, D, 500): 1, (D, E, 500): 1}
    hubs = [path.hops[0].token_out for path in discovered(pools).routes(A, B)]
    assert hubs == [D, C]


def test_routes__hardly_any_short_one__goes_over_two_tokens_by_the_deepest_pools() -> None:
    """LINK to DAI by way of WETH and USDC, as it were: the pool of WETH and DAI is a small one."""
    pools = {
        (A, C, 3000): 5,
        (B, C, 3000): 1,
        (C, D, 500): 7,
        (C, D, 3000): 9,
        (B, D, 100): 4,
        (C, E, 500): 1,
    }
    assert discovered(pools).routes(A, B) == [
        Path(FACTORY, A, (Hop(C, 3000), Hop(B, 3000))),
        Path(FACTORY, A, (Hop(C, 3000), Hop(D, 3000), Hop(B, 100))),
    ]


def test_routes__enough_short_ones__no_longer_one() -> None:
    pools = {(A, C, fee): 5 for fee in (500, 3000)} | {(B, C, fee): 5 for fee in (500, 3000)}
    longer = {(C, D, 500): 1, (B, D, 500): 1}
    assert all(len(path.hops) == 2 for path in discovered(pools | longer).routes(A, B))


def test_discover__fresh_pairs__asks_nothing_until_they_are_old() -> None:
    venue = discovered({(A, B, 500): 7}, block=100)
    _, asked = drive(venue.discover([(A, B)], 109), exchange({}))
    assert asked == []
    _, asked = drive(venue.discover([(A, B)], 110), exchange({}))
    assert [len(calls) for calls in asked] == [4, 0]
    assert venue.routes(A, B) == []


def test_discover__a_new_token__asks_only_its_pairs() -> None:
    venue = UniswapV3(FACTORY, QUOTER)
    drive(venue.discover([(A, B)], 1), exchange({}))
    _, asked = drive(venue.discover([(A, B), (A, C), (B, C)], 2), exchange({(B, C, 500): 1}))
    assert len(asked[0]) == 2 * 4
    assert venue.routes(B, C)


def test_discover__chain_went_back__asks_again() -> None:
    venue = discovered({(A, B, 500): 7}, block=100)
    _, asked = drive(venue.discover([(A, B)], 99), exchange({}))
    assert asked


def test_quote__two_hops__packs_the_path_and_reads_amount_and_gas() -> None:
    request = QuoteRequest(Path(FACTORY, A, (Hop(C, 500), Hop(B, 10_000))), 12345)
    answer = encode(
        ["uint256", "uint160[]", "uint32[]", "uint256"], [678, [MIDDLE, MIDDLE + 1], [0, 1], 190_000]
    )
    quotes, asked = drive(UniswapV3(FACTORY, QUOTER).quote([request]), lambda _: answer)
    assert quotes == [Quote(678, swap_gas(2, 1))]
    [[call]] = asked
    path = A[2:] + "0001f4" + C[2:] + "002710" + B[2:]
    assert call.to == QUOTER
    assert call.data[:4].hex() == "cdca1753"
    assert decode(["bytes", "uint256"], call.data[4:]) == (bytes.fromhex(path), 12345)


@pytest.mark.parametrize("price", [LOWEST_PRICE, HIGHEST_PRICE])
def test_quote__a_pool_ran_dry_on_the_way__none(price: int) -> None:
    request = QuoteRequest(Path(FACTORY, A, (Hop(C, 500), Hop(B, 500))), 1)
    answer = encode(["uint256", "uint160[]", "uint32[]", "uint256"], [678, [price, MIDDLE], [0, 1], 1])
    assert drive(UniswapV3(FACTORY, QUOTER).quote([request]), lambda _: answer)[0] == [None]


@pytest.mark.parametrize(
    "answer", [None, b"", encode(["uint256", "uint160[]", "uint32[]", "uint256"], [0, [MIDDLE], [0], 1])]
)
def test_quote__revert_or_nothing_returned__none(answer: bytes | None) -> None:
    request = QuoteRequest(Path(FACTORY, A, (Hop(B, 500),)), 1)
    assert drive(UniswapV3(FACTORY, QUOTER).quote([request]), lambda _: answer)[0] == [None]


def test_lend__pools_with_the_token__three_of_each_fee_that_hold_most() -> None:
    depths = {(A, B, 500): 3, (A, C, 500): 5, (A, D, 500): 1, (A, E, 500): 2, (A, B, 3000): 9, (B, C, 100): 9}
    venue = discovered(depths)
    sources, asked = drive(venue.lend([A]), exchange(depths))
    assert [len(calls) for calls in asked] == [4]
    assert [(source.key.token1, source.key.fee) for source in sources] == [
        (C, 500),
        (B, 500),
        (E, 500),
        (B, 3000),
    ]
    cheapest = sources[0]
    assert (cheapest.kind, cheapest.lender) == (FlashKind.UNISWAP_V3, Address(f"0x{0xB0_0001:040x}"))
    assert (cheapest.available(A), cheapest.available(C)) == (5000, 0)
    assert [cheapest.fee(A, amount) for amount in (0, 1, 2000, 2001)] == [0, 1, 1, 2]


def test_lend__unknown_token__nobody() -> None:
    assert drive(UniswapV3(FACTORY, QUOTER).lend([A]), exchange({}))[0] == []
