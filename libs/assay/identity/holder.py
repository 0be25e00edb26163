"""Whoever holds a certificate opens connections with it: one way for workloads, people and runs."""

from __future__ import annotations

import logging
import os
import ssl
import threading
from datetime import datetime
from pathlib import Path
from typing import Final

import httpx

from assay.contracts import SpiffeId
from assay.errors import SignatureInvalid, Unavailable
from assay.identity.certificates import Certified
from assay.identity.contexts import ClientContext, PeerContext, Shown, expected_identity
from assay.identity.grants import HEADER
from assay.identity.pools import MovingTransport
from assay.identity.trust import TrustBundle
from assay.telemetry import inject

_LOG: Final = logging.getLogger(__name__)
# Idle connections end on this side first: the server keeps them for 75 s.
_LIMITS: Final = httpx.Limits(max_connections=100, max_keepalive_connections=20, keepalive_expiry=20)


class CertificateHolder:
    """A key and certificate in a folder of 0600 files, and clients that always use the newest."""

    def __init__(self, certified: Certified, trust: str | TrustBundle, folder: Path) -> None:
        self.ca_pem = trust if isinstance(trust, str) else trust.pem
        self._bundle = None if isinstance(trust, str) else trust
        self.folder = folder
        self._certified = certified
        self._contexts: dict[SpiffeId | None, PeerContext] = {}
        self._generation = 0
        self._lock = threading.Lock()

    @property
    def spiffe_id(self) -> SpiffeId:
        """Whom the certificate names."""
        return self._certified.spiffe_id

    @property
    def not_after(self) -> datetime:
        """When the newest certificate ends, in UTC."""
        return self._certified.not_after

    @property
    def combined_path(self) -> Path:
        """Key, leaf and chain in one PEM file, replaced by rename: the one to use while renewals happen."""
        return self.folder / "identity.pem"

    @property
    def key_path(self) -> Path:
        """The private key alone, PEM."""
        return self.folder / "key.pem"

    @property
    def certificate_path(self) -> Path:
        """Leaf and chain, PEM."""
        return self.folder / "certificate.pem"

    @property
    def ca_path(self) -> Path:
        """The roots that are believed, PEM: one, or two while one is being replaced."""
        return self.folder / "ca.pem"

    def client(
        self, base_url: str, *, expect: str | None = None, timeout: float = 30, grant: str | None = None
    ) -> httpx.Client:
        """Return a client that proves this identity and demands the server's (`expect="registry"`).

        A server of another identity is refused in the handshake, before a byte of the request is sent. After a
        renewal requests go out on new connections; those of the identity before end with their last answer.
        `timeout` is in seconds; `grant` is sent as `Assay-Grant`. The caller closes the client.
        """
        context = self.client_context(expect)
        transport = MovingTransport(lambda: self._generation, lambda: _pool(context))
        return _client(base_url, transport, timeout, {HEADER: grant} if grant else {})

    def client_context(self, expect: str | None = None) -> ssl.SSLContext:
        """Return a context for other HTTP or asyncio clients; it follows renewals by itself."""
        expected = expected_identity(expect, self.spiffe_id.domain)
        return ClientContext.over(lambda: self._newest_to(expected))

    def _newest_to(self, expected: SpiffeId | None) -> PeerContext:
        with self._lock:
            self._look_at_roots()
            if expected not in self._contexts:
                self._contexts[expected] = PeerContext.to(
                    expected, self.spiffe_id.domain, self.ca_pem, self._shown()
                )
            return self._contexts[expected]

    def _look_at_roots(self) -> None:
        """Believe the roots of the bundle as they are now; one that is no bundle changes nothing."""
        try:
            if self._bundle is None or not self._bundle.changed():
                return
        except (SignatureInvalid, OSError) as error:
            _LOG.error("the roots that are believed stay as they were: %s", error)
            return
        self.ca_pem = self._bundle.pem
        self._moved()

    def _shown(self) -> Shown:
        return Shown(self._certified.combined_pem, self.folder)

    def _write(self, certified: Certified) -> None:
        """Write the files and use them from the next handshake on."""
        for path, text in (
            (self.ca_path, self.ca_pem),
            (self.key_path, certified.key_pem),
            (self.certificate_path, certified.chain_pem),
            (self.combined_path, certified.combined_pem),
        ):
            write_private(path, text)
        with self._lock:
            self._certified = certified
            self._moved()

    def _moved(self) -> None:
        """Have every connection from here on made with what is newest; the caller holds the lock."""
        self._contexts.clear()
        self._generation += 1


def anonymous_client(base_url: str, *, ca_pem: str, trust_domain: str, expect: str) -> httpx.Client:
    """Return a client without a certificate, for the login exchange; it demands the server's identity."""
    expected = expected_identity(expect, trust_domain)
    return _client(base_url, _pool(PeerContext.to(expected, trust_domain, ca_pem, None)), 30, {})


def write_private(path: Path, text: str) -> None:
    """Write a file only its owner reads, by rename: readers see the old one or the new one."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.unlink(missing_ok=True)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    temporary.replace(path)


def _pool(context: ssl.SSLContext) -> httpx.HTTPTransport:
    return httpx.HTTPTransport(verify=context, limits=_LIMITS, trust_env=False)


def _client(
    base_url: str, transport: httpx.BaseTransport, timeout: float, headers: dict[str, str]
) -> httpx.Client:
    if not base_url.startswith("https://"):
        raise Unavailable(f"{base_url} is not https: nothing is sent in the clear")
    return httpx.Client(
        base_url=base_url,
        transport=transport,
        headers=headers,
        timeout=timeout,
        trust_env=False,
        event_hooks={"request": [_traced]},
    )


def _traced(request: httpx.Request) -> None:
    if request.url.scheme != "https":
        raise Unavailable(f"{request.url} is not https: nothing is sent in the clear")
    inject(request.headers)
