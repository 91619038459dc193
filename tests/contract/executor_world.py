"""A world for the executor: an honest lending pool, two tokens, a swap pool. Tests make parts of it odd."""

from dataclasses import dataclass
from enum import IntFlag
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import boa
from eth_abi.abi import decode, encode
from eth_utils.crypto import keccak

from keeper.protocols.base import Dialect, FlashKind

CONTRACTS = Path(__file__).resolve().parents[2] / "contracts"
LIQUIDATION = (
    "(uint256,address,address,address,address,uint256,uint256,address,uint256,uint256,bytes,"
    "(address,uint256,(address,uint24)[3])[])"
)
NOBODY = "0x" + "00" * 20
UNIT = 10**18
STOCK = 10**11 * UNIT  # more than any test moves
REPAY = 1000 * UNIT
PREMIUM = REPAY * 5 // 10_000
SEIZED = REPAY * 108 // 100
PROFIT = SEIZED - REPAY - PREMIUM  # the swap pool trades one to one
FEE = 500

Plan = tuple[Any, ...]


class Lender(IntFlag):
    """Conduct of contracts/testing/lending_pool.vy."""

    HONEST = 1
    NO_CALLBACK = 2
    TWO_CALLBACKS = 4
    OTHER_AMOUNT = 8
    OTHER_PARAMS = 16
    OTHER_INITIATOR = 32
    PULLS_ALLOWANCE = 64


class Swapper(IntFlag):
    """Conduct of contracts/testing/swap_pool.vy."""

    HONEST = 1
    NO_CALLBACK = 2
    TWO_CALLBACKS = 4
    ASKS_MORE = 8
    PARTIAL_FILL = 16
    OTHER_TOKEN = 32
    OTHER_DATA = 64
    NO_DATA = 128


@cache
def deployer(path: str) -> Any:
    return boa.load_partial(str(CONTRACTS / path))


def deploy(path: str, *args: object) -> Any:
    return deployer(path)(*args)


def error(reason: str) -> bytes:
    """Revert data of a Vyper or Solidity `Error(string)`."""
    return bytes.fromhex("08c379a0") + encode(["string"], [reason])


def encode_plan(plan: Plan) -> bytes:
    return encode([LIQUIDATION], [plan])


def three(hops: list[tuple[str, int]]) -> list[tuple[str, int]]:
    """The hops of a leg, of which there are always three; unused ones are empty."""
    return [*hops, *[(NOBODY, 0)] * 3][:3]


class Detour(NamedTuple):
    """A way of three hops, its pools, and the tokens between."""

    hops: list[tuple[str, int]]
    pools: list[Any]
    between: list[Any]


