"""A followed Morpho Blue against its contract: positions, totals, rates, and what liquidations would do."""

from random import Random
from typing import Any

from keeper.devnet.contract import Contract
from keeper.devnet.morpho.actions import LIQUIDATOR, MorphoActions, MorphoKind
from keeper.devnet.morpho.blue import LENDER, MorphoBlue
from keeper.devnet.morpho.market import IsolatedMarket
from keeper.devnet.morpho.specs import Rate
from keeper.devnet.network import Network
from keeper.devnet.reverts import DevnetError
from keeper.protocols.base import Refusal
from keeper.protocols.morpho_blue.liquidation import liquidate
from keeper.protocols.morpho_blue.market import MorphoBlueMarket
from keeper.protocols.morpho_blue.position import Position
from keeper.protocols.morpho_blue.records import account_key, number_of, supply_shares, totals
from keeper.types import Address, BlockRef, borrower
from tests.differential import BLOCK_SECONDS
from tests.following import Follows
from tests.protocol_run import ProtocolRun, following, protocol_run

_PANICS = {"panic 0x11": "Panic(17)", "panic 0x12": "Panic(18)"}


async def morpho_run(*, seed: int, actions: int, borrowers: int, every: int = 10) -> ProtocolRun:
    """Random actions of `borrowers` accounts on all markets of a devnet's Morpho Blue."""
    async with (
        Network.start(protocols=["morpho-blue"], borrowers=borrowers, seed=seed) as network,
        following(network.anvil, network.morpho) as follows,
    ):
        morpho = network.morpho
        users = [borrower.address for borrower in morpho.borrowers]
        comparison = MorphoComparison(morpho, follows, users, seed)
        return await protocol_run(
            network.node,
            morpho,
            follows,
            MorphoActions(morpho, users, seed),
            comparison.everything,
            kinds=frozenset(MorphoKind),
            actions=actions,
            every=every,
        )


class MorphoComparison:
    """Asks the contract itself, through its own ABI, at one block."""

    def __init__(self, morpho: MorphoBlue, follows: Follows, users: list[Address], seed: int) -> None:
        self._morpho = morpho
        self._follows = follows
        self._users = users
        self._seed = seed
        self._random = Random(f"comparison {seed}")

    async def everything(self, run: ProtocolRun, head: BlockRef) -> None:
        """Every account in every market, every market, and a liquidation of everyone with debt."""
        own = self._follows.follower.market
        assert isinstance(own, MorphoBlueMarket)
        for market in self._morpho.markets:
            await self._market(run, own, market, head)
            for user in (*self._users, LIQUIDATOR, LENDER):
                await self._account(run, own, market, user, head)

    async def _market(
        self, run: ProtocolRun, own: MorphoBlueMarket, market: IsolatedMarket, head: BlockRef
    ) -> None:
        number = number_of(own.book, market.id)
        assert number is not None
        names = ("supply_assets", "supply_shares", "borrow_assets", "borrow_shares", "updated", "fee")
        stored = await self._read("market", market, block=head.number)
        theirs = dict(zip(names, stored, strict=True))
        ours = totals(own.book, number)._asdict()
        if market.spec.rate is Rate.NONE:
            del theirs["updated"]  # moves without effect, and without a log
        if market.spec.rate is Rate.CURVE:
            curve = Contract.built("rate_curve")
            data = curve.encode("rateAtTarget", bytes.fromhex(market.id[2:]))
            answer = await self._morpho.core.node.call(market.params.irm, data, head.number)
            theirs["rate_at_target"] = curve.decode("rateAtTarget", answer)
            ours["rate_at_target"] = own.book.get(("rate_at_target", number), 0)
        run.compare(self._seed, head.number, market.name, ours, theirs)

    async def _account(
        self, run: ProtocolRun, own: MorphoBlueMarket, market: IsolatedMarket, user: Address, head: BlockRef
    ) -> None:
        run.accounts += 1
        account = account_key(user, market.id)
        stored = await self._read("position", market, user, block=head.number)
        theirs = dict(zip(("supply_shares", "borrow_shares", "collateral"), stored, strict=True))
        ours: dict[str, Any] = {"supply_shares": supply_shares(own.book, account)}
        position = Position.of(own.book, account) if own.book.row(account) is not None else None
        ours["borrow_shares"] = position.borrow_shares if position else 0
        ours["collateral"] = position.collateral if position else 0
        run.compare(self._seed, head.number, f"{market.name} {user}", ours, theirs)
        if position and position.borrow_shares:
            await self._liquidation(run, own, market, position, head)

    async def _liquidation(
        self,
        run: ProtocolRun,
        own: MorphoBlueMarket,
        market: IsolatedMarket,
        position: Position,
        head: BlockRef,
    ) -> None:
        """What `liquidate` would return some time from now, or why it would revert."""
        seized, shares = self._random.choice(
            (
                (0, position.borrow_shares),
                (0, self._random.randint(1, position.borrow_shares)),
                (position.collateral, 0),
                (self._random.randint(1, max(position.collateral, 1)), 0),
            )
        )
        then = head.timestamp + self._random.choice((BLOCK_SECONDS, 3600, 10**6))
        outcome = liquidate(position, own.frame(then).market(position.market), seized, shares)
        ours = outcome.code if isinstance(outcome, Refusal) else (outcome.seized, outcome.repaid)
        user = borrower(position.account)
        theirs = await self._tried(market, user, seized, shares, then)
        run.liquidations["carried out" if isinstance(theirs, tuple) else theirs] += 1
        subject = f"{market.name} {user} liquidated by {seized, shares} at {then}"
        run.compare(self._seed, head.number, subject, {"outcome": ours}, {"outcome": theirs})

    async def _tried(self, market: IsolatedMarket, user: Address, seized: int, shares: int, then: int) -> Any:
        core = self._morpho.core
        tx = core.tx(LIQUIDATOR, "liquidate", market.params, user, seized, shares, b"")
        call = {"from": tx.sender, "to": tx.to, "data": "0x" + tx.data.hex()}
        try:
            answer = await core.node.request("eth_call", call, "latest", {}, {"time": hex(then)})
        except DevnetError as error:
            reason = str(error).removeprefix("eth_call: ")
            return _PANICS.get(reason, reason)
        return core.contract.decode("liquidate", bytes.fromhex(answer[2:]))

    async def _read(self, name: str, market: IsolatedMarket, *args: Any, block: int) -> Any:
        return await self._morpho.core.read(name, bytes.fromhex(market.id[2:]), *args, block=block)
