"""The ledger's own listener over mutual TLS, and a load on it from another process."""

from __future__ import annotations

import asyncio
import json
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

import uvicorn
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from starlette.types import ASGIApp

from assay.web.protocol import PeerProtocol

_USES = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]


class Authority:
    """A throw-away certificate authority in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "benchmark")])
        made = self._builder(self._key, self._name).add_extension(
            x509.BasicConstraints(ca=True, path_length=0), True
        )
        self._write("ca", made, None)

    def issue(self, name: str, identity: str) -> None:
        """Write `name.pem`, key and certificate, for a SPIFFE identity on this machine."""
        key = ec.generate_private_key(ec.SECP256R1())
        names = [x509.UniformResourceIdentifier(identity), x509.DNSName("localhost")]
        made = (
            self._builder(key, x509.Name([]))
            .add_extension(x509.SubjectAlternativeName(names), True)
            .add_extension(x509.ExtendedKeyUsage(_USES), False)
        )
        self._write(name, made, key)

    def _builder(self, key: ec.EllipticCurvePrivateKey, name: x509.Name) -> x509.CertificateBuilder:
        now = datetime.now(UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(minutes=1))
            .not_valid_after(now + timedelta(hours=6))
        )

    def _write(
        self, name: str, made: x509.CertificateBuilder, key: ec.EllipticCurvePrivateKey | None
    ) -> None:
        pem = made.sign(self._key, hashes.SHA256()).public_bytes(Encoding.PEM)
        secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) if key else b""
        (self.folder / f"{name}.pem").write_bytes(secret + pem)


def context(folder: Path, name: str, *, server: bool) -> ssl.SSLContext:
    """Return a TLS 1.3 context that shows `name` and demands a certificate of the authority."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER if server else ssl.PROTOCOL_TLS_CLIENT)
    made.minimum_version = ssl.TLSVersion.TLSv1_3
    made.check_hostname = False
    made.verify_mode = ssl.CERT_REQUIRED
    made.load_verify_locations(folder / "ca.pem")
    made.load_cert_chain(folder / f"{name}.pem")
    if server:
        made.num_tickets = 0
    return made


@contextmanager
def listening(app: ASGIApp, folder: Path) -> Iterator[int]:
    """Serve an application as the services do; yield the port."""
    tls = context(folder, "ledger", server=True)
    config = uvicorn.Config(
        app,
        port=0,
        http=PeerProtocol,
        ws="none",
        ssl_context_factory=lambda _config, _default: tls,
        access_log=False,
        log_config=None,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = True
    thread.join()


def load(folder: Path, port: int, path: str, bodies: Sequence[Sequence[bytes]]) -> tuple[float, list[float]]:
    """Send each connection's bodies one after the other, from another process; return per second, and seconds each."""
    requests = folder / "requests"
    requests.write_text(json.dumps([[body.decode() for body in one] for one in bodies]))
    done = subprocess.run(
        [sys.executable, "-m", __name__, str(folder), str(port), path],
        check=True,
        capture_output=True,
        text=True,
    )
    said = json.loads(done.stdout)
    return said["rate"], said["seconds"]


class _Connection(asyncio.Protocol):
    def __init__(self, requests: list[bytes], seconds: list[float], done: asyncio.Future[None]) -> None:
        self._requests = iter(requests)
        self._seconds = seconds
        self._done = done
        self._buffer = b""
        self._sent = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def send(self) -> None:
        request = next(self._requests, None)
        if request is None:
            self._transport.close()
            if not self._done.done():
                self._done.set_result(None)
            return
        self._sent = time.perf_counter()
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, found, rest = self._buffer.partition(b"\r\n\r\n")
        if not found:
            return
        length = int(head.lower().partition(b"content-length:")[2].split(b"\r", 1)[0])
        if len(rest) < length:
            return
        if not head.startswith((b"HTTP/1.1 200", b"HTTP/1.1 201")):
            raise SystemExit(self._buffer.decode())
        self._seconds.append(time.perf_counter() - self._sent)
        self._buffer = b""
        self.send()


async def _run(folder: Path, port: int, path: str) -> None:
    tls = context(folder, "training", server=False)
    loop = asyncio.get_running_loop()
    seconds: list[float] = []
    connections, done = [], []
    for bodies in json.loads((folder / "requests").read_text()):
        requests = [
            b"POST %b HTTP/1.1\r\nhost: ledger\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b"
            % (path.encode(), len(body), body.encode())
            for body in bodies
        ]
        future: asyncio.Future[None] = loop.create_future()
        made = _Connection(requests, seconds, future)
        await loop.create_connection(lambda made=made: made, "127.0.0.1", port, ssl=tls)  # type: ignore[misc]
        connections.append(made)
        done.append(future)
    start = time.perf_counter()
    for connection in connections:
        connection.send()
    await asyncio.gather(*done)
    rate = len(seconds) / (time.perf_counter() - start)
    print(json.dumps({"rate": rate, "seconds": seconds}))


if __name__ == "__main__":
    asyncio.run(_run(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]))
