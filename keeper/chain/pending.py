"""One node's pending transactions: pushed over a WebSocket, or asked for by a filter."""

import asyncio
from collections.abc import Callable
from typing import Any

import aiohttp

from keeper.chain.decode import answers, pending_transaction
from keeper.chain.rpc import Rpc
from keeper.chain.subscription import SUBSCRIBE, SUBSCRIPTION, ask, connected, receive
from keeper.chain.url import EndpointUrl
from keeper.clock import Clock
from keeper.errors import Unreachable
from keeper.ports import PendingTransaction

Offer = Callable[[PendingTransaction], None]

_KIND = "newPendingTransactions"
_BODY, _BLOCK = "eth_getTransactionByHash", "eth_getBlockByNumber"
_NEW_FILTER, _CHANGES = "eth_newPendingTransactionFilter", "eth_getFilterChanges"


async def push(
    session: aiohttp.ClientSession,
    url: EndpointUrl,
    offer: Offer,
    alive: Callable[[], None],
    *,
    chain_id: int,
    deadline: float,
) -> None:
    """Offer what `url` pushes and what waited before; ends only with an exception. `alive`: it is subscribed.

    Whole transactions where the node gives them, else their hashes, whose bodies are asked for on the same
    connection. A quiet pool is no fault: whether the peer is there shows by its answers to pings.

    Raises: as `keeper.chain.subscription.subscribe`.
    """
    async with connected(session, url, chain_id, deadline) as socket:
        async with asyncio.timeout(deadline):
            try:
                await ask(socket, url, SUBSCRIBE, [_KIND, True])
            except Unreachable:  # an older node knows no second parameter; a dead one fails again
                await ask(socket, url, SUBSCRIBE, [_KIND])
            await _request(socket, _BLOCK, ["pending", True])
        alive()
        while True:
            message = await receive(socket, url)
            with answers(url.host, SUBSCRIPTION):
                for found in _found(message):
                    if isinstance(found, str):
                        async with asyncio.timeout(deadline):
                            await _request(socket, _BODY, [found])
                    else:
                        _offer(found, offer)


async def poll(rpc: Rpc, offer: Offer, alive: Callable[[], None], *, interval: float, clock: Clock) -> None:
    """Offer what a filter of `rpc` shows every `interval` seconds; ends only with an exception.

    Raises:
        MethodMissing: the node has no such filters. Transient: it failed, or forgot the filter.
    """
    number = await rpc.request(_NEW_FILTER)
    alive()
    while True:
        hashes = await rpc.request(_CHANGES, (number,))
        with answers(rpc.host, _CHANGES):
            bodies = await rpc.batch(_BODY, [(each,) for each in hashes])
            for body in bodies:
                _offer(body, offer)
        await clock.sleep(interval)


def _found(message: dict[str, Any]) -> list[Any]:
    """Transactions, or hashes of some, in any message; a pending block that a node refuses has none."""
    if message.get("method") == SUBSCRIPTION:
        return [message["params"]["result"]]
    result = message.get("result")
    if message.get("id") == _BLOCK:
        return list(result["transactions"]) if result else []
    return [result] if isinstance(result, dict) else []


def _offer(body: Any, offer: Offer) -> None:
    """Offer a transaction object; None where it was dropped before it was asked for."""
    transaction = pending_transaction(body) if body else None
    if transaction is not None:
        offer(transaction)


async def _request(socket: aiohttp.ClientWebSocketResponse, method: str, params: list[Any]) -> None:
    await socket.send_json({"jsonrpc": "2.0", "id": method, "method": method, "params": params})
