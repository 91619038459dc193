"""What many of the tests here begin with. `node` is a client of the file's own `anvil`."""

from collections.abc import AsyncIterator

import pytest

from keeper.devnet.anvil import Anvil
from keeper.devnet.node import Node
from tests.integration.chain_server import Server, serve


@pytest.fixture
async def node(anvil: Anvil) -> AsyncIterator[Node]:
    async with Node(anvil.http) as node:
        yield node


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    async with serve() as server:
        yield server
