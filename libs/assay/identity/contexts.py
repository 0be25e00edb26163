"""TLS contexts: 1.3 only, both sides proven, nothing resumed, and the server's SPIFFE id demanded.

A context that is in use is never changed: listeners and clients hold an outer context that takes the newest
inner one at each handshake, so a renewal cannot tear a handshake apart (certificate of one, key of another).
"""

from __future__ import annotations

import socket
import ssl
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from assay.contracts import SpiffeId
from assay.errors import SignatureInvalid
from assay.identity.certificates import identity_in

Newest = Callable[[], ssl.SSLContext]


@dataclass(frozen=True)
class Shown:
    """The key and chain a side proves itself with (one PEM), and the private folder they may stand in."""

    pem: str = field(repr=False)
    folder: Path

    def load_into(self, context: ssl.SSLContext) -> None:
        """Load the chain with its key.

        `ssl` reads files only, and opens them twice: a file renewed in between would give the certificate of
        one and the key of the other, so each load has a private (0600) file of its own, gone afterwards.
        """
        with tempfile.NamedTemporaryFile("w", dir=self.folder, suffix=".pem") as file:
            file.write(self.pem)
            file.flush()
            context.load_cert_chain(file.name)


def expected_identity(expect: str | None, domain: str) -> SpiffeId | None:
    """Return the identity `expect` names: `registry`, a path `/svc/…`, a whole SPIFFE id; None stays None."""
    if expect is None:
        return None
    if expect.startswith("spiffe://"):
        return SpiffeId.parse(expect)
    path = expect if expect.startswith("/") else f"/svc/core/{expect}"
    return SpiffeId.parse(f"spiffe://{domain}{path}")


def server_context(ca_pem: str, shown: Shown, *, client_certificate: bool = True) -> ssl.SSLContext:
    """Return a listener's inner context; without `client_certificate` it is for identity's login exchange."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.num_tickets = 0  # a resumed session would skip verifying the client again
    if client_certificate:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(cadata=ca_pem)
    shown.load_into(context)
    return context


def swapping(newest: Newest) -> ssl.SSLContext:
    """Return a listener's outer context: each handshake is done by the context that is newest by then."""
    outer = newest()

    def newest_one(tls: ssl.SSLSocket | ssl.SSLObject, _name: str | None, _outer: ssl.SSLContext) -> None:
        tls.context = newest()

    outer.sni_callback = newest_one
    return outer


class _Demanding:
    """A TLS connection that ends its handshake only with the peer its context expects."""

    def do_handshake(self, *arguments: Any) -> None:  # noqa: ANN401 - ssl's own
        super().do_handshake(*arguments)  # type: ignore[misc]
        context: PeerContext = self.context  # type: ignore[attr-defined]
        context.demand(self.getpeercert())  # type: ignore[attr-defined]


class DemandingSocket(_Demanding, ssl.SSLSocket):
    """For blocking clients."""


class DemandingObject(_Demanding, ssl.SSLObject):
    """For asyncio."""


class PeerContext(ssl.SSLContext):
    """A client's inner context: fails the handshake when the server is not who is expected.

    Without an expectation any service of the trust domain will do (never a person or a run).
    """

    sslsocket_class = DemandingSocket
    sslobject_class = DemandingObject
    expected: SpiffeId | None
    domain: str

    @classmethod
    def to(cls, expected: SpiffeId | None, domain: str, ca_pem: str, shown: Shown | None) -> PeerContext:
        """Return a context for servers that are `expected`, proving who is `shown`, if anybody."""
        context = cls(ssl.PROTOCOL_TLS_CLIENT)  # checks the host name and requires a certificate
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.load_verify_locations(cadata=ca_pem)
        if shown is not None:
            shown.load_into(context)
        context.expected = expected
        context.domain = domain
        return context

    def demand(self, certificate: Any) -> None:  # noqa: ANN401 - ssl's dictionary
        """Return when the certificate is the expected server's; raises ssl.SSLCertVerificationError."""
        try:
            found = identity_in(certificate)
        except SignatureInvalid as error:
            raise ssl.SSLCertVerificationError(f"the server's certificate: {error.detail}") from error
        if self.expected is not None and found != self.expected:
            raise ssl.SSLCertVerificationError(f"the server is {found}, not {self.expected}")
        if self.expected is None and (found.domain != self.domain or found.segments[0] != "svc"):
            raise ssl.SSLCertVerificationError(f"{found} is no service of {self.domain}")


class ClientContext(ssl.SSLContext):
    """A client's outer context: each connection is made by the context that is newest by then."""

    newest: Newest

    @classmethod
    def over(cls, newest: Newest) -> ClientContext:
        """Return an outer context over `newest`."""
        context = cls(ssl.PROTOCOL_TLS_CLIENT)
        context.newest = newest
        return context

    def wrap_socket(self, sock: socket.socket, *arguments: Any, **options: Any) -> ssl.SSLSocket:  # noqa: ANN401
        """See `ssl.SSLContext.wrap_socket`."""
        return self.newest().wrap_socket(sock, *arguments, **options)

    def wrap_bio(self, *arguments: Any, **options: Any) -> ssl.SSLObject:  # noqa: ANN401
        """See `ssl.SSLContext.wrap_bio`."""
        return self.newest().wrap_bio(*arguments, **options)
