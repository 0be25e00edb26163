"""A small world for policy: an authority, certificates on disk or renewed, and OPA servers that run."""

from __future__ import annotations

import datetime as dt
import ipaddress
import os
import socket
import ssl
import subprocess
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain, count
from pathlib import Path

import httpx
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from assay.contracts import SpiffeId
from assay.identity.workload import WorkloadIdentity
from assay.policy import OpaHttp
from assay_laptop.opa.certificates import Certificates
from assay_laptop.opa.feed import Feed
from assay_laptop.opa.launch import Files, command
from tests.support.policy import Author

DOMAIN = "assay.demo"
AUTHOR = Author()


@dataclass(frozen=True)
class Workload:
    """A certificate on disk, as servers have it."""

    spiffe_id: SpiffeId
    certificate_path: Path
    key_path: Path
    combined_path: Path
    ca_path: Path

    def context(self) -> ssl.SSLContext:
        """Return a client's context that looks at the authority and no further."""
        context = ssl.create_default_context(cafile=str(self.ca_path))
        context.load_cert_chain(self.combined_path)
        return context


class Authority:
    """A certificate authority of a test."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / "ca.pem"
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, folder.name)])
        own = _certificate(self._name, self._key.public_key()).issuer_name(self._name)
        own = own.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        self.path.write_bytes(_pem(own.sign(self._key, hashes.SHA256())))

    def issue(self, path: str, *, domain: str = DOMAIN, seconds: int = 3600) -> Workload:
        """Write a certificate and key for a SPIFFE id, replacing those of the same id."""
        spiffe = SpiffeId(domain, path)
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = self._signed(key.public_key(), spiffe, seconds)
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        stem = f"{domain}{path.replace('/', '_')}"
        files = {"crt": certificate, "key": private, "pem": certificate + private}
        for suffix, data in files.items():
            fresh = self.folder / f"{stem}.{suffix}.new"
            fresh.write_bytes(data)
            fresh.rename(self.folder / f"{stem}.{suffix}")
        crt, key_path, pem = (self.folder / f"{stem}.{suffix}" for suffix in files)
        return Workload(spiffe, crt, key_path, pem, self.path)

    def identity(
        self, path: str = "/svc/core/registry", *, lifetimes: Iterable[int] = ()
    ) -> WorkloadIdentity:
        """Return a workload whose certificates last as many seconds as `lifetimes` says, then an hour and more.

        It is renewed when the test says so, and then each ends later than the one before.
        """
        spiffe, seconds = SpiffeId(DOMAIN, path), chain(lifetimes, count(3600))

        def issue(csr_pem: str) -> str:
            key = x509.load_pem_x509_csr(csr_pem.encode()).public_key()
            assert isinstance(key, ec.EllipticCurvePublicKey)
            return self._signed(key, spiffe, next(seconds)).decode()

        run_dir = Path(tempfile.mkdtemp(dir=self.folder))
        return WorkloadIdentity.obtain(
            issue, spiffe=spiffe, ca_pem=self.path.read_text(), run_dir=run_dir, renew=False
        )

    def _signed(self, key: ec.EllipticCurvePublicKey, spiffe: SpiffeId, seconds: int) -> bytes:
        builder = _certificate(x509.Name([]), key, seconds=seconds).issuer_name(self._name)
        names = [
            x509.DNSName("localhost"),
            x509.IPAddress(ipaddress.ip_address("127.0.0.1")),
            x509.UniformResourceIdentifier(str(spiffe)),
        ]
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=True)
        return _pem(builder.sign(self._key, hashes.SHA256()))


def _certificate(
    name: x509.Name, key: ec.EllipticCurvePublicKey, *, seconds: int = 3600
) -> x509.CertificateBuilder:
    now = dt.datetime.now(dt.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(seconds=60))
        .not_valid_after(now + dt.timedelta(seconds=seconds))
    )


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


@dataclass(frozen=True)
class Server:
    """A running OPA server, built-in or real, and the authority it trusts."""

    url: str
    port: int
    authority: Authority
    workload: Workload
    process: subprocess.Popen[bytes]
    feed: Feed
    argv: list[str]

    def engine(self, path: str = "/svc/core/registry") -> OpaHttp:
        """Return the policy of this server, asked as `path`."""
        return OpaHttp(self.url, self.authority.identity(path))


def free_port() -> int:
    """Return a port that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def serving(opa: Path | None, home: Path) -> Iterator[Server]:
    """Run an OPA server on the signed policy of this checkout until the end of the block."""
    home.mkdir(mode=0o700)
    authority = Authority(home)
    workload, port = authority.issue("/svc/core/opa"), free_port()
    files = Files(workload.certificate_path, workload.key_path, authority.path)
    feed = Feed(home, Certificates(files.certificate, files.key, files.ca))
    feed.offer(AUTHOR.signed())
    argv = command(
        opa, files, feed, policy_key_pem=AUTHOR.public_pem, port=port, trust_domain=DOMAIN, run_dir=home
    )
    with (home / "log").open("wb") as log:
        process = subprocess.Popen(argv, stdout=log, stderr=subprocess.STDOUT, env=dict(os.environ))
    try:
        _wait(port, process, home / "log")
        server = Server(f"https://127.0.0.1:{port}", port, authority, workload, process, feed, argv)
        wait_for_policy(server)
        yield server
    finally:
        process.terminate()
        process.wait(timeout=30)
        feed.close()


def wait_for_policy(server: Server) -> None:
    """Return when the server has taken up its bundle."""
    context = server.authority.issue("/svc/core/serving").context()
    for _ in range(600):
        if httpx.get(f"{server.url}/health?bundles", verify=context).is_success:
            return
        time.sleep(0.05)
    raise AssertionError("OPA took up no bundle")


def _wait(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(600):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        if process.poll() is not None:
            break
        time.sleep(0.05)
    raise AssertionError(f"OPA did not start: {log.read_text()[-2000:]}")
