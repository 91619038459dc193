"""A devnet that mines when asked, accounts that cross one after the other, and a keeper in this process."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from enum import StrEnum
from pathlib import Path
from typing import Any, NamedTuple, Self

from eth_account import Account
from eth_utils.crypto import keccak

from keeper.app.events import Event
from keeper.app.loop import turn_until
from keeper.app.wiring import assemble
from keeper.chain.heads import head_stream
from keeper.config.load import load
from keeper.demo.configure import configure
from keeper.devnet.network import Network
from keeper.devnet.node import Tx
from keeper.devnet.tokens import approve, mint
from keeper.types import BPS, USD, WAD, ZERO_ADDRESS, Address, checksum

GWEI = 10**9
COLLATERAL, DEBT, DEBT_UNIT = "WETH", "USDC", 10**6
FIRST_FALL, EACH_FALL = 400, 25
"""How far (bps) the price falls until the first account crosses, and from one to the next."""

SENDER = Address("0x" + "0e" * 20)
"""Sends the updates; feeds of the devnet take them from anybody."""

PATIENCE = 5.0
"""Seconds in which the keeper has to react to an update."""

QUIET = 0.25
"""Seconds without a reaction after which there will be none."""


class Fees(NamedTuple):
    """What an update pays, wei per gas."""

    tip: int = 2 * GWEI
    cap: int = 60 * GWEI


USUAL = Fees()


class Never(StrEnum):
    """Why an update never lands."""

    GAP = "nonce gap"
    CHEAP = "too cheap"
    REVERTS = "reverts"


class Landing(NamedTuple):
    """Where the liquidation came in: blocks and places behind the update; None where it did not."""

    blocks: int | None
    places: int | None

    @property
    def directly_behind(self) -> bool:
        return self == (0, 1)


class Keeper:
    """A running keeper and what it says."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self._news = asyncio.Event()

    def sink(self, event: Event, fields: Mapping[str, Any]) -> None:
        self.events.append({"event": event.value, **fields})
        self._news.set()

    async def says(self, event: Event, since: int, seconds: float, **fields: Any) -> dict[str, Any] | None:
        """The first such event from number `since` on, None when there is none within `seconds`."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while True:
                    for said in self.events[since:]:
                        if said["event"] == event.value and fields.items() <= said.items():
                            return said
                    self._news.clear()
                    await self._news.wait()
        return None

    def sent(self, since: int = 0) -> list[str]:
        """Hashes of the transactions it says it sent."""
        said = [each for each in self.events[since:] if each["event"] == Event.SUBMITTED.value]
        return list(dict.fromkeys(each["tx_hash"] for each in said))


class Drill:
    """`accounts` borrowers, of which update number n makes the n-th one liquidatable, and no other."""

    def __init__(self, network: Network, config: Path) -> None:
        self.network = network
        self.node = network.node
        self.transmits: Callable[[int], Tx] = self._transmits
        """The transaction that sets the collateral's answer."""
        self._config = config
        self._price = 0

    @classmethod
    @asynccontextmanager
    async def start(cls, folder: Path, accounts: int, *, order: str = "fees") -> AsyncIterator[Self]:
        """Bring everything up; from then on blocks come only when asked for, ordered by `order`."""
        async with Network.start(borrowers=0, order=order) as network:
            site = await configure(network, folder / "keeper.toml", seed=1)
            drill = cls(network, site.config)
            await drill.node.fund([SENDER])
            await drill._open(accounts)
            await drill.node.request("evm_setAutomine", False)
            yield drill

    @asynccontextmanager
    async def keeper(self, **overrides: Any) -> AsyncIterator[Keeper]:
        """A live keeper with these settings that has reached the head; `__` in a name is a dot."""
        settings = {name.replace("__", "."): value for name, value in overrides.items()}
        config = load(self._config, {"mode": "live", **settings}, env={})
        keeper, stop = Keeper(), asyncio.Event()
        async with (
            assemble(config, config.mode, keeper.sink, lambda: config) as running,
            head_stream(
                lambda: running.chain.block("latest"),
                [url.reveal() for url in config.chain.ws],
                chain_id=config.chain.id,
            ) as heads,
            asyncio.TaskGroup() as group,
        ):
            group.create_task(turn_until(running.daemon, heads, stop, once=False, last=None))
            await keeper.says(Event.HEAD, 0, PATIENCE)
            yield keeper
            stop.set()

    async def update(
        self, number: int, fees: Fees = USUAL, *, gas: int = 200_000, gap: int = 0, sender: Address = SENDER
    ) -> str:
        """Send the update that makes account `number` cross, and leave it pending; its hash."""
        feed = self.transmission(number)
        nonce = int(await self.node.request("eth_getTransactionCount", sender, "latest"), 16)
        transaction = {
            "from": sender,
            "to": feed.to,
            "data": "0x" + feed.data.hex(),
            "nonce": hex(nonce + gap),
            "gas": hex(gas),
            "maxFeePerGas": hex(fees.cap),
            "maxPriorityFeePerGas": hex(fees.tip),
        }
        return str(await self.node.request("eth_sendTransaction", transaction))

    async def signed_update(self, number: int, key: bytes, fees: Fees = USUAL) -> str:
        """As `update`, with a signature: what relays take."""
        raw = await self.signed_bytes(self.transmission(number), key, fees)
        return str(await self.node.request("eth_sendRawTransaction", "0x" + raw.hex()))

    async def signed_bytes(self, feed: Tx, key: bytes, fees: Fees = USUAL, *, gap: int = 0) -> bytes:
        """The transaction `feed` signed by `key`, with its next nonce or `gap` later."""
        sender = Account.from_key(key).address
        fields = {
            "type": 2,
            "chainId": self.network.anvil.chain_id,
            "nonce": int(await self.node.request("eth_getTransactionCount", sender, "latest"), 16) + gap,
            "to": checksum(feed.to or ZERO_ADDRESS),
            "value": 0,
            "data": feed.data,
            "gas": 400_000,
            "maxFeePerGas": fees.cap,
            "maxPriorityFeePerGas": fees.tip,
        }
        return bytes(Account.sign_transaction(fields, key).raw_transaction)

    def transmission(self, number: int) -> Tx:
        """The transaction that makes account `number` cross."""
        bps = BPS - FIRST_FALL - EACH_FALL * number
        return self.transmits(self._price * bps // BPS - 1)

    def _transmits(self, answer: int) -> Tx:
        return self.network.actors.feeds.transmission(COLLATERAL, answer)

    async def never(self, why: Never, number: int, keeper: Keeper) -> None:
        """Let an update that would make account `number` cross wait and never land; the chain goes on."""
        sender = Address("0x" + keccak(text=f"sender {why} {number} {len(keeper.events)}")[-20:].hex())
        await self.node.fund([sender])
        if why is Never.CHEAP:
            # A node takes none that is too cheap, but one that waited for its turn may have become so.
            hashes = [await self.update(number, Fees(GWEI, 30 * GWEI), gap=1, sender=sender)]
            await self.node.request("anvil_setNextBlockBaseFeePerGas", hex(100 * GWEI))
            await self.mine(keeper)
            hashes.append(await self.empty_call(sender, Fees(GWEI, 300 * GWEI)))
        elif why is Never.GAP:
            hashes = [await self.update(number, gap=2, sender=sender)]
        else:
            hashes = [await self.update(number, gas=26_000, sender=sender)]
        await keeper.says(Event.SUBMITTED, len(keeper.events), QUIET)
        await self.node.request(
            "anvil_setNextBlockBaseFeePerGas", hex(GWEI if why is not Never.CHEAP else 90 * GWEI)
        )
        await self.mine(keeper)
        for each in hashes:
            await self.node.request("anvil_dropTransaction", each)
        await self.node.request("anvil_setNextBlockBaseFeePerGas", hex(GWEI))
        await self.mine(keeper)

    async def empty_call(self, sender: Address, fees: Fees) -> str:
        """Send a transaction with the sender's next nonce that does nothing, and leave it pending."""
        transaction = {
            "from": sender,
            "to": SENDER,
            "gas": hex(21_000),
            "nonce": await self.node.request("eth_getTransactionCount", sender, "latest"),
            "maxFeePerGas": hex(fees.cap),
            "maxPriorityFeePerGas": hex(fees.tip),
        }
        return str(await self.node.request("eth_sendTransaction", transaction))

    async def mine(self, keeper: Keeper) -> int:
        """Mine a block and wait until the keeper has dealt with it; its number."""
        since = len(keeper.events)
        await self.node.request("evm_mine")
        number = await self.node.block_number()
        await keeper.says(Event.HEAD, since, PATIENCE, block=number)
        return number

    async def landing(self, update: str, ours: str | None) -> Landing:
        """How far behind `update` our transaction stands, if it succeeded."""
        receipts = [
            await self.node.request("eth_getTransactionReceipt", each) for each in (update, ours) if each
        ]
        if (
            len(receipts) < 2
            or None in receipts
            or receipts[1]["status"] != "0x1"
            or len(receipts[1]["logs"]) < 2
        ):
            return Landing(None, None)
        first, second = receipts
        blocks = int(second["blockNumber"], 16) - int(first["blockNumber"], 16)
        places = int(second["transactionIndex"], 16) - int(first["transactionIndex"], 16)
        return Landing(blocks, places if blocks == 0 else None)

    async def _open(self, accounts: int) -> None:
        """Small positions that are closed whole, each a little closer to the edge than the next."""
        market, actors = self.network.market, self.network.actors
        self._price = (await actors.prices())[COLLATERAL]
        listing = (await actors.view.terms()).listings[COLLATERAL]
        collateral = 7 * WAD // 10
        transactions = []
        for number in range(accounts):
            user = Address(f"0x{0xBAC << 140 | number:040x}")
            await self.node.fund([user])
            price = self._price * (BPS - FIRST_FALL - EACH_FALL * number) // BPS
            debt = collateral * price * listing.threshold // (WAD * BPS) * DEBT_UNIT // USD
            token = market.reserve(COLLATERAL).token
            transactions += [
                mint(token, user, collateral),
                approve(token, user, market.pool),
                market.supply(user, COLLATERAL, collateral),
                market.borrow(user, DEBT, debt),
            ]
        await self.node.send_many(transactions)
