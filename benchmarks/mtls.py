"""What mutual TLS costs: a kept connection beside plain HTTP, a new connection beside a bare `ssl` echo pair."""

from __future__ import annotations

import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from assay.identity.certificates import new_key, request_for
from assay_laptop.platform.addresses import free_ports
from benchmarks.report import Row
from benchmarks.support.lean import LeanClient, micro, p50, request, seconds_of
from tests.unit.identity.authority import DOMAIN, Authority

BLOCKS: Final = 40
REQUESTS: Final = 250  # in a block; plain and TLS take turns, so that a busy machine is busy for both
CONNECTIONS: Final = 150
ASK: Final = request("/v1/who")


def run() -> Iterable[Row]:
    """Measure both; the client is a bare socket."""
    with TemporaryDirectory() as name, serving(Path(name)) as ports:
        yield kept(ports, client_context(Path(name)))
        yield fresh(ports, client_context(Path(name)))


def kept(ports: dict[str, int], tls: ssl.SSLContext) -> Row:
    """Requests over one kept connection."""
    plain_taken: list[float] = []
    tls_taken: list[float] = []
    with LeanClient(ports["plain"]) as plain, LeanClient(ports["mtls"], tls) as secured:
        for client in (plain, secured):
            seconds_of(lambda client=client: client.ask(ASK), REQUESTS)  # type: ignore[misc] # warm
        for _ in range(BLOCKS):
            plain_taken += seconds_of(lambda: plain.ask(ASK), REQUESTS)
            tls_taken += seconds_of(lambda: secured.ask(ASK), REQUESTS)
    ours, peer = p50(tls_taken), p50(plain_taken)
    return Row(
        "request on a kept connection, p50",
        f"{micro(ours)} over mTLS",
        f"{micro(peer)} over plain HTTP",
        f"+{micro(ours - peer)}",
        "≤ 25 µs added",
        f"{BLOCKS * REQUESTS:,} each, in turns of {REQUESTS}; the client is a raw socket and pays its half of TLS",
    )


def fresh(ports: dict[str, int], tls: ssl.SSLContext) -> Row:
    """Connections with one request each."""

    def ours() -> None:
        with LeanClient(ports["mtls"], tls) as client:
            client.ask(ASK)

    def peer() -> None:
        with (
            socket.create_connection(("127.0.0.1", ports["echo"])) as plain,
            tls.wrap_socket(plain, server_hostname="127.0.0.1") as connection,
        ):
            connection.sendall(b"ping")
            connection.recv(16)

    taken: dict[str, list[float]] = {"ours": [], "peer": []}
    for _ in range(10):
        taken["ours"] += seconds_of(ours, CONNECTIONS // 10)
        taken["peer"] += seconds_of(peer, CONNECTIONS // 10)
    one, other = p50(taken["ours"]), p50(taken["peer"])
    return Row(
        "new mTLS connection and one request, p50",
        micro(one),
        f"{micro(other)} bare ssl echo pair",
        f"{one / other:.2f}x",
        "reported",
        "both verify both certificates; no session is resumed",
    )


def client_context(folder: Path) -> ssl.SSLContext:
    """Return a client's context, with a certificate."""
    made = ssl.create_default_context(cafile=folder / "ca.pem")
    made.minimum_version = ssl.TLSVersion.TLSv1_3
    made.load_cert_chain(folder / "identity.pem")
    return made


@contextmanager
def serving(folder: Path) -> Iterator[dict[str, int]]:
    """Run the three servers, each in a process of its own; give their ports."""
    authority, key = Authority(), new_key()
    chain = authority.issue(request_for(key), [f"spiffe://{DOMAIN}/svc/core/registry"])
    (folder / "ca.pem").write_text(authority.ca_pem)
    (folder / "identity.pem").touch(0o600)
    (folder / "identity.pem").write_text(key + chain)
    ports = dict(zip(("plain", "mtls", "echo"), free_ports(3), strict=True))
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", "benchmarks.support.listeners", how, str(port), str(folder)],
            stderr=subprocess.DEVNULL,
        )
        for how, port in ports.items()
    ]
    try:
        for port in ports.values():
            _until_listening(port)
        yield ports
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait()


def _until_listening(port: int) -> None:
    end = time.monotonic() + 30
    while True:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        if time.monotonic() > end:
            raise TimeoutError(f"nobody listens on {port}")
        time.sleep(0.05)
