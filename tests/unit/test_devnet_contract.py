"""Encoding, decoding and linking by ABI, and what reverts say."""

import pytest
from eth_abi.abi import encode
from eth_utils.crypto import keccak

from keeper.devnet.contract import Contract
from keeper.devnet.reverts import revert_data, revert_reason
from keeper.types import Address

BOB = Address("0x" + "b0" * 20)


def field(name: str, kind: str, *, indexed: bool = False) -> dict[str, object]:
    return {"name": name, "type": kind, "indexed": indexed}


PAIR = {
    "name": "pair",
    "type": "tuple",
    "components": [field("who", "address"), field("amount", "uint256")],
}
CONTRACT = Contract(
    [
        {"type": "constructor", "inputs": [field("supply", "uint256")]},
        {"type": "function", "name": "pay", "inputs": [PAIR], "outputs": [field("", "bool")]},
        {"type": "function", "name": "set", "inputs": [field("a", "uint256")], "outputs": []},
        {
            "type": "function",
            "name": "set",
            "inputs": [field("a", "uint256"), field("b", "bool")],
            "outputs": [field("", "uint8"), field("", "address")],
        },
        {"type": "function", "name": "get", "inputs": [field("a", "uint8")], "outputs": []},
        {"type": "function", "name": "get", "inputs": [field("a", "bool")], "outputs": []},
        {
            "type": "event",
            "name": "Paid",
            "anonymous": False,
            "inputs": [
                field("who", "address", indexed=True),
                field("amount", "int256"),
                field("note", "string", indexed=True),
            ],
        },
        {"type": "error", "name": "TooMuch", "inputs": [field("limit", "uint256")]},
    ],
    "0x6001",
)


def test_encode__struct_argument__has_the_selector_of_its_tuple() -> None:
    data = CONTRACT.encode("pay", (BOB, 7))
    assert data[:4] == keccak(text="pay((address,uint256))")[:4]
    assert data[4:] == encode(["(address,uint256)"], [(BOB, 7)])


def test_encode__overloaded_name__is_chosen_by_the_number_of_arguments() -> None:
    assert CONTRACT.encode("set", 1)[:4] == keccak(text="set(uint256)")[:4]
    assert CONTRACT.encode("set", 1, True)[:4] == keccak(text="set(uint256,bool)")[:4]


def test_encode__ambiguous_or_unknown_name__is_refused() -> None:
    with pytest.raises(ValueError, match="2 functions match 'get'"):
        CONTRACT.encode("get", 1)
    with pytest.raises(ValueError, match="0 functions match 'nothing'"):
        CONTRACT.encode("nothing")
    assert CONTRACT.encode("get(bool)", True)[:4] == keccak(text="get(bool)")[:4]


def test_decode__one_value__is_bare_and_several_are_a_tuple() -> None:
    assert CONTRACT.decode("pay", encode(["bool"], [True])) is True
    assert CONTRACT.decode("set(uint256,bool)", encode(["uint8", "address"], [3, BOB])) == (3, BOB)


def test_deploy_data__constructor_arguments__follow_the_code() -> None:
    assert CONTRACT.deploy_data(5) == bytes.fromhex("6001") + encode(["uint256"], [5])


def test_deploy_data__library_not_linked__is_refused_until_it_is() -> None:
    placeholder = "__$" + keccak(text="a/B.sol:B").hex()[:34] + "$__"
    unlinked = Contract([], f"0x73{placeholder}00")
    with pytest.raises(ValueError, match="not linked"):
        unlinked.deploy_data()
    assert unlinked.link({"a/B.sol:B": BOB}).deploy_data() == bytes.fromhex("73" + BOB[2:] + "00")


def test_events__receipt__yields_only_the_named_event_with_its_emitter() -> None:
    topic = "0x" + keccak(text="Paid(address,int256,string)").hex()
    note = keccak(text="thanks")
    log = {
        "address": "0x" + "aa" * 20,
        "topics": [topic, "0x" + "00" * 12 + BOB[2:], "0x" + note.hex()],
        "data": "0x" + encode(["int256"], [-9]).hex(),
    }
    other = {"address": BOB, "topics": ["0x" + "11" * 32], "data": "0x"}
    assert CONTRACT.events("Paid", {"logs": [other, log]}) == [
        {"address": "0x" + "aa" * 20, "who": BOB, "amount": -9, "note": note}
    ]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (bytes.fromhex("08c379a0") + encode(["string"], ["too late"]), "too late"),
        (bytes.fromhex("4e487b71") + encode(["uint256"], [0x11]), "panic 0x11"),
        (keccak(text="TooMuch(uint256)")[:4] + encode(["uint256"], [3]), "TooMuch(3)"),
        (bytes.fromhex("08c379a0ff"), "0x08c379a0ff"),
        (bytes.fromhex("01020304"), "0x01020304"),
    ],
)
def test_revert_reason__known_and_unknown_data__is_said_in_words_or_hex(data: bytes, reason: str) -> None:
    assert revert_reason(data, CONTRACT.errors()) == reason


def test_revert_data__error_without_data__is_empty() -> None:
    assert revert_data({"code": 3, "message": "execution reverted", "data": "0x0102"}) == b"\x01\x02"
    assert revert_data({"code": -32000, "message": "no"}) == b""
