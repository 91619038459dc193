"""Liquidations behind updates that only a relay knows: its hints, and bundles that name them by hash."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from eth_account import Account
from eth_utils.crypto import keccak

from benchmarks.backrun_drill import COLLATERAL, PATIENCE, QUIET, Drill, Keeper
from keeper.app.events import Event
from keeper.chain.builder import Builder
from keeper.chain.relay_json import Request
from keeper.chain.reputation import ReputationKey
from keeper.devnet.hints import matching_hash
from keeper.devnet.raw import read
from keeper.devnet.relay import LocalRelay
from keeper.types import Address, Hash
from tests.ocr_feed import reports

KEY = keccak(text="sender of private updates")
SENDER = Address(Account.from_key(KEY).address.lower())
RELAY_KEY = "0x" + "5e" * 32
CALLDATA = ("hash", "calldata")
LOGS = ("hash", "logs")


@pytest.fixture
async def drill(tmp_path: Path) -> AsyncIterator[Drill]:
    async with Drill.start(tmp_path, accounts=3, order="fifo") as drill:
        await drill.node.fund([SENDER])
        yield drill


@asynccontextmanager
async def hinting(drill: Drill, **settings: Any) -> AsyncIterator[tuple[Keeper, LocalRelay]]:
    """A keeper that listens to the hints of a relay, and sends in public what is not behind one."""
    async with LocalRelay.start(drill.node) as relay:
        hints = [{"stream": relay.url, "relay": relay.url}]
        async with drill.keeper(hints=hints, relay__key=RELAY_KEY, **settings) as keeper:
            await asyncio.wait_for(relay.hints.joined(1), PATIENCE)
            yield keeper, relay


async def hand_over(relay: LocalRelay, raw: bytes, hints: Sequence[str] = CALLDATA) -> Hash:
    """Give the relay a transaction for nobody else, of which it may tell `hints`; its hash."""
    builder = Builder(relay.url, ReputationKey("0x" + "0a" * 32), deadline=PATIENCE)
    asked = {"tx": "0x" + raw.hex(), "preferences": {"privacy": {"hints": list(hints)}}}
    await builder.ask(Request("eth_sendPrivateTransaction", [asked]))
    await builder.close()
    return read(raw).hash


async def private_update(
    drill: Drill, relay: LocalRelay, number: int, hints: Sequence[str] = CALLDATA, *, gap: int = 0
) -> Hash:
    raw = await drill.signed_bytes(drill.transmission(number), KEY, gap=gap)
    return await hand_over(relay, raw, hints)


async def submitted(keeper: Keeper, since: int = 0) -> str:
    said = await keeper.says(Event.SUBMITTED, since, PATIENCE)
    assert said is not None
    return str(said["tx_hash"])


async def mine(keeper: Keeper, drill: Drill, relay: LocalRelay) -> None:
    """A block of the relay, which the keeper has seen."""
    await relay.mine()
    number = await drill.node.block_number()
    assert await keeper.says(Event.HEAD, 0, PATIENCE, block=number) is not None


async def in_public(drill: Drill) -> int:
    """Transactions that the whole world sees waiting."""
    return int((await drill.node.request("txpool_status"))["pending"], 16)


def bundles(relay: LocalRelay) -> list[dict[str, Any]]:
    return [asked.params[0] for asked in relay.asked if asked.method == "mev_sendBundle"]


@pytest.mark.parametrize("hints", [CALLDATA, LOGS], ids=["calldata", "logs"])
async def test_hint__of_a_private_update__liquidation_directly_behind_it(
    drill: Drill, hints: tuple[str, ...]
) -> None:
    async with hinting(drill) as (keeper, relay):
        update = await private_update(drill, relay, 0, hints)
        ours = await submitted(keeper)
        assert await in_public(drill) == 0
        head = await drill.node.block_number()
        [bundle] = bundles(relay)
        [first, second] = bundle["body"]
        assert (bundle["version"], first) == ("v0.1", {"hash": matching_hash(update)})
        assert (read(bytes.fromhex(second["tx"][2:])).hash, second["canRevert"]) == (ours, False)
        assert bundle["inclusion"] == {"block": hex(head + 1), "maxBlock": hex(head + 1)}
        signers = {asked.signer for asked in relay.asked if asked.method == "mev_sendBundle"}
        assert signers == {Account.from_key(RELAY_KEY).address.lower()}

        await relay.mine()
        assert (await drill.landing(update, ours)).directly_behind
        told = await keeper.says(Event.BACKRUN, 0, PATIENCE, update=matching_hash(update))
        assert told is not None
        assert (told["fate"], told["places"], told["block"]) == ("behind", 1, head + 1)
        assert await keeper.says(Event.OUTCOME, 0, PATIENCE, outcome="success") is not None


async def test_hint__of_a_report_through_a_forwarder__directly_behind_it(drill: Drill) -> None:
    drill.transmits = (await reports(drill))(7)
    async with hinting(drill) as (keeper, relay):
        update = await private_update(drill, relay, 0)
        ours = await submitted(keeper)
        await relay.mine()
        assert (await drill.landing(update, ours)).directly_behind


async def test_hint__of_an_update_that_never_lands__nothing_lands_and_the_next_is_met(drill: Drill) -> None:
    async with hinting(drill, relay__fall_back=True) as (keeper, relay):
        update = await private_update(drill, relay, 0)
        relay.withheld.add(update)
        hopeless = [await submitted(keeper)]
        for _ in range(2):
            since = len(keeper.events)
            await mine(keeper, drill, relay)
            hopeless.append(await submitted(keeper, since))
        since = len(keeper.events)
        await mine(keeper, drill, relay)
        said = await keeper.says(Event.UPDATE, since, PATIENCE, hint=matching_hash(update))
        assert said is not None
        assert "no longer expected: not mined by block" in said["reason"]
        assert len({bundle["inclusion"]["block"] for bundle in bundles(relay)}) == 3
        assert await keeper.says(Event.BACKRUN, 0, PATIENCE, fate="expired") is not None

        since = len(keeper.events)
        other = await private_update(drill, relay, 1)  # takes the nonce of the first
        ours = await submitted(keeper, since)
        await mine(keeper, drill, relay)
        assert (await drill.landing(other, ours)).directly_behind
        for each in hopeless:
            assert await drill.node.request("eth_getTransactionReceipt", each) is None
        assert await keeper.says(Event.OUTCOME, 0, QUIET, outcome="reverted") is None


async def test_hint__relay_leaves_the_update_out_of_a_block__both_in_a_later_one(drill: Drill) -> None:
    async with hinting(drill) as (keeper, relay):
        update = await private_update(drill, relay, 0)
        relay.withheld.add(update)
        first = await submitted(keeper)
        since = len(keeper.events)
        await mine(keeper, drill, relay)
        second = await submitted(keeper, since)
        relay.withheld.clear()
        await relay.mine()
        assert (await drill.landing(update, second)).directly_behind
        assert first == second or await drill.node.request("eth_getTransactionReceipt", first) is None


async def test_hint__while_ours_waits_behind_another__the_same_is_offered_behind_both(drill: Drill) -> None:
    async with hinting(drill) as (keeper, relay):
        first = await private_update(drill, relay, 0)
        relay.withheld.add(first)
        ours = await submitted(keeper)
        second = await private_update(drill, relay, 1)  # in the place of the first
        said = await keeper.says(Event.UPDATE, 0, PATIENCE, hint=matching_hash(second))
        assert said is not None
        assert said["shared"] == ours
        assert [each["body"][0]["hash"] for each in bundles(relay)] == [*map(matching_hash, (first, second))]
        await mine(keeper, drill, relay)
        assert (await drill.landing(second, ours)).directly_behind
        told = [each for each in keeper.events if each["event"] == Event.BACKRUN.value]
        assert [(each["update"], each["fate"], each["places"]) for each in told] == [
            (matching_hash(second), "behind", 1)
        ]


async def test_hint__with_another_price_than_what_lands__ours_stays_out(drill: Drill) -> None:
    async with hinting(drill) as (keeper, relay):
        price = (await drill.network.actors.prices())[COLLATERAL]
        harmless = await drill.signed_bytes(drill.transmits(price - 1), KEY)
        update = await hand_over(relay, harmless, hints=())
        lie = await relay.hints.hint(read(harmless), CALLDATA)
        lie["txs"][0]["callData"] = "0x" + drill.transmission(0).data.hex()
        relay.hints.say(lie)
        ours = await submitted(keeper)
        await mine(keeper, drill, relay)
        assert await drill.node.request("eth_getTransactionReceipt", update) is not None
        assert await drill.node.request("eth_getTransactionReceipt", ours) is None
        told = await keeper.says(Event.BACKRUN, 0, PATIENCE, update=matching_hash(update))
        assert told is not None
        assert told["fate"] == "late"
        assert await in_public(drill) == 0


async def test_hints__that_are_nonsense__nothing_is_sent_and_the_next_is_met(drill: Drill) -> None:
    async with hinting(drill) as (keeper, relay):
        raw = await drill.signed_bytes(drill.transmission(0), KEY)
        good = await relay.hints.hint(read(raw), CALLDATA)
        elsewhere = dict(good["txs"][0], to="0x" + "77" * 20)
        relay.hints.say(good | {"txs": [elsewhere]})
        relay.hints.say(good | {"txs": None})
        relay.hints.shout(b"data: {not json\n\n")
        relay.hints.shout(b'data: {"hash": 5}\n\n')
        relay.hints.shout(b"data: " + b"x" * (1 << 21) + b"\n\n")
        assert await keeper.says(Event.SUBMITTED, 0, QUIET) is None
        assert bundles(relay) == []
        assert relay.hints.connections == 1
        update = await hand_over(relay, raw)
        ours = await submitted(keeper)
        await relay.mine()
        assert (await drill.landing(update, ours)).directly_behind


async def test_hints__stream_drops_and_comes_back__the_next_is_met(drill: Drill) -> None:
    async with hinting(drill) as (keeper, relay):
        relay.hints.hang_up()
        await asyncio.wait_for(relay.hints.joined(2), PATIENCE)
        update = await private_update(drill, relay, 0)
        ours = await submitted(keeper)
        await relay.mine()
        assert (await drill.landing(update, ours)).directly_behind


async def test_hint__operator_has_stopped_the_keeper__nothing_is_sent(drill: Drill, tmp_path: Path) -> None:
    kill = tmp_path / "kill"
    kill.touch()
    async with hinting(drill, guards__kill_file=str(kill)) as (keeper, relay):
        await private_update(drill, relay, 0)
        said = await keeper.says(Event.UPDATE, 0, PATIENCE)
        assert said is not None
        assert len(said["crossing"]) == 1
        assert await keeper.says(Event.SUBMITTED, 0, QUIET) is None
        assert bundles(relay) == []


async def test_hint__mode_paper__rehearsed_and_not_sent(drill: Drill) -> None:
    async with hinting(drill, mode="paper") as (keeper, relay):
        await private_update(drill, relay, 0)
        assert await keeper.says(Event.PAPER, 0, PATIENCE) is not None
        assert bundles(relay) == []
