"""Wordings of real nodes and providers, and what they must be taken for."""

from typing import Any

import pytest

from keeper.chain.faults import Fault, MethodMissing, TooLarge, exception_for, fault_of, revert_data
from keeper.chain.send_errors import send_outcome
from keeper.errors import CallReverted, Degraded, Transient
from keeper.ports import SendOutcome

CALL, LOGS = "eth_call", "eth_getLogs"

REVERTS: list[tuple[str, dict[str, Any]]] = [
    ("geth", {"code": 3, "message": "execution reverted: 35", "data": "0x08c379a0"}),
    ("geth without data", {"code": -32000, "message": "execution reverted"}),
    ("geth halt", {"code": -32000, "message": "invalid opcode: INVALID"}),
    ("geth out of gas", {"code": -32000, "message": "out of gas"}),
    ("geth estimate", {"code": -32000, "message": "gas required exceeds allowance (30000000)"}),
    ("erigon", {"code": 3, "message": "execution reverted", "data": "0x"}),
    ("nethermind", {"code": -32015, "message": "VM execution error.", "data": "Reverted 0x1234"}),
    ("nethermind 1.30", {"code": 3, "message": "execution reverted: no", "data": "0x08c379a0"}),
    ("besu", {"code": -32000, "message": "Execution reverted", "data": "0x08c379a0"}),
    ("reth", {"code": 3, "message": "execution reverted: no", "data": "0x08c379a0"}),
    ("anvil", {"code": 3, "message": "execution reverted: custom error 0x1234", "data": "0x1234"}),
    ("anvil halt", {"code": -32603, "message": "EVM error InvalidFEOpcode"}),
    ("hardhat", {"code": -32603, "message": "VM Exception while processing transaction: reverted"}),
    ("a reason like a rate limit", {"code": -32000, "message": "execution reverted: rate limit exceeded"}),
    ("a reason like a method", {"code": -32000, "message": "execution reverted: method not supported"}),
    ("a reason like state", {"code": -32000, "message": "execution reverted: invalid block, pruned"}),
]

NOT_REVERTS: list[tuple[str, dict[str, Any], Fault]] = [
    ("geth", {"code": -32000, "message": "header not found"}, Fault.UNAVAILABLE),
    ("geth", {"code": -32000, "message": "missing trie node 0b…"}, Fault.UNAVAILABLE),
    ("geth", {"code": -32000, "message": "required historical state unavailable"}, Fault.UNAVAILABLE),
    ("geth", {"code": -32000, "message": "execution aborted (timeout = 5s)"}, Fault.UNAVAILABLE),
    ("geth", {"code": -32601, "message": "the method eth_x does not exist"}, Fault.UNSUPPORTED),
    ("geth", {"code": -32602, "message": "invalid argument 0: hex string"}, Fault.INVALID),
    ("erigon", {"code": -32000, "message": "block 900 not found"}, Fault.UNAVAILABLE),
    ("nethermind", {"code": -32001, "message": "pruned history unavailable"}, Fault.UNAVAILABLE),
    ("besu", {"code": -32000, "message": "World state unavailable"}, Fault.UNAVAILABLE),
    ("anvil", {"code": -32602, "message": "BlockOutOfRangeError: block height is 0"}, Fault.UNAVAILABLE),
    ("anvil fork", {"code": -32603, "message": "EVM error; database error: HTTP 500"}, Fault.UNAVAILABLE),
    ("infura", {"code": -32005, "message": "daily request count exceeded"}, Fault.THROTTLED),
    ("alchemy", {"code": 429, "message": "exceeded its compute units per second"}, Fault.THROTTLED),
    ("quicknode", {"code": -32007, "message": "50/second request limit reached"}, Fault.THROTTLED),
    ("public", {"code": -32016, "message": "over rate limit"}, Fault.THROTTLED),
    ("EIP-1474", {"code": -32005, "message": "limit exceeded"}, Fault.THROTTLED),
    ("geth batch", {"code": -32600, "message": "batch too large"}, Fault.TOO_LARGE),
    ("erigon batch", {"code": -32000, "message": "batch limit 100 exceeded"}, Fault.TOO_LARGE),
    ("unknown", {"code": -32000, "message": "something new"}, Fault.UNAVAILABLE),
    ("data is no proof", {"code": -32000, "message": "something new", "data": "0x12"}, Fault.UNAVAILABLE),
    ("nothing", {}, Fault.UNAVAILABLE),
]

