"""A key that another machine holds: eth_signTransaction over HTTP(S), as geth's clef and web3signer offer it.

Wrap it in a GuardedSigner: what comes back is somebody else's word until its signature is checked.
"""

import asyncio
import json
import ssl
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from keeper.errors import Halt, Unreachable
from keeper.execute.signer.model import SignedTx, UnsignedTx
from keeper.types import Address, Hash


class RemoteSigner:
    """Asks `url` to sign for `address`.

    Args:
        url: http(s); only its host is ever shown.
        address: whose signatures are wanted.
        tls: who the server must be, and our own certificate; None: what the system trusts.
        deadline: seconds for one signature.
    """

    __slots__ = ("_deadline", "_session", "_tls", "_url", "address", "host")

    def __init__(
        self, url: str, address: Address, *, tls: ssl.SSLContext | None = None, deadline: float = 5.0
    ) -> None:
        parts = urlsplit(url)
        self.address = address
        self.host = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
        self._url = url
        self._tls = tls
        self._deadline = deadline
        self._session: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        """Close the connection."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def sign(self, tx: UnsignedTx) -> SignedTx:
        """Have `tx` signed.

        Raises:
            Halt: the signer refuses, or answers what is no signed transaction.
            Unreachable: no usable answer in time.
        """
        request = {"jsonrpc": "2.0", "id": 1, "method": "eth_signTransaction", "params": [self._fields(tx)]}
        answer = await self._post(request)
        if answer.get("error") is not None:
            raise Halt(f"the signer {self.host} refuses transaction {tx.nonce}: {_reason(answer['error'])}")
        raw = _signed(answer.get("result"))
        if raw is None:
            raise Halt(f"the signer {self.host} answers what is no signed transaction")
        return SignedTx(raw, Hash("0x" + keccak(raw).hex()))

    def __repr__(self) -> str:
        return f"<RemoteSigner {self.address} at {self.host}>"

    def _fields(self, tx: UnsignedTx) -> dict[str, Any]:
        fields = {
            "type": "0x2",
            "from": to_checksum_address(self.address),
            "chainId": hex(tx.chain_id),
            "nonce": hex(tx.nonce),
            "value": "0x0",
            "data": "0x" + tx.data.hex(),
            "gas": hex(tx.gas),
            "maxPriorityFeePerGas": hex(tx.tip),
            "maxFeePerGas": hex(tx.cap),
            "accessList": [],
        }
        return fields if tx.to is None else {**fields, "to": to_checksum_address(tx.to)}

    async def _post(self, request: dict[str, Any]) -> dict[str, Any]:
        if self._session is None:
            self._session = aiohttp.ClientSession()
        tls: ssl.SSLContext | bool = True if self._tls is None else self._tls
        try:
            async with (
                asyncio.timeout(self._deadline),
                self._session.post(self._url, json=request, ssl=tls, allow_redirects=False) as response,
            ):
                body = await response.read()
                status = response.status
        except TimeoutError:
            raise Unreachable(f"the signer {self.host} gave no answer in {self._deadline:g} s") from None
        except (aiohttp.ClientError, OSError) as error:
            raise Unreachable(f"the signer {self.host} gives no answer: {type(error).__name__}") from None
        answer = _json(body)
        if not isinstance(answer, dict) or status >= 500:
            raise Unreachable(f"the signer {self.host} answers HTTP {status}")
        return answer


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return None


def _reason(error: Any) -> str:
    """The signer's own words, on one line: they must not steer the terminal."""
    said = str(error.get("message", "") if isinstance(error, dict) else error)
    return "".join(char if char.isprintable() else " " for char in said)[:200]


def _signed(result: Any) -> bytes | None:
    """The raw bytes: web3signer gives them as they are, geth as `raw` beside the decoded fields."""
    text = result.get("raw") if isinstance(result, dict) else result
    try:
        return bytes.fromhex(text.removeprefix("0x")) if isinstance(text, str) else None
    except ValueError:
        return None
