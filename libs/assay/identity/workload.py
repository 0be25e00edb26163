"""A workload's certificate."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Self

import httpx

from assay.contracts import SpiffeId


class WorkloadIdentity:
    """A key and its short certificate, renewed at half-life without dropping a request."""

    spiffe_id: SpiffeId
    not_after: datetime
    key_path: Path
    certificate_path: Path
    combined_path: Path
    ca_path: Path

    @classmethod
    def obtain(
        cls, issue: Callable[[str], str], *, spiffe: SpiffeId, ca_pem: str, run_dir: Path, renew: bool = True
    ) -> Self:
        """Make a key, have `issue` (CSR PEM -> leaf and chain PEM) sign it, and keep it renewed."""
        raise NotImplementedError

    @classmethod
    def adopt(
        cls,
        key_pem: str,
        certificate_pem: str,
        *,
        ca_pem: str,
        run_dir: Path,
        issue: Callable[[str], str] | None = None,
    ) -> Self:
        """Take a key and certificate made elsewhere; renewed when there is an `issue`."""
        raise NotImplementedError

    def server_context(self) -> ssl.SSLContext:
        """Return the listener's context: TLS 1.3, client certificate required, newest certificate."""
        raise NotImplementedError

    def client(
        self, base_url: str, *, expect: str | None = None, timeout: float = 30, grant: str | None = None
    ) -> httpx.Client:
        """Return a client that proves this identity and demands the server's (`expect="registry"`)."""
        raise NotImplementedError

    def on_renewal(self, told: Callable[[], None]) -> None:
        """Call `told` after each renewal, in the renewing thread."""
        raise NotImplementedError

    def close(self) -> None:
        """Stop renewing and remove the files."""
        raise NotImplementedError
