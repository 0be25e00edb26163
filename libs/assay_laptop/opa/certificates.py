"""The listener's certificate, read again whenever its files change."""

from __future__ import annotations

import ssl
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509

from assay.contracts import SpiffeId
from assay.errors import Invalid


@dataclass
class Certificates:
    """PEM files of a server: its certificate, its key and the one authority it takes clients from."""

    certificate: Path
    key: Path
    ca: Path
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)
    _loaded: tuple[tuple[int, ...], ssl.SSLContext] | None = field(default=None, repr=False)

    def identity(self) -> SpiffeId:
        """Return whom the certificate names; raises Invalid when that is not exactly one SPIFFE id."""
        certificate = x509.load_pem_x509_certificate(self.certificate.read_bytes())
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        uris = names.get_values_for_type(x509.UniformResourceIdentifier)
        if len(uris) != 1:
            raise Invalid(f"{self.certificate.name} has {len(uris)} URI names, not one")
        return SpiffeId.parse(uris[0])

    def context(self) -> ssl.SSLContext:
        """Return the context for the next connection: TLS 1.3, client certificate required, no resumption.

        While files are being replaced and do not fit each other, the pair before them stays in use.
        """
        with self._lock:
            try:
                seen = self._version()
                if self._loaded is None or self._loaded[0] != seen:
                    self._loaded = seen, self._load()
            except OSError as error:
                if self._loaded is None:
                    raise
                print(f"the certificate before stays in use: {error}", file=sys.stderr)
            return self._loaded[1]

    def _load(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.verify_mode = ssl.CERT_REQUIRED
        context.num_tickets = 0
        context.load_verify_locations(cafile=self.ca)
        context.load_cert_chain(self.certificate, self.key)
        return context

    def _version(self) -> tuple[int, ...]:
        found = [path.stat() for path in (self.certificate, self.key, self.ca)]
        return tuple(figure for status in found for figure in (status.st_ino, status.st_mtime_ns))
