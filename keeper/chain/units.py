"""What a request costs. Providers bill in compute units; nodes of one's own have no price, only a load."""

_UNITS = {
    "eth_chainId": 0,
    "eth_syncing": 0,
    "eth_blockNumber": 10,
    "eth_feeHistory": 10,
    "eth_maxPriorityFeePerGas": 10,
    "eth_getTransactionReceipt": 15,
    "web3_clientVersion": 15,
    "eth_getBlockByNumber": 16,
    "eth_getBalance": 19,
    "eth_getCode": 19,
    "eth_getBlockByHash": 21,
    "eth_call": 26,
    "eth_getTransactionCount": 26,
    "eth_simulateV1": 40,
    "eth_getLogs": 75,
    "eth_estimateGas": 87,
    "eth_sendRawTransaction": 250,
}
"""Compute units per request, from the price list that Alchemy introduced and others took over."""

_USUAL = 20
"""For methods not listed."""


def units(method: str) -> int:
    """Compute units of one request."""
    return _UNITS.get(method, _USUAL)
