"""The remote signer: eth_signTransaction from a local server, over HTTP and over TLS with certificates."""

import asyncio
import ssl
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from keeper.app.signing import load_signer, prove
from keeper.config.execution import Signer
from keeper.errors import ConfigError, Halt, Unreachable
from keeper.execute.signer import GuardedSigner, LocalSigner, Policy, RemoteSigner, UnsignedTx
from keeper.types import Address
from tests.listening import listening

HOLDER = LocalSigner(b"\x42" * 32)
PAYEE = Address("0x" + "c0" * 20)
SELECTOR = bytes.fromhex("d09de08a")
TX = UnsignedTx(31337, 7, PAYEE, SELECTOR, 60_000, 1, 100)
POLICY = Policy(31337, {PAYEE: frozenset({SELECTOR})}, 100)


@dataclass
class Holder:
    """The machine with the key. `bare`: the raw bytes alone, as web3signer; else as geth."""

    signer: LocalSigner = HOLDER
    bare: bool = False
    error: dict[str, Any] | None = None
    status: int = 200
    delay: float = 0.0
    asked: list[dict[str, Any]] = field(default_factory=list)
    connections: set[Any] = field(default_factory=set)
    url: str = ""

    async def answer(self, request: web.Request) -> web.Response:
        body = await request.json()
        assert body["method"] == "eth_signTransaction"
        (fields,) = body["params"]
        self.asked.append(fields)
        self.connections.add(request.transport)
        await asyncio.sleep(self.delay)
        if self.status != 200:
            return web.Response(status=self.status, text="down")
        if self.error is not None:
            return web.json_response({"jsonrpc": "2.0", "id": body["id"], "error": self.error})
        raw = "0x" + (await self.signer.sign(_read(fields))).raw.hex()
        result = raw if self.bare else {"raw": raw, "tx": fields}
        return web.json_response({"jsonrpc": "2.0", "id": body["id"], "result": result})


def _read(fields: dict[str, Any]) -> UnsignedTx:
    number = {name: int(fields[name], 16) for name in ("chainId", "nonce", "gas")}
    return UnsignedTx(
        number["chainId"],
        number["nonce"],
        Address(fields["to"].lower()),
        bytes.fromhex(fields["data"][2:]),
        number["gas"],
        int(fields["maxPriorityFeePerGas"], 16),
        int(fields["maxFeePerGas"], 16),
    )


@asynccontextmanager
async def serving(holder: Holder, tls: ssl.SSLContext | None = None) -> AsyncIterator[Holder]:
    app = web.Application()
    app.router.add_post("/", holder.answer)
    async with listening(app, tls) as port:
        holder.url = f"https://localhost:{port}" if tls else f"http://127.0.0.1:{port}"
        yield holder


@asynccontextmanager
async def remote(holder: Holder, **options: Any) -> AsyncIterator[RemoteSigner]:
    signer = RemoteSigner(holder.url, HOLDER.address, **options)
    try:
        yield signer
    finally:
        await signer.close()


@pytest.mark.parametrize("bare", [False, True])
async def test_sign__the_holder_signs__same_bytes_as_the_key_itself(bare: bool) -> None:
    async with serving(Holder(bare=bare)) as holder, remote(holder) as signer:
        guarded = GuardedSigner(signer, POLICY)
        assert await guarded.sign(TX) == await HOLDER.sign(TX)
        await guarded.sign(TX._replace(nonce=8))
        assert len(holder.connections) == 1


async def test_sign__policy_forbids_it__the_holder_is_never_asked() -> None:
    async with serving(Holder()) as holder, remote(holder) as signer:
        with pytest.raises(Halt, match="policy"):
            await GuardedSigner(signer, POLICY).sign(TX._replace(cap=101))
        assert holder.asked == []


async def test_sign__the_holder_has_another_key__halts() -> None:
    async with serving(Holder(signer=LocalSigner(b"\x43" * 32))) as holder, remote(holder) as signer:
        with pytest.raises(Halt, match="returned something else"):
            await GuardedSigner(signer, POLICY).sign(TX)


async def test_sign__the_holder_refuses__halts_with_its_words() -> None:
    error = {"code": -32000, "message": "not on the\nlist"}
    async with serving(Holder(error=error)) as holder, remote(holder) as signer:
        with pytest.raises(Halt, match="refuses transaction 7: not on the list"):
            await signer.sign(TX)