TOO_MUCH: list[tuple[str, dict[str, Any]]] = [
    ("infura", {"code": -32005, "message": "query returned more than 10000 results"}),
    ("infura range", {"code": -32602, "message": "range 1000000 exceeds limit of 10000"}),
    (
        "alchemy",
        {
            "code": -32602,
            "message": "Log response size exceeded. You can make eth_getLogs requests with up to a 2K "
            "block range and no limit on the response size, or you can request any block range with a "
            "cap of 10K logs in the response.",
        },
    ),
    ("quicknode", {"code": -32614, "message": "eth_getLogs is limited to a 10,000 range"}),
    ("ankr", {"code": -32600, "message": "block range is too wide"}),
    ("bsc", {"code": -32005, "message": "limit exceeded"}),
    ("bor", {"code": -32000, "message": "block range is larger than max block range"}),
    ("erigon", {"code": -32005, "message": "block range too large, max range: 100"}),
    (
        "tenderly",
        {
            "code": -32602,
            "message": "invalid params",
            "data": {"payload": "range 9 is bigger than range limit 2"},
        },
    ),
    ("besu", {"code": -32005, "message": "Requested range exceeds maximum RPC range limit"}),
    ("nethermind", {"code": -32005, "message": "Too many logs requested"}),
    ("reth", {"code": -32602, "message": "query exceeds max block range 100000"}),
    ("cloudflare", {"code": -32047, "message": "Invalid eth_getLogs request: max range: 800"}),
    ("a slow node", {"code": -32000, "message": "query timeout exceeded"}),
    ("a proxy", {"code": -32002, "message": "request timed out"}),
]

LOGS_NOT_TOO_MUCH: list[tuple[str, dict[str, Any], Fault]] = [
    ("geth behind", {"code": -32602, "message": "invalid block range params"}, Fault.UNAVAILABLE),
    ("geth", {"code": -32000, "message": "block range extends beyond current head"}, Fault.UNAVAILABLE),
    ("avalanche", {"code": -32000, "message": "after last accepted block 9"}, Fault.UNAVAILABLE),
    ("alchemy", {"code": 429, "message": "compute units per second capacity exceeded"}, Fault.THROTTLED),
    ("disabled", {"code": -32601, "message": "Method not found"}, Fault.UNSUPPORTED),
    ("disabled", {"code": -32000, "message": "method eth_getLogs is disabled"}, Fault.UNSUPPORTED),
]


@pytest.mark.parametrize(("client", "error"), REVERTS, ids=[name for name, _ in REVERTS])
def test_fault_of__a_contract_said_no__is_a_revert(client: str, error: dict[str, Any]) -> None:
    assert fault_of(CALL, error) is Fault.REVERTED
    assert isinstance(exception_for("http://h", CALL, error, ""), CallReverted)


@pytest.mark.parametrize(("client", "error", "fault"), NOT_REVERTS)
def test_fault_of__the_endpoint_failed__is_no_revert(
    client: str, error: dict[str, Any], fault: Fault
) -> None:
    assert fault_of(CALL, error) is fault


@pytest.mark.parametrize(("client", "error"), TOO_MUCH, ids=[name for name, _ in TOO_MUCH])
def test_fault_of__logs_range_refused__is_too_large(client: str, error: dict[str, Any]) -> None:
    assert fault_of(LOGS, error) is Fault.TOO_LARGE


