"""Aggregators of exchanges that quote over HTTP, in the form that 0x documents and others follow.

GET <url>?chainId&sellToken&buyToken&sellAmount&taker answers with buyAmount and the transaction that does
it: `to`, `data`, `value` and an estimate of gas, flat or under "transaction", and who needs the allowance
(`allowanceTarget`, or issues.allowance.spender). Amounts are decimal strings in token units.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import aiohttp

from keeper.errors import Degraded, Unreachable
from keeper.types import Address, checksum, parse_address

MAX_DATA = 4096
"""Bytes of calldata that the executor passes on to a router."""
DEFAULT_GAS = 350_000
"""Gas of a sale whose answer names none."""


class RouterCall(NamedTuple):
    """A sale by an aggregator: what it pays at least as quoted, and what to call its router with."""

    amount_out: int
    gas: int
    router: Address
    data: bytes


@dataclass(frozen=True, slots=True)
class Aggregator:
    """One aggregator on one chain.

    `router` is the only contract that the executor lets take tokens for it. `headers` carry the API key and
    are never shown. `deadline` in seconds is for the whole answer.
    """

    url: str = field(repr=False)
    chain_id: int
    router: Address
    taker: Address
    deadline: float
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)

    async def quote(self, sell: Address, buy: Address, amount: int) -> RouterCall:
        """What the aggregator pays for `amount` of `sell`, in `buy`, now.

        Raises:
            Unreachable: no usable answer in time.
            Degraded: it buys nothing, or in a way that the executor does not support.
        """
        asked = {
            "chainId": str(self.chain_id),
            "sellToken": checksum(sell),
            "buyToken": checksum(buy),
            "sellAmount": str(amount),
            "taker": checksum(self.taker),
        }
        return self._parse(await self._get(asked), amount)

    async def _get(self, asked: Mapping[str, str]) -> Any:
        timeout = aiohttp.ClientTimeout(total=self.deadline)
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout, headers=self.headers) as session,
                session.get(self.url, params=asked) as answer,
            ):
                if answer.status >= 500 or answer.status == 429:
                    raise Unreachable(f"aggregator: HTTP {answer.status}")
                if answer.status != 200:
                    raise Degraded(f"aggregator: HTTP {answer.status}")
                return await answer.json()
        except (TimeoutError, aiohttp.ClientError, ValueError) as error:
            # Only the kind of error: its text may hold the URL.
            raise Unreachable(f"aggregator: {type(error).__name__}") from None

    def _parse(self, answer: Any, amount: int) -> RouterCall:
        try:
            if answer.get("liquidityAvailable") is False:
                raise Degraded("aggregator: no liquidity")
            call = answer.get("transaction") or answer
            router = parse_address(call["to"])
            issue = (answer.get("issues") or {}).get("allowance") or {}
            spender = parse_address(answer.get("allowanceTarget") or issue.get("spender") or call["to"])
            data = bytes.fromhex(call["data"].removeprefix("0x"))
            found = RouterCall(
                int(answer["buyAmount"]),
                int(call.get("gas") or answer.get("estimatedGas") or DEFAULT_GAS),
                router,
                data,
            )
            sold, value = int(answer.get("sellAmount", amount)), int(call.get("value") or 0)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise Unreachable(f"aggregator: not the documented answer ({type(error).__name__})") from None
        if {router, spender} != {self.router}:
            raise Degraded(f"aggregator: wants {checksum(router)} and {checksum(spender)}, not its router")
        if sold != amount or value or not found.amount_out or not 4 <= len(data) <= MAX_DATA:
            raise Degraded("aggregator: answers with a sale that the executor cannot do")
        return found
