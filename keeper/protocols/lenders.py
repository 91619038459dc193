"""Lenders of flash loans that an operator names: Morpho, vaults of Balancer v2, pools of Aave.

Interfaces: Morpho's IMorpho.flashLoan (free); Balancer v2's IVault and IProtocolFeesCollector
(fee: ProtocolFeesCollector, FixedPoint.mulUp); Aave's IPool (v2: ILendingPool).
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from eth_abi.abi import encode
from eth_utils.abi import function_signature_to_4byte_selector as selector

from keeper.protocols.bank import Bank
from keeper.protocols.base import FlashKind, FlashSource, Reads
from keeper.protocols.flash import Lender
from keeper.types import BPS, WAD, ZERO_ADDRESS, Address, Call

BALANCE_OF = selector("balanceOf(address)")
FEES_COLLECTOR = selector("getProtocolFeesCollector()")
FLASH_FEE = selector("getFlashLoanFeePercentage()")
PREMIUM = selector("FLASHLOAN_PREMIUM_TOTAL()")
RESERVE_DATA = selector("getReserveData(address)")
RESERVE_CONFIGURATION = selector("getConfiguration(address)")
VIRTUAL_BALANCE = selector("getVirtualUnderlyingBalance(address)")

# Aave's ReserveConfiguration: bits of active, paused, flash loans enabled.
ACTIVE, PAUSED, FLASH = 56, 60, 63
WORD = 32


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a version of Aave's pool is read: where its aToken stands, bits of a reserve that lends."""

    kind: FlashKind
    a_token: int
    needed: int
    forbidden: int


AAVE_V3 = Dialect(FlashKind.AAVE, 8, 1 << ACTIVE | 1 << FLASH, 1 << PAUSED)
AAVE_V2 = Dialect(FlashKind.AAVE_V2, 7, 1 << ACTIVE, 0)


@dataclass(frozen=True, slots=True)
class Morpho:
    """Lends all that it holds, for nothing."""

    address: Address

    def lend(self, tokens: Collection[Address]) -> Reads[Sequence[FlashSource]]:
        """See `keeper.protocols.bank.Bank`."""
        cash = yield from _held(dict.fromkeys(sorted(tokens), self.address))
        return [Lender(FlashKind.MORPHO, self.address, cash)]


@dataclass(frozen=True, slots=True)
class BalancerVault:
    """Lends all that it holds; governance sets the fee, which is zero so far."""

    address: Address

    def lend(self, tokens: Collection[Address]) -> Reads[Sequence[FlashSource]]:
        """See `keeper.protocols.bank.Bank`."""
        cash = yield from _held(dict.fromkeys(sorted(tokens), self.address))
        [collector] = yield [Call(self.address, FEES_COLLECTOR)]
        [fee] = yield [Call(_address(collector), FLASH_FEE)]
        if not fee:
            return []
        return [Lender(FlashKind.BALANCER, self.address, cash, _premium(int.from_bytes(fee), WAD))]


@dataclass(frozen=True, slots=True)
class AavePool:
    """Lends what the aTokens hold of reserves that are open to it."""

    address: Address
    dialect: Dialect = AAVE_V3

    def lend(self, tokens: Collection[Address]) -> Reads[Sequence[FlashSource]]:
        """See `keeper.protocols.bank.Bank`."""
        wanted, speech = sorted(tokens), self.dialect
        asked = (RESERVE_DATA, RESERVE_CONFIGURATION, VIRTUAL_BALANCE)
        premium, *answers = yield [
            Call(self.address, PREMIUM),
            *(Call(self.address, what + encode(["address"], [token])) for token in wanted for what in asked),
        ]
        if not premium:
            return []
        reserves: dict[Address, Address] = {}
        bounds: dict[Address, int] = {}
        for number, token in enumerate(wanted):
            data, configuration, virtual = answers[3 * number :][:3]
            if data and configuration and self._lends(int.from_bytes(configuration)):
                reserves[token] = _address(data[WORD * speech.a_token :][:WORD])
                if virtual:  # from v3.1 on only what was supplied counts, not what was sent there
                    bounds[token] = int.from_bytes(virtual)
        held = yield from _held(reserves)
        cash = {token: min(amount, bounds.get(token, amount)) for token, amount in held.items()}
        return [Lender(speech.kind, self.address, cash, _premium(int.from_bytes(premium), BPS))]

    def _lends(self, configuration: int) -> bool:
        needed = self.dialect.needed
        return configuration & needed == needed and not configuration & self.dialect.forbidden


BANKS: Mapping[str, Callable[[Address], Bank]] = {
    "morpho": Morpho,
    "balancer": BalancerVault,
    "aave-v3": AavePool,
    "aave-v2": partial(AavePool, dialect=AAVE_V2),
}
"""By the kind of a [[lender]]."""

PROOFS: Mapping[str, str] = {
    "morpho": "feeRecipient()",
    "balancer": "getProtocolFeesCollector()",
    "aave-v3": "FLASHLOAN_PREMIUM_TOTAL()",
    "aave-v2": "FLASHLOAN_PREMIUM_TOTAL()",
}
"""What a contract of each kind answers with a word, and hardly another."""


def _held(holders: Mapping[Address, Address]) -> Reads[dict[Address, int]]:
    """What of each token its holder has."""
    answers = yield [
        Call(token, BALANCE_OF + encode(["address"], [holder])) for token, holder in holders.items()
    ]
    return {token: int.from_bytes(answer or b"") for token, answer in zip(holders, answers, strict=True)}


def _premium(share: int, whole: int) -> Callable[[int], int]:
    """Rounded up, as the strictest of them does; some ask a unit less."""
    return lambda amount: -(-amount * share // whole)


def _address(word: bytes | None) -> Address:
    return Address("0x" + word[-20:].hex()) if word else ZERO_ADDRESS
