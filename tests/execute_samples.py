"""Plans, receipts and databases for the tests of execute and ledger."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from keeper.execute.model import Step
from keeper.plan.model import Hop, Leg, Loan, Plan, Profit, Route
from keeper.ports import Receipt
from keeper.protocols.base import AssetInfo, Dialect, FlashKind, Instruction, Opportunity, Settlement
from keeper.store import Database, metadata
from keeper.types import USD, Address, BlockRef, Hash, Log

POOL = Address("0x" + "a1" * 20)
FACTORY = Address("0x" + "fa" * 20)
EXECUTOR = Address("0x" + "ec" * 20)
OPERATOR = Address("0x" + "0e" * 20)
USDC = AssetInfo(1, Address("0x" + "cc" * 20), "USDC", 6, USD)
WETH = AssetInfo(2, Address("0x" + "ee" * 20), "WETH", 18, 2000 * USD)


def block_ref(number: int, fork: str = "00") -> BlockRef:
    name = f"{number:030x}"
    return BlockRef(
        number,
        Hash(f"0x{fork}{name}".ljust(66, "0")),
        Hash(f"0x{fork}{number - 1:030x}".ljust(66, "0")),
        1_700_000_000 + 12 * number,
        10**9,
    )


def account(number: int) -> Address:
    return Address(f"0x{number:040x}")


def sample_plan(number: int = 1, *, gas: int = 500_000, repay: int = 1_000_000_000) -> Plan:
    """Repays 1000 USDC against 0.525 WETH: 50 USD gross, 1 USD of gas at 1 gwei and 2000 USD an ether."""
    return Plan(
        deployment="aave-core",
        borrower=account(number),
        block=block_ref(100),
        opportunity=Opportunity(account(number), USDC, WETH, ((1, repay),)),
        instruction=Instruction(Dialect.AAVE, POOL),
        settlement=Settlement(repay, 525 * 10**15, 2 * 10**15),
        route=Route(
            (Leg(FACTORY, (Hop(USDC.address, 500),), 525 * 10**15),), 525 * 10**15, 1_050_500_000, 150_000
        ),
        profit=Profit(
            swap_out=1_050_500_000,
            repay=repay,
            flash_fee=500_000,
            gross=50_000_000,
            gross_usd=50 * USD,
            gas=gas,
            gas_price=10**9,
            gas_usd=USD * gas // 500_000,
            net_usd=49 * USD,
        ),
        min_profit=45_000_000,
        loan=Loan(FlashKind.AAVE, POOL),
    )


def sample_step(number: int = 1, *, simulated: int = 49_000_000, gas: int = 500_000) -> Step:
    return Step.of(sample_plan(number, gas=gas), simulated)


def sample_receipt(*logs: Log, succeeded: bool = True, gas_used: int = 900_001) -> Receipt:
    return Receipt(
        Hash("0x" + "77" * 32), 101, Hash("0x" + "bb" * 32), succeeded, gas_used, 2 * 10**9, tuple(logs)
    )


@asynccontextmanager
async def fresh_database(folder: Path, url: str | None = None) -> AsyncIterator[Database]:
    """The database at `url`, else a file in `folder`, with every table of the stages imported so far."""
    async with await Database.open(url or f"sqlite:///{folder / 'keeper.db'}") as database:
        async with database.begin() as connection:
            await connection.run_sync(metadata.create_all)
        yield database