@dataclass(frozen=True)
class World:
    owner: str
    operator: str
    account: str
    executor: Any
    lender: Any
    factory: Any
    swapper: Any
    collateral: Any
    debt: Any

    def plan(
        self,
        *,
        pool: str | None = None,
        factory: str | None = None,
        hops: list[tuple[str, int]] | None = None,
        **changes: Any,
    ) -> Plan:
        """A Liquidation that pays PROFIT, with some of its fields changed.

        `pool` is venue and lender; `factory` and `hops` make up its only leg.
        """
        hops = [(self.debt.address, FEE)] if hops is None else hops
        fields = {
            "dialect": Dialect.AAVE,
            "venue": pool or self.lender.address,
            "account": self.account,
            "collateral": self.collateral.address,
            "debt": self.debt.address,
            "repay": REPAY,
            "source": FlashKind.AAVE,
            "lender": pool or self.lender.address,
            "bid_bps": 0,
            "min_profit": 1,
            "data": b"",
            "legs": [(factory or self.factory.address, 0, three(hops))] if hops else [],
        }
        assert changes.keys() <= fields.keys()
        return tuple((fields | changes).values())

    def execute(self, *plans: Plan, call: bytes = b"") -> list[Any]:
        results: list[Any] = self.executor.execute(list(plans), call, sender=self.operator)
        return results

    def failure(self, *plans: Plan, call: bytes = b"") -> bytes:
        """Executes plans that must all fail and change nothing; returns the reason NothingDone carries."""
        before = self.balances()
        with boa.reverts():
            self.execute(*plans, call=call)
        output: bytes = self.executor._computation.output
        assert output[:4] == keccak(b"NothingDone(bytes)")[:4], output
        (reason,) = decode(["bytes"], output[4:])
        assert self.balances() == before
        return bytes(reason)

    def events(self, name: str) -> list[Any]:
        return named(self.executor, name)

    def new_account(self, debt: int = 2 * REPAY) -> str:
        account = boa.env.generate_address()
        self.lender.set_debt(account, debt)
        return str(account)

    def add_swapper(self, token_a: Any, token_b: Any, fee: int = FEE, rate: int = 1000) -> Any:
        swapper = deploy("testing/swap_pool.vy", token_a.address, token_b.address, rate)
        for token in (token_a, token_b):
            token.mint(swapper.address, STOCK)
        self.factory.add(token_a.address, token_b.address, fee, swapper.address)
        return swapper

    def add_detour(self) -> Detour:
        """Swappers from the collateral over two other tokens to the debt, that together give a fifth more."""
        first, second = deploy("testing/token.vy"), deploy("testing/token.vy")
        pools = [
            self.add_swapper(self.collateral, first, 100, rate=2000),
            self.add_swapper(first, second, 500, rate=3000),
            self.add_swapper(second, self.debt, 3000, rate=200),
        ]
        return Detour(
            [(first.address, 100), (second.address, 500), (self.debt.address, 3000)], pools, [first, second]
        )

    def add_middle(self) -> Any:
        """A token that the collateral can be swapped to, and that to the debt."""
        middle = deploy("testing/token.vy")
        self.add_swapper(self.collateral, middle)
        self.add_swapper(middle, self.debt)
        return middle

    def balances(self) -> list[int]:
        holders = (self.executor.address, self.lender.address, self.swapper.address, self.owner)
        return [token.balanceOf(holder) for token in (self.collateral, self.debt) for holder in holders]

    def assert_nothing_left(self) -> None:
        for token in (self.collateral, self.debt):
            assert token.balanceOf(self.executor.address) == 0
            for spender in (self.lender, self.swapper):
                assert token.allowance(self.executor.address, spender.address) == 0


def named(contract: Any, name: str) -> list[Any]:
    """Events of that name that `contract` itself emitted in its latest transaction."""
    logs = contract.get_logs(include_child_logs=True, strict=False)
    return [log for log in logs if log.address == contract.address and type(log).__name__ == name]


def build_world(
    *,
    collateral: Any = None,
    debt: Any = None,
    per_mille: int = 1080,
    rate: int = 1000,
    owner: str = "",
    wrapped: str = "",
) -> World:
    collateral = collateral or deploy("testing/token.vy")
    debt = debt or deploy("testing/token.vy")
    owner = owner or str(boa.env.generate_address("owner"))
    operator = str(boa.env.generate_address("operator"))
    executor = deploy("executor.vy", owner, operator, wrapped or NOBODY)
    lender = deploy("testing/lending_pool.vy", per_mille)
    factory = deploy("testing/swap_factory.vy")
    swapper = deploy("testing/swap_pool.vy", collateral.address, debt.address, rate)
    factory.add(collateral.address, debt.address, FEE, swapper.address)
    for token in (collateral, debt):
        for pool in (lender, swapper):
            token.mint(pool.address, STOCK)
    executor.set_venues([lender.address], True, sender=owner)
    executor.set_factory(factory.address, True, sender=owner)
    account = str(boa.env.generate_address("account"))
    lender.set_debt(account, 2 * REPAY)
    return World(owner, operator, account, executor, lender, factory, swapper, collateral, debt)
