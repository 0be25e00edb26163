"""The listener's protocol: who the peer is goes into every request's scope, and ends with its certificate.

`scope["state"]["peer"]` is the only source of identity. A connection is closed politely (`Connection: close`)
when its peer should long have renewed, and at once when its certificate has ended.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from dataclasses import dataclass
from typing import Any, Final, Self

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from assay.contracts import SpiffeId
from assay.errors import SignatureInvalid
from assay.identity.certificates import BACKDATED, identity_in
from assay.web.handshakes import NO_IDENTITY

_HEADERS_LIMIT: Final = 64 * 1024  # bytes of target and headers together
_GOODBYE_SECONDS: Final = 0.1
_RENEWED_BY: Final = 0.6  # of its lifetime: holders renew before half


@dataclass(frozen=True)
class Peer:
    """The verified holder of a connection's client certificate; times in seconds since 1970."""

    identity: SpiffeId
    not_before: float
    not_after: float

    @classmethod
    def of(cls, certificate: dict[str, Any]) -> Self:
        """Read what `ssl` verified; raises SignatureInvalid unless it names exactly one identity."""
        return cls(
            identity_in(certificate),
            ssl.cert_time_to_seconds(certificate["notBefore"]),
            ssl.cert_time_to_seconds(certificate["notAfter"]),
        )

    def ended(self, now: float) -> bool:
        """Say whether the certificate has ended."""
        return now > self.not_after

    def outdated(self, now: float) -> bool:
        """Say whether the peer holds a newer certificate by now, if it is well."""
        made = self.not_before + BACKDATED.total_seconds()
        begins = made if made < self.not_after else self.not_before
        return now > begins + (self.not_after - begins) * _RENEWED_BY


class PeerProtocol(HttpToolsProtocol):
    """HTTP/1.1 over mutual TLS; on a listener without client certificates there is no peer."""

    _peer: Peer | None = None
    _seen = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take the peer from the handshake; close when its certificate names no one."""
        super().connection_made(transport)
        tls = transport.get_extra_info("ssl_object")
        certificate = tls.getpeercert() if tls is not None else None
        if not certificate:
            return
        try:
            self._peer = Peer.of(certificate)
        except SignatureInvalid:
            self.config.app.state.strangers.count(NO_IDENTITY)  # type: ignore[union-attr]  # a listener's FastAPI
            transport.abort()
            return
        self.app_state = {**self.app_state, "peer": self._peer}

    def data_received(self, data: bytes) -> None:
        """Read nothing more from a peer whose certificate has ended."""
        if self._peer is not None and self._peer.ended(time.time()):
            self.transport.close()
            return
        super().data_received(data)

    def shutdown(self) -> None:
        """Close; an idle peer is not waited for: it would answer TLS's goodbye at its next request only."""
        super().shutdown()
        if self.cycle is None or self.cycle.response_complete:
            self.loop.call_later(_GOODBYE_SECONDS, self.transport.abort)

    def on_message_begin(self) -> None:
        """Count each request's headers from nothing."""
        self._seen = 0
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        """Take a part of the target."""
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header."""
        self._count(len(name) + len(value))
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Start the request; its answer is the connection's last when the peer should reconnect."""
        super().on_headers_complete()
        if self._peer is not None and self._peer.outdated(time.time()):
            self.cycle.keep_alive = False

    def _count(self, length: int) -> None:
        self._seen += length
        if self._seen > _HEADERS_LIMIT:
            raise ValueError("the headers are too large")