@pytest.mark.parametrize(("client", "error", "fault"), LOGS_NOT_TOO_MUCH)
def test_fault_of__logs_failed_otherwise__does_not_ask_for_less(
    client: str, error: dict[str, Any], fault: Fault
) -> None:
    assert fault_of(LOGS, error) is fault


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ({"code": -32000, "message": "header not found"}, Transient),
        ({"code": -32600, "message": "batch too large"}, TooLarge),
        ({"code": -32601, "message": "Method not found"}, MethodMissing),
        ({"code": -32602, "message": "invalid argument"}, Degraded),
    ],
)
def test_exception_for__any_fault__names_host_and_method(
    error: dict[str, Any], kind: type[Exception]
) -> None:
    raised = exception_for("http://node", CALL, error, error["message"])
    assert type(raised) is kind
    assert "http://node" in str(raised)
    assert CALL in str(raised)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ("0x08c379a0", "08c379a0"),
        ("Reverted 0x1234", "1234"),
        ({"data": "0xabcd"}, "abcd"),
        ("Reverted", ""),
        ("0x123", ""),
        (None, ""),
        ({"message": "x"}, ""),
    ],
)
def test_revert_data__as_clients_send_it__gives_the_bytes(data: object, expected: str) -> None:
    assert revert_data({"code": 3, "data": data}).hex() == expected


