"""A workload's certificate: short, renewed at half-life in a thread, without dropping a request.

The same thread looks whether the roots that are believed have changed (`assay.identity.trust`).
"""

from __future__ import annotations

import logging
import secrets
import ssl
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, Self

from assay.contracts import SpiffeId
from assay.errors import ServiceError, SignatureInvalid
from assay.identity.certificates import Certified, new_key, request_for
from assay.identity.contexts import server_context, swapping
from assay.identity.holder import CertificateHolder, write_private
from assay.identity.trust import TrustBundle, fingerprint, roots_in

Issue = Callable[[str], str]
_LOG: Final = logging.getLogger(__name__)
_RETRY_SECONDS: Final = 5.0
_LOOK_SECONDS: Final = 0.5  # between looks at the roots that are believed
_SPREAD_SECONDS: Final = 1.0  # over which parts renew when another root begins to issue


class WorkloadIdentity(CertificateHolder):
    """A key and its short certificate in the run folder, renewed at half-life with jitter.

    Each renewal makes a new key. Listeners and clients move to it at their next handshake.
    """

    def __init__(
        self, certified: Certified, trust: str | TrustBundle, folder: Path, issue: Issue | None
    ) -> None:
        super().__init__(certified, trust, folder)
        self._issue = issue
        self._listeners: dict[bool, ssl.SSLContext] = {}
        self._told: list[Callable[[], None]] = []
        self._ended: list[Callable[[], None]] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._keep_renewed, name="certificate", daemon=True)

    @classmethod
    def obtain(
        cls, issue: Issue, *, spiffe: SpiffeId, ca_pem: str | TrustBundle, run_dir: Path, renew: bool = True
    ) -> Self:
        """Make a key, have `issue` (CSR PEM -> leaf and chain PEM) certify it, and keep it renewed.

        A `TrustBundle` is followed: its roots count from when its file changes.

        Raises:
            SignatureInvalid: what was issued is for another key or another identity.
        """
        certified = _certified_by(issue, spiffe)
        identity = cls(certified, ca_pem, run_dir, issue)
        identity._start(renew=renew)
        return identity

    @classmethod
    def adopt(
        cls,
        key_pem: str,
        certificate_pem: str,
        *,
        ca_pem: str | TrustBundle,
        run_dir: Path,
        issue: Issue | None = None,
    ) -> Self:
        """Take a key and certificate made elsewhere; renewed by `issue` when there is one."""
        identity = cls(Certified.read(key_pem, certificate_pem), ca_pem, run_dir, issue)
        identity._start(renew=issue is not None)
        return identity

    def server_context(self, *, client_certificate: bool = True) -> ssl.SSLContext:
        """Return a listener's context: TLS 1.3, client certificate required, newest certificate.

        Only identity's login exchange listens without `client_certificate`.
        """

        def newest() -> ssl.SSLContext:
            with self._lock:
                if client_certificate not in self._listeners:
                    self._listeners[client_certificate] = server_context(
                        self.ca_pem, self._shown(), client_certificate=client_certificate
                    )
                return self._listeners[client_certificate]

        return swapping(newest)

    def on_renewal(self, told: Callable[[], None]) -> None:
        """Call `told` after each renewal and each change of the roots that are believed, in the renewing thread."""
        self._told.append(told)

    def on_end(self, told: Callable[[], None]) -> None:
        """Call `told` once, in the renewing thread, when the certificate has ended and could not be renewed."""
        self._ended.append(told)

    def renew(self) -> None:
        """Replace key and certificate now; raises what the issuer raises, and keeps the old ones then."""
        if self._issue is None:
            raise SignatureInvalid(f"nobody was named who renews {self.spiffe_id}")
        self._write(_certified_by(self._issue, self.spiffe_id))
        self._tell()

    def trust(self, ca_pem: str) -> None:
        """Believe these roots from the next handshake on, as a listener and as a client."""
        write_private(self.ca_path, ca_pem)
        with self._lock:
            self.ca_pem = ca_pem
            self._moved()
        self._tell()

    @property
    def trusts(self) -> tuple[str, ...]:
        """The fingerprints of the roots that are believed, the issuing one first."""
        return tuple(fingerprint(root) for root in roots_in(self.ca_pem))

    def close(self) -> None:
        """Stop renewing and remove the key's files."""
        self._stop.set()
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join()
        for path in (self.combined_path, self.key_path, self.certificate_path):
            path.unlink(missing_ok=True)

    def _look_at_roots(self) -> None:
        """Leave that to the renewing thread, which also tells listeners."""

    def _moved(self) -> None:
        super()._moved()
        self._listeners.clear()

    def _tell(self) -> None:
        for told in self._told:
            told()

    def _start(self, *, renew: bool) -> None:
        self._write(self._certified)
        if renew:
            self._thread.start()

    def _keep_renewed(self) -> None:
        due = time.monotonic() + self._until_half_life()
        while not self._stop.wait(self._pause(due)):
            if self._believes_another_issuer():
                due = min(due, time.monotonic() + _SPREAD_SECONDS * secrets.randbelow(1000) / 1000)
            if time.monotonic() >= due:
                renewed = self._renewed()
                due = time.monotonic() + (self._until_half_life() if renewed else self._until_next_try())
                if not renewed and datetime.now(UTC) >= self.not_after:
                    self._tell_of_the_end()

    def _tell_of_the_end(self) -> None:
        told, self._ended = self._ended, []
        for each in told:
            each()

    def _pause(self, due: float) -> float:
        left = max(due - time.monotonic(), 0.0)
        return left if self._bundle is None else min(left, _LOOK_SECONDS)

    def _believes_another_issuer(self) -> bool:
        """Take changed roots; say whether ours is no longer of the root that issues."""
        if self._bundle is None:
            return False
        try:
            if not self._bundle.changed():
                return False
        except (ServiceError, OSError) as error:
            _LOG.error("the roots that are believed stay as they were: %s", error)
            return False
        self.trust(self._bundle.pem)
        return not self._bundle.issues(self._certified.chain_pem)

    def _renewed(self) -> bool:
        """Try to renew and say whether it worked; an issuer that is down is a line in the log."""
        try:
            self.renew()
        except (ServiceError, OSError) as error:
            _LOG.warning("the certificate of %s was not renewed, trying again: %s", self.spiffe_id, error)
            return False
        except Exception:  # noqa: BLE001 - the thread's edge: nobody else would try again
            _LOG.exception("the certificate of %s was not renewed, trying again", self.spiffe_id)
            return False
        return True

    def _until_next_try(self) -> float:
        return min(_RETRY_SECONDS, self._lifetime().total_seconds() / 20)

    def _until_half_life(self) -> float:
        jitter = self._lifetime() * (secrets.randbelow(1000) / 10_000)
        half = self._certified.not_after - self._lifetime() / 2 - jitter
        return max((half - datetime.now(UTC)).total_seconds(), 0.1)

    def _lifetime(self) -> timedelta:
        return self._certified.not_after - self._certified.begins


def _certified_by(issue: Issue, spiffe: SpiffeId) -> Certified:
    key = new_key()
    certified = Certified.read(key, issue(request_for(key)))
    if certified.spiffe_id != spiffe:
        raise SignatureInvalid(f"the issuer certified {certified.spiffe_id}, not {spiffe}")
    return certified
