"""What relays are asked: the documented JSON, the signature, and what their answers mean."""

import pickle
from typing import Any

import pytest
from eth_account import Account
from eth_account.messages import encode_defunct
from eth_utils.crypto import keccak

from keeper.chain.relay_json import (
    Request,
    bundle_hash,
    bundle_requests,
    replacement_uuid,
    simulation,
    simulation_request,
    transaction_requests,
)
from keeper.chain.reputation import ReputationKey, recovered
from keeper.config.relay import RelayMethod
from keeper.errors import ConfigError, Degraded, Unreachable
from keeper.relay_ports import Bundle, BundleSimulation, BundleStep
from keeper.types import Hash

KEY = "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80"
ADDRESS = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"
BODY = b'{"jsonrpc":"2.0","id":1,"method":"eth_sendBundle","params":[{"txs":["0x01"],"blockNumber":"0x10"}]}'
SIGNATURE = (  # made from the EIP-191 digest with eth_keys, without eth_account
    "0x10b6033a3810cc4974fc7eebcd1406bf7a256ece23fabd2fbe3f1917fbfb9aa3"
    "174951763c49917ac5934cadf8a1262502abd76c767f60eff9cc0c04713a6bc61c"
)
FIRST, SECOND = b"\x02\x01", b"\x02\x02"
NAMES = [Hash("0x" + keccak(raw).hex()) for raw in (FIRST, SECOND)]
HIDDEN = Hash("0x" + "77" * 32)


def named(block: int) -> dict[str, str]:
    return {"replacementUuid": replacement_uuid(SECOND, block)}


ASKED: dict[RelayMethod, list[Request]] = {
    RelayMethod.RAW: [Request("eth_sendRawTransaction", ["0x0202"])],
    RelayMethod.PRIVATE_RAW: [Request("eth_sendPrivateRawTransaction", ["0x0202"])],
    RelayMethod.PRIVATE: [
        Request("eth_sendPrivateTransaction", [{"tx": "0x0202", "maxBlockNumber": "0x12"}])
    ],
    RelayMethod.BUNDLE: [
        Request("eth_sendBundle", [{"txs": ["0x0201", "0x0202"], "blockNumber": "0x11"} | named(0x11)]),
        Request("eth_sendBundle", [{"txs": ["0x0201", "0x0202"], "blockNumber": "0x12"} | named(0x12)]),
    ],
    RelayMethod.MEV_BUNDLE: [
        Request(
            "mev_sendBundle",
            [
                {
                    "version": "v0.1",
                    "inclusion": {"block": "0x11", "maxBlock": "0x12"},
                    "body": [{"tx": "0x0201", "canRevert": False}, {"tx": "0x0202", "canRevert": False}],
                }
            ],
        )
    ],
}


@pytest.mark.parametrize("method", list(RelayMethod))
def test_transaction_requests__by_method__documented_json(method: RelayMethod) -> None:
    assert transaction_requests(method, SECOND, head=16, until=18, ahead=[FIRST]) == ASKED[method]


def test_requests__with_builders_and_leave_to_revert__stand_where_documented() -> None:
    bundle = Bundle((FIRST, SECOND), 17, may_revert=frozenset(NAMES[:1]))
    [single] = bundle_requests(RelayMethod.BUNDLE, bundle, builders=["one", "two"])
    assert single.params[0] == {
        "txs": ["0x0201", "0x0202"],
        "revertingTxHashes": NAMES[:1],
        "builders": ["one", "two"],
        "blockNumber": "0x11",
    } | named(0x11)
    [shared] = bundle_requests(RelayMethod.MEV_BUNDLE, bundle, builders=["one"])
    assert [each["canRevert"] for each in shared.params[0]["body"]] == [True, False]
    assert shared.params[0]["privacy"] == {"builders": ["one"]}
    [private] = transaction_requests(RelayMethod.PRIVATE, FIRST, head=1, until=2, builders=["one"])
    assert private.params[0]["preferences"] == {"privacy": {"builders": ["one"]}}


def test_requests__a_transaction_known_by_its_hash__only_in_a_mev_bundle() -> None:
    bundle = Bundle((HIDDEN, SECOND), 17, 18)
    [asked] = bundle_requests(RelayMethod.MEV_BUNDLE, bundle)
    assert asked.params[0]["body"][0] == {"hash": HIDDEN}
    for make in (lambda: bundle_requests(RelayMethod.BUNDLE, bundle), lambda: simulation_request(bundle)):
        with pytest.raises(Degraded, match="mev-bundle"):
            make()


def test_bundle_hash__keccak_of_the_hashes_in_a_row() -> None:
    hashes = bytes.fromhex(HIDDEN[2:]) + keccak(SECOND)
    assert bundle_hash(Bundle((HIDDEN, SECOND), 1)) == "0x" + keccak(hashes).hex()


def test_simulation__documented_answer__read_and_any_other_is_unreachable() -> None:
    asked = simulation_request(Bundle((FIRST, SECOND), 17))
    fields = {"txs": ["0x0201", "0x0202"], "blockNumber": "0x11", "stateBlockNumber": "latest"}
    assert asked == Request("eth_callBundle", [fields])
    answer: dict[str, Any] = {
        "bundleHash": HIDDEN,
        "coinbaseDiff": "20000000000126000",
        "ethSentToCoinbase": "20000000000000000",
        "gasFees": "126000",
        "results": [
            {"txHash": NAMES[0], "gasUsed": 21_000, "value": "0x"},
            {"txHash": NAMES[1], "gasUsed": 42_000, "error": "execution reverted", "revert": "no"},
        ],
        "stateBlockNumber": 16,
        "totalGasUsed": 63_000,
    }
    found = simulation(answer)
    steps = (BundleStep(NAMES[0], 21_000, ""), BundleStep(NAMES[1], 42_000, "execution reverted: no"))
    assert found == BundleSimulation(16, 63_000, 2 * 10**16, steps)
    assert found.error == "execution reverted: no"
    wrong: list[Any] = [None, [], {}, answer | {"results": [1]}, answer | {"totalGasUsed": "much"}]
    for broken in wrong:
        with pytest.raises(Unreachable, match="eth_callBundle"):
            simulation(broken)


def test_header__known_vector__address_and_signature_of_the_hex_keccak() -> None:
    header = ReputationKey("0x" + KEY).header(BODY)
    assert header == f"{ADDRESS}:{SIGNATURE}"
    message = encode_defunct(text="0x" + keccak(BODY).hex())
    assert Account.recover_message(message, signature=SIGNATURE) == ADDRESS


def test_recovered__other_body_other_address_or_noise__nobody() -> None:
    header = ReputationKey(KEY).header(BODY)
    assert recovered(header, BODY) == ADDRESS.lower()
    for wrong in ("", "x", ADDRESS, f"{ADDRESS}:0x00", f"0x{'11' * 20}:{SIGNATURE}", f"{ADDRESS}:zz"):
        assert recovered(wrong, BODY) is None
    assert recovered(header, BODY + b" ") is None


def test_reputation_key__however_looked_at__shows_no_key() -> None:
    key = ReputationKey(KEY)
    assert KEY not in repr(key)
    with pytest.raises(TypeError):
        pickle.dumps(key)
    with pytest.raises(ConfigError) as caught:
        ReputationKey(KEY + "00")
    assert KEY not in str(caught.value)
    assert caught.value.__cause__ is None