SENDS = [
    ("geth", "nonce too low: next nonce 8, tx nonce 7", SendOutcome.NONCE_TOO_LOW),
    ("geth", "nonce too high: next nonce 1, tx nonce 7", SendOutcome.NONCE_TOO_HIGH),
    ("geth", "gapped-nonce tx from delegated accounts", SendOutcome.NONCE_TOO_HIGH),
    ("geth", "already known", SendOutcome.ALREADY_KNOWN),
    (
        "geth",
        "replacement transaction underpriced: new tx gas fee cap 1 <= 2",
        SendOutcome.REPLACEMENT_UNDERPRICED,
    ),
    ("geth", "transaction underpriced: tip needed 1000000, tip permitted 0", SendOutcome.UNDERPRICED),
    ("geth", "transaction underpriced", SendOutcome.UNDERPRICED),
    (
        "geth",
        "max fee per gas less than block base fee: address 0x1, maxFeePerGas: 1",
        SendOutcome.UNDERPRICED,
    ),
    ("geth", "tx fee (1.50 ether) exceeds the configured cap (1.00 ether)", SendOutcome.FEE_CAP_EXCEEDED),
    ("geth", "insufficient funds for gas * price + value: balance 0", SendOutcome.INSUFFICIENT_FUNDS),
    ("geth", "txpool is full", SendOutcome.RETRYABLE),
    ("geth", "address already reserved", SendOutcome.RETRYABLE),
    ("geth", "in-flight transaction limit reached for delegated accounts", SendOutcome.RETRYABLE),
    ("geth", "exceeds block gas limit", SendOutcome.FATAL),
    ("geth", "intrinsic gas too low: gas 20000, minimum needed 21000", SendOutcome.FATAL),
    ("geth", "invalid sender", SendOutcome.FATAL),
    ("geth", "invalid chain id for signer: have 1 want 5", SendOutcome.FATAL),
    ("geth", "max priority fee per gas higher than max fee per gas", SendOutcome.FATAL),
    ("geth", "oversized data: transaction size 200000, limit 131072", SendOutcome.FATAL),
    ("geth", "rlp: expected List", SendOutcome.FATAL),
    ("geth", "only replay-protected (EIP-155) transactions allowed over RPC", SendOutcome.FATAL),
    ("erigon", "existing tx with same hash", SendOutcome.ALREADY_KNOWN),
    ("erigon", "could not replace existing tx", SendOutcome.REPLACEMENT_UNDERPRICED),
    ("erigon", "replacement transaction underpriced", SendOutcome.REPLACEMENT_UNDERPRICED),
    ("erigon", "underpriced", SendOutcome.UNDERPRICED),
    ("erigon", "fee too low", SendOutcome.UNDERPRICED),
    ("erigon", "insufficient funds", SendOutcome.INSUFFICIENT_FUNDS),
    ("erigon", "pending sub-pool is full", SendOutcome.RETRYABLE),
    ("erigon", "rlp too long", SendOutcome.FATAL),
    ("nethermind", "OldNonce, Current nonce: 5, nonce of rejected tx: 4", SendOutcome.NONCE_TOO_LOW),
    ("nethermind", "NonceGap, Future nonce. Expected nonce: 5", SendOutcome.NONCE_TOO_HIGH),
    ("nethermind", "AlreadyKnown", SendOutcome.ALREADY_KNOWN),
    ("nethermind", "OwnNonceAlreadyUsed", SendOutcome.REPLACEMENT_UNDERPRICED),
    ("nethermind", "ReplacementNotAllowed", SendOutcome.REPLACEMENT_UNDERPRICED),
    ("nethermind", "FeeTooLowToCompete", SendOutcome.UNDERPRICED),
    ("nethermind", "FeeTooLow, MaxFeePerGas too low. MaxFeePerGas: 1, BaseFee: 2", SendOutcome.UNDERPRICED),
    (
        "nethermind",
        "InsufficientFunds, Account balance: 1, cumulative cost: 2",
        SendOutcome.INSUFFICIENT_FUNDS,
    ),
    ("nethermind", "GasLimitExceeded, Gas limit: 1, gas limit of rejected tx: 2", SendOutcome.FATAL),
    ("nethermind", "SenderIsContract", SendOutcome.FATAL),
    ("nethermind", "Invalid, transaction Hash is null", SendOutcome.FATAL),
    ("besu", "Nonce too low", SendOutcome.NONCE_TOO_LOW),
    ("besu", "Transaction nonce is too distant from current sender nonce", SendOutcome.NONCE_TOO_HIGH),
    ("besu", "Known transaction", SendOutcome.ALREADY_KNOWN),
    ("besu", "Replacement transaction underpriced", SendOutcome.REPLACEMENT_UNDERPRICED),
    ("besu", "Gas price below configured minimum gas price", SendOutcome.UNDERPRICED),
    ("besu", "Gas price below current base fee", SendOutcome.UNDERPRICED),
    ("besu", "Upfront cost exceeds account balance", SendOutcome.INSUFFICIENT_FUNDS),
    ("besu", "Transaction fee cap exceeded", SendOutcome.FEE_CAP_EXCEEDED),
    ("besu", "Intrinsic gas exceeds gas limit", SendOutcome.FATAL),
    ("besu", "Wrong chainId", SendOutcome.FATAL),
    ("reth", "nonce too low: next nonce 8, tx nonce 7", SendOutcome.NONCE_TOO_LOW),
    ("reth", "already known", SendOutcome.ALREADY_KNOWN),
    ("reth", "replacement transaction underpriced", SendOutcome.REPLACEMENT_UNDERPRICED),
    ("reth", "transaction underpriced", SendOutcome.UNDERPRICED),
    ("reth", "txpool is full", SendOutcome.RETRYABLE),
    ("reth", "tx fee (2 wei) exceeds the configured cap (1 wei)", SendOutcome.FEE_CAP_EXCEEDED),
    ("reth", "failed to decode signed transaction", SendOutcome.FATAL),
    ("anvil", "nonce too low", SendOutcome.NONCE_TOO_LOW),
    ("anvil", "transaction already imported", SendOutcome.ALREADY_KNOWN),
    ("anvil", "replacement transaction underpriced", SendOutcome.REPLACEMENT_UNDERPRICED),
    ("anvil", "max fee per gas less than block base fee", SendOutcome.UNDERPRICED),
    ("anvil", "Insufficient funds for gas * price + value", SendOutcome.INSUFFICIENT_FUNDS),
    ("anvil", "intrinsic gas too high", SendOutcome.FATAL),
    ("anvil", "Failed to decode transaction", SendOutcome.FATAL),
    ("arbitrum", "nonce too low: address 0x1, tx: 1 state: 2", SendOutcome.NONCE_TOO_LOW),
    ("arbitrum", "max fee per gas less than block base fee: address 0x1", SendOutcome.UNDERPRICED),
    ("arbitrum", "sequencer pending tx pool full, please try again", SendOutcome.RETRYABLE),
    ("arbitrum", "queue full", SendOutcome.RETRYABLE),
    ("arbitrum", "execution reverted: 35", SendOutcome.FATAL),
    ("bor", "transaction gas price below minimum: gas tip cap 1, minimum needed 2", SendOutcome.UNDERPRICED),
    ("erigon", "INTERNAL_ERROR: existing tx with same hash", SendOutcome.ALREADY_KNOWN),
    ("erigon", "FEE_TOO_LOW: fee too low", SendOutcome.UNDERPRICED),
    ("erigon", "baseFee sub-pool is full", SendOutcome.RETRYABLE),
    ("erigon", "gas limit is too high", SendOutcome.FATAL),
    ("erigon", "nonce too high", SendOutcome.NONCE_TOO_HIGH),
    ("erigon", "replaced by transaction with higher tip", SendOutcome.REPLACEMENT_UNDERPRICED),
    ("zksync", "nonce too low. allowed nonce range: 427 - 447, actual: 426", SendOutcome.NONCE_TOO_LOW),
    ("zksync", "nonce too high. allowed nonce range: 427 - 477, actual: 527", SendOutcome.NONCE_TOO_HIGH),
    ("zksync", "Not enough balance to cover the fee + value", SendOutcome.INSUFFICIENT_FUNDS),
    (
        "zksync",
        "known transaction. transaction with hash 0xf016…ad63 is already in the system",
        SendOutcome.ALREADY_KNOWN,
    ),
    (
        "zksync",
        "failed to validate the transaction. reason: Validation revert",
        SendOutcome.FATAL,
    ),
    (
        "optimism",
        "failed to forward tx to sequencer, please try again. Error message: 'nonce too low'",
        SendOutcome.NONCE_TOO_LOW,
    ),
    (
        "optimism",
        "failed to forward tx to sequencer, please try again. Error message: 'txpool is full'",
        SendOutcome.RETRYABLE,
    ),
    (
        "optimism",
        "failed to forward tx to sequencer, please try again. Error message: 'connection reset'",
        SendOutcome.UNKNOWN,
    ),
    (
        "scroll",
        "invalid transaction: insufficient funds for l1fee + gas * price + value",
        SendOutcome.INSUFFICIENT_FUNDS,
    ),
    ("metis", "insufficient funds for gas * price + value + L1 fee", SendOutcome.INSUFFICIENT_FUNDS),
    ("arbitrum", "nonce too high: address 0x0499, tx: 2 state: 1", SendOutcome.NONCE_TOO_HIGH),
    (
        "arbitrum",
        "insufficient funds for gas * price + value: address 0x1 have 1 want 2",
        SendOutcome.INSUFFICIENT_FUNDS,
    ),
    ("arbitrum", "gas price too low", SendOutcome.UNDERPRICED),
    ("arbitrum", "nonce cache full", SendOutcome.RETRYABLE),
    ("besu", "Transaction nonce below sender account nonce", SendOutcome.NONCE_TOO_LOW),
    ("besu", "Transaction nonce too distant from current sender nonce", SendOutcome.NONCE_TOO_HIGH),
    ("besu", "Transaction gas limit exceeds block gas limit", SendOutcome.FATAL),
    ("besu", "Transaction not added because of txpool is full", SendOutcome.RETRYABLE),
    ("nethermind", "OldNonce, Current nonce: 22, nonce of rejected tx: 17", SendOutcome.NONCE_TOO_LOW),
    (
        "nethermind",
        "FeeTooLow, MaxFeePerGas too low. MaxFeePerGas: 50, BaseFee: 100",
        SendOutcome.UNDERPRICED,
    ),
    (
        "nethermind",
        "FeeTooLow, EffectivePriorityFeePerGas too low 10 < 20, BaseFee: 30",
        SendOutcome.UNDERPRICED,
    ),
    (
        "nethermind",
        "InsufficientFunds, Account balance: 4740, cumulative cost: 22019",
        SendOutcome.INSUFFICIENT_FUNDS,
    ),
    ("nethermind", "InsufficientFunds, Balance is zero, cannot pay gas", SendOutcome.INSUFFICIENT_FUNDS),
    ("nethermind", "NonceGap, Future nonce. Expected nonce: 10", SendOutcome.NONCE_TOO_HIGH),
    ("nethermind", "GasLimitExceeded, Gas limit: 100, gas limit of rejected tx: 150", SendOutcome.FATAL),
    ("nethermind", "SenderIsContract, Sender is contract", SendOutcome.FATAL),
    ("nethermind", "Invalid, TX is invalid", SendOutcome.FATAL),
    ("reth", "insufficient funds for gas * price + value: have 1 want 2", SendOutcome.INSUFFICIENT_FUNDS),
    ("reth", "nonce too high", SendOutcome.NONCE_TOO_HIGH),
    ("reth", "transaction discarded outright due to pool size constraints", SendOutcome.RETRYABLE),
    ("reth", "transaction priority fee below minimum required priority fee 1000", SendOutcome.UNDERPRICED),
    ("reth", "transaction type not supported", SendOutcome.FATAL),
    ("reth", "max fee per blob gas less than block blob gas fee", SendOutcome.FATAL),
    ("reth", "intrinsic gas too low", SendOutcome.FATAL),
    ("reth", "insufficient gas price to replace existing transaction", SendOutcome.REPLACEMENT_UNDERPRICED),
    ("reth", "gas limit too high", SendOutcome.FATAL),
    ("geth", "nonce too high: address 0x1, tx: 9 state: 3", SendOutcome.NONCE_TOO_HIGH),
    ("geth", "transaction underpriced: gas tip cap 0, minimum needed 1", SendOutcome.UNDERPRICED),
    (
        "geth",
        "replacement transaction underpriced: new tx gas fee cap 1 < 2",
        SendOutcome.REPLACEMENT_UNDERPRICED,
    ),
    (
        "geth",
        "insufficient funds for gas * price + value: balance 1, tx cost 2, overshot 1",
        SendOutcome.INSUFFICIENT_FUNDS,
    ),
    (
        "geth",
        "insufficient funds for gas * price + value: balance 1, queued cost 3, tx cost 2, overshot 4",
        SendOutcome.INSUFFICIENT_FUNDS,
    ),
    ("geth", "tx fee (1.10 ether) exceeds the configured cap (1.00 ether)", SendOutcome.FEE_CAP_EXCEEDED),
    ("geth", "transaction gas limit too high (cap: 16777216, tx: 20000000)", SendOutcome.FATAL),
    ("geth", "future transaction tries to replace pending", SendOutcome.RETRYABLE),
    ("anvil", "Out of gas: gas required exceeds allowance: 100", SendOutcome.FATAL),
    ("parity", "Transaction with the same hash was already imported.", SendOutcome.ALREADY_KNOWN),
    ("parity", "Transaction nonce is too low. Try incrementing the nonce.", SendOutcome.NONCE_TOO_LOW),
    (
        "parity",
        "Transaction gas price 1 is too low. There is another transaction with same nonce",
        SendOutcome.REPLACEMENT_UNDERPRICED,
    ),
    (
        "parity",
        "Transaction gas price is too low. It does not satisfy your node's minimal gas price",
        SendOutcome.UNDERPRICED,
    ),
    (
        "parity",
        "There are too many transactions in the queue. Yours was dropped due to limit",
        SendOutcome.RETRYABLE,
    ),
    ("bsc", "transaction underpriced: tip needed 100000000, tip permitted 1", SendOutcome.UNDERPRICED),
    (
        "avalanche",
        "max fee per gas less than block base fee: address 0x1 maxFeePerGas: 1 baseFee: 2",
        SendOutcome.UNDERPRICED,
    ),
    ("provider", "Too Many Requests", SendOutcome.RETRYABLE),
    ("provider", "Your app has exceeded its compute units per second capacity", SendOutcome.RETRYABLE),
    ("provider", "context deadline exceeded", SendOutcome.UNKNOWN),
    ("provider", "daily request count exceeded, request rate limited", SendOutcome.RETRYABLE),
    ("provider", "unknown transaction", SendOutcome.UNKNOWN),
    ("provider", "request timed out", SendOutcome.UNKNOWN),
    ("provider", "internal error", SendOutcome.UNKNOWN),
    ("provider", "", SendOutcome.UNKNOWN),
]


@pytest.mark.parametrize(("client", "message", "outcome"), SENDS)
def test_send_outcome__as_clients_word_it__is_recognised(
    client: str, message: str, outcome: SendOutcome
) -> None:
    assert send_outcome(message) is outcome
