"""A revoked identity's logins at Vault end, for as long as the revocation stands.

A projection of the log, kept in memory: each revocation of an identity is seen as it is followed, and a thread
ends the logins Vault has of it, again and again, because whoever starts parts may log the identity in anew.
"""

from __future__ import annotations

import logging
import threading
from typing import Final, Protocol

from assay.contracts import FactKind, Revocation, body_of, sha256_hex
from assay.errors import ServiceError
from assay.ledger import Record
from assay.web.parts import Parts

_LOG: Final = logging.getLogger(__name__)
_IDENTITY: Final = "identity"
EVERY_SECONDS: Final = 1.0


class Logins(Protocol):
    """The logins of a Vault: `assay.vault.Vault`."""

    def logins(self) -> dict[str, str]:
        """Return each login's accessor and the SPIFFE path of whose it is."""

    def end_login(self, accessor: str) -> None:
        """End one."""


class RevokedLogins:
    """Ends what revoked identities hold at Vault; `every` is in seconds."""

    def __init__(self, vault: Logins, *, every: float = EVERY_SECONDS) -> None:
        self._vault = vault
        self._every = every
        self._next = 0
        self._revoked: frozenset[str] = frozenset()  # SPIFFE paths
        self._changed = threading.Event()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="revoked logins", daemon=True)

    def applied(self) -> int:
        """See `Projection`: kept in memory, so a new process reads the log from its start."""
        return self._next

    def apply(self, record: Record) -> None:
        """See `Projection`: take a revocation of an identity, or the end of one."""
        self._next = record.index + 1
        if record.kind is not FactKind.REVOCATION:
            return
        said = body_of(record.fact, Revocation)
        kind, _, path = said.what.partition("/")
        if kind != _IDENTITY or sha256_hex(said.what.encode()) != said.revokes:
            return
        self._revoked = self._revoked - {f"/{path}"} if said.ended else self._revoked | {f"/{path}"}
        self._changed.set()

    def start(self) -> None:
        """Begin ending logins."""
        self._thread.start()

    def close(self) -> None:
        """Stop."""
        self._closing.set()
        self._changed.set()
        if self._thread.is_alive():
            self._thread.join()

    def sweep(self) -> int:
        """End every login of an identity that is revoked now; return how many there were."""
        if not self._revoked:
            return 0
        found = [accessor for accessor, path in self._vault.logins().items() if path in self._revoked]
        for accessor in found:
            self._vault.end_login(accessor)
        return len(found)

    @classmethod
    def ended_for(cls, parts: Parts) -> None:
        """See to it, from now until the parts are closed, that a revoked identity holds no login at Vault."""
        revoked = cls(parts.vault)
        parts.follower.subscribe(revoked)
        parts.resources.callback(revoked.close)
        revoked.start()

    def _run(self) -> None:
        while not self._closing.is_set():
            self._changed.wait(self._every if self._revoked else None)
            self._changed.clear()
            try:
                if ended := self.sweep():
                    _LOG.warning("ended %s logins of revoked identities", ended)
            except ServiceError as refusal:
                _LOG.warning("logins of revoked identities stand for now: %s", refusal.detail)
