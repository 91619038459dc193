"""Lenders that an operator names: what they have, what they ask, and when they lend nothing."""

from collections.abc import Mapping

import pytest
from eth_abi.abi import encode
from eth_utils.abi import function_signature_to_4byte_selector as selector

from keeper.protocols.base import FlashKind, FlashSource
from keeper.protocols.lenders import BANKS
from keeper.types import Address, Call
from tests.unit.test_plan_uniswap_v3 import drive

LENDER = Address("0x" + "1e" * 20)
COLLECTOR = Address("0x" + "c0" * 20)
A_TOKEN = Address("0x" + "a7" * 20)
USDC = Address("0x" + "05" * 20)
OPEN = 1 << 56 | 1 << 63

Answers = Mapping[tuple[Address, str], bytes]


def word(value: int | Address) -> bytes:
    return encode(["address" if isinstance(value, str) else "uint256"], [value])


def lent(kind: str, answers: Answers) -> list[FlashSource]:
    """What a bank of `kind` at LENDER offers of USDC; what `answers` lacks reverts."""
    known = {(to, selector(name)): data for (to, name), data in answers.items()}
    bank = BANKS[kind](LENDER)

    def reply(call: Call) -> bytes | None:
        return known.get((call.to, call.data[:4]))

    return list(drive(bank.lend([USDC]), reply)[0])


def aave(place: int, configuration: int, virtual: int | None = None) -> dict[tuple[Address, str], bytes]:
    answers = {
        (LENDER, "FLASHLOAN_PREMIUM_TOTAL()"): word(5),
        (LENDER, "getConfiguration(address)"): word(configuration),
        (LENDER, "getReserveData(address)"): bytes(32 * place) + word(A_TOKEN) + bytes(128),
        (USDC, "balanceOf(address)"): word(900),
    }
    if virtual is not None:
        answers[LENDER, "getVirtualUnderlyingBalance(address)"] = word(virtual)
    return answers


def test_lend__morpho__all_it_holds_for_nothing() -> None:
    [source] = lent("morpho", {(USDC, "balanceOf(address)"): word(700)})
    assert (source.kind, source.lender) == (FlashKind.MORPHO, LENDER)
    assert (source.available(USDC), source.fee(USDC, 10**9)) == (700, 0)
    assert source.available(A_TOKEN) == 0


@pytest.mark.parametrize(("share", "fee"), [(0, 0), (10**14, 1), (10**14 + 1, 2)])
def test_lend__balancer__its_collector_tells_the_fee_which_is_rounded_up(share: int, fee: int) -> None:
    answers = {
        (USDC, "balanceOf(address)"): word(700),
        (LENDER, "getProtocolFeesCollector()"): word(COLLECTOR),
        (COLLECTOR, "getFlashLoanFeePercentage()"): word(share),
    }
    [source] = lent("balancer", answers)
    assert (source.kind, source.lender) == (FlashKind.BALANCER, LENDER)
    assert (source.available(USDC), source.fee(USDC, 10_000)) == (700, fee)


@pytest.mark.parametrize(("virtual", "cash"), [(None, 900), (800, 800), (1000, 900)])
def test_lend__aave_v3__what_the_a_token_holds_and_counts(virtual: int | None, cash: int) -> None:
    [source] = lent("aave-v3", aave(8, OPEN, virtual))
    assert (source.kind, source.lender) == (FlashKind.AAVE, LENDER)
    assert (source.available(USDC), source.fee(USDC, 2001)) == (cash, 2)


@pytest.mark.parametrize("configuration", [0, 1 << 56, 1 << 63, OPEN | 1 << 60])
def test_lend__aave_v3_reserve_closed_or_paused__nothing(configuration: int) -> None:
    [source] = lent("aave-v3", aave(8, configuration))
    assert source.available(USDC) == 0


def test_lend__aave_v2__reads_its_own_layout() -> None:
    [source] = lent("aave-v2", aave(7, 1 << 56))
    assert (source.kind, source.available(USDC)) == (FlashKind.AAVE_V2, 900)


@pytest.mark.parametrize("kind", ["balancer", "aave-v3", "aave-v2"])
def test_lend__contract_does_not_answer__no_lender(kind: str) -> None:
    assert lent(kind, {}) == []
