"""What a call would do in the block to come, in the best way an endpoint offers."""

from collections.abc import Mapping
from enum import IntEnum
from typing import Any

from keeper.chain.decode import answers, octets, quantity
from keeper.chain.endpoint import Endpoint
from keeper.chain.faults import MethodMissing
from keeper.errors import CallReverted, Degraded
from keeper.ports import NextBlock, Simulated
from keeper.types import Address, Call


class Way(IntEnum):
    """How an endpoint is asked, the best way first."""

    SIMULATE = 0  # eth_simulateV1: in the next block, and the gas is told
    OVERRIDES = 1  # eth_call with the next block's number and time
    PLAIN = 2  # eth_call: as in the block asked for


class SimulatingEndpoint(Endpoint):
    """An endpoint that looks ahead. Which way it can is found out once, by the first call."""

    way: Way = Way.SIMULATE
    _proven = False

    async def simulate(self, call: Call, sender: Address, then: NextBlock) -> Simulated:
        """See `keeper.ports.ChainSimulator`."""
        while True:
            try:
                simulated = await self._try(call, sender, then)
            except CallReverted:
                self._proven = True
                raise
            except (MethodMissing, Degraded):
                if self._proven or self.way is Way.PLAIN:
                    raise
                self.way = Way(self.way + 1)
            else:
                self._proven = True
                return simulated

    async def _try(self, call: Call, sender: Address, then: NextBlock) -> Simulated:
        transaction = {"from": sender, "to": call.to, "data": "0x" + call.data.hex()}
        overrides = {"number": hex(then.number), "time": hex(then.timestamp)}
        if self.way is not Way.SIMULATE:
            extra = ({}, overrides) if self.way is Way.OVERRIDES else ()
            result = await self.request("eth_call", (transaction, then.base, *extra))
            with answers(self.host, "eth_call"):
                return Simulated(octets(result), None)
        try:
            return await self._simulate(transaction, then.base, {"blockOverrides": overrides})
        except Degraded:
            # The head has moved past the block meant, which only the node can number then.
            return await self._simulate(transaction, then.base, {})

    async def _simulate(
        self, transaction: Mapping[str, str], base: str, block: Mapping[str, Any]
    ) -> Simulated:
        asked = {"blockStateCalls": [{**block, "calls": [transaction]}]}
        found = await self.request("eth_simulateV1", (asked, base))
        with answers(self.host, "eth_simulateV1"):
            result = found[-1]["calls"][0]
            data, failed = octets(result["returnData"]), quantity(result["status"]) == 0
            gas = quantity(result["gasUsed"])
            error = result.get("error") or {}
            # geth puts what a revert says into the error, as eth_call does, others where results are.
            said = octets(error.get("data") or "0x") or data
        if failed:
            raise CallReverted(str(error.get("message", "execution failed")), said)
        return Simulated(data, gas)
