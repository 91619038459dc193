"""The transport against a real Anvil."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from eth_account import Account

from keeper.chain.faults import DeadlineExceeded
from keeper.chain.logs import LogScanner
from keeper.chain.pool import Pool
from keeper.chain.probe import probe
from keeper.chain.rpc import Rpc
from keeper.clock import SystemClock
from keeper.devnet.anvil import Anvil
from keeper.devnet.node import Node
from keeper.errors import CallReverted, Degraded, Transient
from keeper.ports import Chain, KeyState, Receipt, SendError, SendOutcome
from keeper.types import Address, Call, Hash, checksum
from tests.devnet import frozen

EMITTER = Address("0x" + "e0" * 20)
OTHER = Address("0x" + "e1" * 20)
REVERTER = Address("0x" + "e2" * 20)
ECHO = Address("0x" + "e3" * 20)
ONCE = Address("0x" + "e4" * 20)
NOBODY = Address("0x" + "99" * 20)

EMITTER_CODE = "0x436000526000356020" + "6000a100"
"""LOG1(topic = first word of calldata, data = block number)."""
REVERTER_CODE = "0x60206000fd"
ECHO_CODE = "0x60003560005260206000f3"
"""Returns the first word of calldata."""
ONCE_CODE = "0x60005415600a575f5ffd5b600160005500"
"""Can be called once, then reverts."""

KEY = "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80"
SENDER = Address("0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266")


@pytest.fixture
async def anvil() -> AsyncIterator[Anvil]:
    async with Anvil.start() as anvil, Node(anvil.http) as node:
        code = {EMITTER: EMITTER_CODE, OTHER: EMITTER_CODE, REVERTER: REVERTER_CODE}
        code |= {ECHO: ECHO_CODE, ONCE: ONCE_CODE}
        for address, text in code.items():
            await node.request("anvil_setCode", address, text)
        yield anvil


@pytest.fixture
async def rpc(anvil: Anvil) -> AsyncIterator[Rpc]:
    async with Rpc(anvil.http) as rpc:
        yield rpc


def word(number: int) -> bytes:
    return number.to_bytes(32, "big")


def signed(*, to: Address = ECHO, **changes: Any) -> bytes:
    transaction = {
        "chainId": 31337,
        "nonce": 0,
        "value": 0,
        "gas": 100_000,
        "maxFeePerGas": 10**10,
        "maxPriorityFeePerGas": 10**9,
        "type": 2,
        "to": checksum(to),
    }
    return bytes(Account.sign_transaction(transaction | changes, KEY).raw_transaction)


async def mined(chain: Chain, tx_hash: Hash) -> Receipt:
    """The receipt: Anvil answers a send a moment before it has mined it."""
    for _ in range(500):
        if (receipt := await chain.receipt(tx_hash)) is not None:
            return receipt
        await asyncio.sleep(0.01)
    raise AssertionError(f"{tx_hash} was not mined")


async def test_block__number_tag_and_batch__agree(rpc: Rpc, node: Node) -> None:
    await node.request("anvil_mine", "0x5")
    latest = await rpc.block()
    assert latest.number == 5
    assert latest == await rpc.block(5)
    blocks = await rpc.blocks([5, 0, 3, 4])
    assert [block.number for block in blocks] == [5, 0, 3, 4]
    assert blocks[0].parent == blocks[3].hash
    assert latest.base_fee > 0


async def test_block__beyond_the_head__is_degraded(rpc: Rpc) -> None:
    with pytest.raises(Degraded, match="no block 900"):
        await rpc.block(900)
    with pytest.raises(Degraded, match="no block 900"):
        await rpc.blocks([0, 900])


async def test_call_many__thousand_calls_some_revert__none_exactly_there(rpc: Rpc) -> None:
    calls = [Call(REVERTER if n % 7 == 0 else ECHO, word(n)) for n in range(1_000)]
    results = await rpc.call_many(calls)
    assert results == [None if n % 7 == 0 else word(n) for n in range(1_000)]


async def test_call__contract_reverts__is_an_answer_with_data(rpc: Rpc) -> None:
    with pytest.raises(CallReverted) as raised:
        await rpc.call(Call(REVERTER, b""))
    assert raised.value.data == bytes(32)


async def test_call__block_the_node_lacks__is_transient_and_no_revert(rpc: Rpc) -> None:
    with pytest.raises(Transient, match="BlockOutOfRange"):
        await rpc.call(Call(ECHO, word(1)), block=900)
    with pytest.raises(Transient, match="BlockOutOfRange"):
        await rpc.call_many([Call(ECHO, word(1)), Call(REVERTER, b"")], block=900)


async def test_logs__many_ranges_and_two_contracts__complete_and_in_order(rpc: Rpc, node: Node) -> None:
    transactions = [
        ("eth_sendTransaction", [{"from": SENDER, "to": to, "data": "0x" + word(n).hex(), "gas": "0x186a0"}])
        for n in range(150)
        for to in (EMITTER, OTHER)
    ]
    for start in range(0, 300, 6):
        await node.request("evm_setAutomine", False)
        await node.batch(transactions[start : start + 6])
        await node.request("evm_mine")
    head = await rpc.block()

    scanner = LogScanner(rpc.logs_at_once, blocks=1, maximum=7, addresses_per_request=1)
    logs = await scanner.logs([EMITTER, OTHER], 0, head.number)

    assert logs == await rpc.logs([OTHER, EMITTER], 0, head.number)
    assert [(log.block, log.log_index) for log in logs] == sorted(
        {(log.block, log.log_index) for log in logs}
    )
    assert sorted((log.address, int(log.topics[0], 16)) for log in logs) == sorted(
        (to, n) for n in range(150) for to in (EMITTER, OTHER)
    )
    assert all(int(log.data, 16) == log.block for log in logs)
    assert await rpc.logs([EMITTER], 1, 1) == [
        log for log in logs if log.block == 1 and log.address == EMITTER
    ]


async def test_logs__block_the_node_has_not_seen__is_transient(rpc: Rpc) -> None:
    with pytest.raises(Transient, match="not yet at 50"):
        await rpc.logs([EMITTER], 0, 50)


async def test_account__fresh_and_funded__nonce_balance_code(rpc: Rpc) -> None:
    assert await rpc.nonce(SENDER) == 0
    assert await rpc.balance(SENDER) == 10_000 * 10**18
    assert await rpc.balance(NOBODY) == 0
    assert "0x" + (await rpc.code(ECHO)).hex() == ECHO_CODE
    assert await rpc.code(NOBODY) == b""


async def test_send_raw__good_transaction__mined_with_receipt(rpc: Rpc) -> None:
    tx_hash = await rpc.send_raw(signed(to=EMITTER, data=word(7)))
    receipt = await mined(rpc, tx_hash)
    assert receipt.succeeded
    assert receipt.tx_hash == tx_hash
    assert receipt.logs == tuple(await rpc.logs([EMITTER], receipt.block, receipt.block))
    assert receipt.gas_price >= 10**9
    assert await rpc.receipt(Hash("0x" + "00" * 32)) is None


async def test_send_raw__reverting_transaction__receipt_says_failed(rpc: Rpc) -> None:
    receipt = await mined(rpc, await rpc.send_raw(signed(to=REVERTER)))
    assert not receipt.succeeded


@pytest.mark.parametrize(
    ("changes", "outcome"),
    [
        ({"nonce": 0}, SendOutcome.NONCE_TOO_LOW),
        ({"nonce": 1, "maxFeePerGas": 1, "maxPriorityFeePerGas": 1}, SendOutcome.UNDERPRICED),
        ({"nonce": 1, "value": 10**24}, SendOutcome.INSUFFICIENT_FUNDS),
        ({"nonce": 1, "gas": 20_000}, SendOutcome.FATAL),
        ({"nonce": 1, "gas": 31_000_000}, SendOutcome.FATAL),
        ({"nonce": 1, "chainId": 5}, SendOutcome.FATAL),
    ],
)
async def test_send_raw__anvil_refuses__outcome_says_why(
    rpc: Rpc, changes: dict[str, Any], outcome: SendOutcome
) -> None:
    await mined(rpc, await rpc.send_raw(signed()))
    with pytest.raises(SendError) as raised:
        await rpc.send_raw(signed(**changes))
    assert raised.value.outcome is outcome, str(raised.value)


async def test_send_raw__same_nonce_pending__known_or_replacement(rpc: Rpc, node: Node) -> None:
    await node.request("evm_setAutomine", False)
    await rpc.send_raw(signed())
    with pytest.raises(SendError) as known:
        await rpc.send_raw(signed())
    assert known.value.outcome is SendOutcome.ALREADY_KNOWN
    with pytest.raises(SendError) as cheaper:
        await rpc.send_raw(signed(value=1))
    assert cheaper.value.outcome is SendOutcome.REPLACEMENT_UNDERPRICED
    assert await rpc.nonce(SENDER, "pending") == 1
    assert await rpc.nonce(SENDER, "latest") == 0


async def test_send_raw__no_transaction_at_all__is_fatal(rpc: Rpc) -> None:
    with pytest.raises(SendError) as raised:
        await rpc.send_raw(b"\x02\x01")
    assert raised.value.outcome is SendOutcome.FATAL


async def test_gas__estimate_and_tip__are_the_nodes(rpc: Rpc) -> None:
    assert 21_000 < await rpc.estimate_gas(Call(ECHO, word(1)), SENDER) < 30_000
    with pytest.raises(CallReverted):
        await rpc.estimate_gas(Call(REVERTER, b""), SENDER)
    assert await rpc.priority_fee() == 10**9


async def test_gas__the_same_waits_in_the_mempool__is_estimated_without_it(rpc: Rpc, node: Node) -> None:
    await node.request("evm_setAutomine", False)
    await rpc.send_raw(signed(to=ONCE, gas=100_000))
    assert await rpc.estimate_gas(Call(ONCE, b""), SENDER) > 21_000
    await node.request("evm_mine")
    with pytest.raises(CallReverted):
        await rpc.estimate_gas(Call(ONCE, b""), SENDER)


async def test_probe__anvil__tells_what_it_is(rpc: Rpc) -> None:
    facts = await probe(rpc, SystemClock())
    assert facts.chain_id == 31337
    assert "anvil" in facts.client
    assert facts.head == await rpc.block()
    assert -2 < facts.head_age < 60
    assert facts.log_range == 100_000


async def test_key_state__in_one_exchange__what_each_question_says(rpc: Rpc, node: Node) -> None:
    await node.mine(100)
    await node.fund([SENDER])
    final = (await rpc.block("finalized")).number
    nonce, pending = await rpc.nonce(SENDER), await rpc.nonce(SENDER, "pending")
    balance, tip = await rpc.balance(SENDER, "pending"), await rpc.priority_fee()
    expected = KeyState(nonce, pending, balance, final, tip)
    assert await rpc.key_state(SENDER) == expected
    assert expected.final > 0


async def test_web3__on_the_same_connections__works(rpc: Rpc) -> None:
    assert await rpc.web3.eth.chain_id == 31337
    assert await rpc.web3.eth.get_balance(rpc.web3.to_checksum_address(SENDER)) == 10_000 * 10**18


async def test_pool__over_anvil__is_a_chain(anvil: Anvil) -> None:
    async with Pool([Rpc(anvil.http)], 31337) as pool:
        chain: Chain = pool
        await pool.check()
        assert (await chain.block()).number == 0
        assert await chain.call_many([Call(ECHO, word(5)), Call(REVERTER, b"")]) == [word(5), None]
        tx_hash = await chain.send_raw(signed(to=EMITTER, data=word(7)))
        receipt = await mined(chain, tx_hash)
        assert await chain.logs([EMITTER], 0, receipt.block) == list(receipt.logs)
        with pytest.raises(CallReverted):
            await chain.call(Call(REVERTER, b""))


async def test_request__node_frozen__deadline_ends_it(anvil: Anvil) -> None:
    async with Rpc(anvil.http, deadline=0.2) as rpc, frozen(anvil):
        with pytest.raises(DeadlineExceeded):
            await rpc.block()


async def test_estimate_gas__the_same_transaction_waits__is_not_counted_against_itself(
    rpc: Rpc, node: Node
) -> None:
    once = Address("0x" + "74" * 20)
    await node.request("anvil_setCode", once, "0x5f54600a5760015f55005b5f5ffd")  # reverts the second time
    await node.request("evm_setAutomine", False)
    sender = (await node.accounts())[0]
    await node.request("eth_sendTransaction", {"from": sender, "to": once, "gas": hex(100_000)})
    assert await rpc.estimate_gas(Call(once, b""), sender) > 21_000
    await node.request("evm_mine")
    with pytest.raises(CallReverted):
        await rpc.estimate_gas(Call(once, b""), sender)
    await node.request("evm_setAutomine", True)