@pytest.mark.parametrize("trouble", [{"status": 503}, {"delay": 30.0}])
async def test_sign__no_answer__unreachable_so_that_it_is_tried_again(trouble: dict[str, Any]) -> None:
    async with serving(Holder(**trouble)) as holder, remote(holder, deadline=0.1) as signer:
        with pytest.raises(Unreachable, match=r"127\.0\.0\.1"):
            await signer.sign(TX)


async def test_sign__nobody_listens__unreachable_without_the_token() -> None:
    signer = RemoteSigner("http://user:word@127.0.0.1:9/TOKEN", HOLDER.address)
    with pytest.raises(Unreachable) as caught:
        await signer.sign(TX)
    await signer.close()
    assert "TOKEN" not in str(caught.value) + repr(signer)
    assert "word" not in str(caught.value) + repr(signer)


def openssl(folder: Path, *arguments: str) -> None:
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)  # noqa: S603, S607


def issue(folder: Path, name: str, *, authority: str = "ca") -> None:
    """A key and a certificate `name`, signed by `authority`."""
    (folder / "ext").write_text("subjectAltName=DNS:localhost\n")
    curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    openssl(folder, "req", *curve, "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={name}")
    signed_by = ("-CA", f"{authority}.pem", "-CAkey", f"{authority}.key", "-CAcreateserial")
    openssl(
        folder, "x509", "-req", "-in", f"{name}.csr", *signed_by, "-days", "2", "-extfile", "ext",
        "-out", f"{name}.pem",
    )  # fmt: skip


def found(folder: Path, name: str) -> None:
    """A certificate authority."""
    curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    openssl(
        folder, "req", "-x509", *curve, "-keyout", f"{name}.key", "-out", f"{name}.pem", "-days", "2",
        "-subj", f"/CN={name}", "-addext", "keyUsage=critical,keyCertSign",
    )  # fmt: skip


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tls")
    for authority in ("ca", "other"):
        found(folder, authority)
    issue(folder, "server")
    issue(folder, "client")
    issue(folder, "stranger", authority="other")
    return folder


@pytest.fixture
async def vault(certificates: Path) -> AsyncIterator[Holder]:
    """A holder that talks only to clients with a certificate of its authority."""
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=certificates / "ca.pem")
    tls.load_cert_chain(certificates / "server.pem", certificates / "server.key")
    tls.verify_mode = ssl.CERT_REQUIRED
    async with serving(Holder(), tls) as holder:
        yield holder


def configured(vault: Holder, certificates: Path, ca: str = "ca", client: str | None = "client") -> Signer:
    files = {} if client is None else {"cert_file": f"{client}.pem", "key_file": f"{client}.key"}
    paths = {name: certificates / file for name, file in {"ca_file": f"{ca}.pem", **files}.items()}
    return Signer.model_validate({"kind": "remote", "url": vault.url, "address": HOLDER.address, **paths})


async def test_load_signer__remote_with_certificates__proves_its_key(
    vault: Holder, certificates: Path
) -> None:
    signer = load_signer(configured(vault, certificates))
    assert signer is not None
    try:
        await prove(signer, 31337)
        assert await GuardedSigner(signer, POLICY).sign(TX) == await HOLDER.sign(TX)
    finally:
        await signer.close()
    assert int(vault.asked[0]["maxFeePerGas"], 16) == 0


@pytest.mark.parametrize(("ca", "client"), [("other", "client"), ("ca", None), ("ca", "stranger")])
async def test_load_signer__one_side_cannot_trust_the_other__unreachable_and_nothing_asked(
    vault: Holder, certificates: Path, ca: str, client: str | None
) -> None:
    signer = load_signer(configured(vault, certificates, ca, client))
    assert signer is not None
    try:
        with pytest.raises(Unreachable):
            await signer.sign(TX)
    finally:
        await signer.close()
    assert vault.asked == []


async def test_load_signer__key_of_another_certificate__says_so(vault: Holder, certificates: Path) -> None:
    settings = configured(vault, certificates).model_copy(update={"key_file": certificates / "server.key"})
    with pytest.raises(ConfigError, match=r"signer\.cert_file"):
        load_signer(settings)
