"""eth_subscribe on a connection of its own, for new heads and whatever else a node pushes.

web3's persistent provider keeps subscriptions in a queue of 500 entries whose overflow ends its
listener, shares the connection with requests, and logs the address. Here every frame is read as it
comes and handed on, and whoever consumes keeps only the newest.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

from keeper.chain.decode import answers, block_ref, quantity
from keeper.chain.faults import DeadlineExceeded, exception_for
from keeper.chain.url import EndpointUrl
from keeper.errors import Unreachable, WrongChain
from keeper.types import BlockRef

SUBSCRIBE, SUBSCRIPTION = "eth_subscribe", "eth_subscription"
_CHAIN_ID = "eth_chainId"
_CLOSE = aiohttp.ClientWSTimeout(ws_close=1.0)
"""Seconds to wait for the peer's goodbye: shutting down must not hang on a dead node."""


async def subscribe(
    session: aiohttp.ClientSession, url: EndpointUrl, chain_id: int, silence: float
) -> AsyncIterator[BlockRef]:
    """Heads as the node pushes them, until the connection breaks or stays silent too long.

    Raises:
        WrongChain: the endpoint serves another chain than `chain_id`.
        DeadlineExceeded: `silence` seconds without a head.
        Unreachable: the connection failed, was closed or carried nonsense.
    """
    async with connected(session, url, chain_id, silence) as socket:
        async with asyncio.timeout(silence):
            await ask(socket, url, SUBSCRIBE, ["newHeads"])
        while True:
            async with asyncio.timeout(silence):
                head = await _next_head(socket, url)
            yield head


@asynccontextmanager
async def connected(
    session: aiohttp.ClientSession, url: EndpointUrl, chain_id: int, deadline: float
) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
    """A connection to a node of `chain_id`, closed when the block ends; a peer that is gone is noticed.

    Raises as `subscribe`, also what goes wrong inside the block.
    """
    try:
        async with asyncio.timeout(deadline):
            socket = await session.ws_connect(url.reveal(), heartbeat=deadline, timeout=_CLOSE)
        try:
            async with asyncio.timeout(deadline):
                await _check(socket, url, chain_id)
            yield socket
        finally:
            await socket.close()
    except TimeoutError:
        raise DeadlineExceeded(f"{url.host}: silent for {deadline:g} s") from None
    except (aiohttp.ClientError, OSError) as error:
        raise Unreachable(f"{url.host}: {url.scrub(str(error)) or type(error).__name__}") from None


async def ask(
    socket: aiohttp.ClientWebSocketResponse, url: EndpointUrl, method: str, params: list[Any]
) -> Any:
    """The result of one request; what is pushed before it is passed over.

    Raises:
        Unreachable: the node refused, or closed the connection.
    """
    await socket.send_json({"jsonrpc": "2.0", "id": method, "method": method, "params": params})
    while (message := await receive(socket, url)).get("id") != method:
        pass
    error = message.get("error")
    if error is not None:
        with answers(url.host, method):
            refusal = exception_for(url.host, method, error, url.scrub(str(error["message"])))
        raise Unreachable(str(refusal))
    return message.get("result")


async def receive(socket: aiohttp.ClientWebSocketResponse, url: EndpointUrl) -> dict[str, Any]:
    """The next message. Raises Unreachable when the connection is closed or carries nonsense."""
    frame = await socket.receive()
    if frame.type not in (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY):
        raise Unreachable(f"{url.host}: the connection closed")
    with answers(url.host, "websocket"):
        message = json.loads(frame.data)
        return dict(message)


async def _check(socket: aiohttp.ClientWebSocketResponse, url: EndpointUrl, chain_id: int) -> None:
    result = await ask(socket, url, _CHAIN_ID, [])
    with answers(url.host, _CHAIN_ID):
        found = quantity(result)
    if found != chain_id:
        raise WrongChain(f"{url.host} serves chain {found}, configured is chain {chain_id}")


async def _next_head(socket: aiohttp.ClientWebSocketResponse, url: EndpointUrl) -> BlockRef:
    while (message := await receive(socket, url)).get("method") != SUBSCRIPTION:
        pass
    with answers(url.host, SUBSCRIPTION):
        return block_ref(message["params"]["result"])
