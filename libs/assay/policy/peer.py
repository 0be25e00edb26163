"""TLS to one named peer: a context that refuses every server but the identity it expects."""

from __future__ import annotations

import socket
import ssl
from pathlib import Path
from typing import Any, Self

from assay.contracts import SpiffeId


class PeerContext(ssl.SSLContext):
    """TLS 1.3 with our certificate; the server's only URI name must be `expected`.

    The host name says where a server is (on a laptop all have the same one); the SPIFFE id says who it is.
    """

    expected: SpiffeId

    @classmethod
    def of(cls, expected: SpiffeId, *, certificate: Path, ca: Path) -> Self:
        """Return a context that shows `certificate` (PEM with its key) and trusts `ca` alone."""
        context = cls(ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.load_verify_locations(cafile=ca)
        context.load_cert_chain(certificate)
        context.expected = expected
        return context

    def wrap_socket(self, sock: socket.socket, *args: Any, **kwargs: Any) -> ssl.SSLSocket:  # noqa: ANN401 - ssl's own
        """Shake hands and look at who answered; raises SSLCertVerificationError when it is somebody else."""
        wrapped = super().wrap_socket(sock, *args, **kwargs)
        names = uri_names(wrapped)
        if names != [str(self.expected)]:
            wrapped.close()
            raise ssl.SSLCertVerificationError(f"the server is {names}, not {self.expected}")
        return wrapped


def uri_names(connection: ssl.SSLSocket) -> list[str]:
    """Return the URI names in the peer's verified certificate; none when it showed none."""
    certificate = connection.getpeercert() or {}
    names = certificate.get("subjectAltName", ())
    return [str(name[1]) for name in names if isinstance(name, tuple) and name[0] == "URI"]
