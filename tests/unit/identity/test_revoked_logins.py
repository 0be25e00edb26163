"""What revoked identities hold at Vault is ended, and only that."""

from __future__ import annotations

import threading

import pytest

from assay.contracts import Fact, FactKind, Revocation, SignedFact, sha256_hex
from assay.errors import Unavailable
from assay.ledger import Record
from services.identity.revoked import RevokedLogins

HANG_SECONDS = 20


class Vault:
    """Logins by accessor; `ended` in order."""

    def __init__(self, **held: str) -> None:
        self.held, self.ended = held, list[str]()
        self.down, self.emptied = 0, threading.Event()

    def logins(self) -> dict[str, str]:
        """Every login, unless Vault is down."""
        if self.down:
            self.down -= 1
            raise Unavailable("down")
        return dict(self.held)

    def end_login(self, accessor: str) -> None:
        """End one."""
        self.ended.append(accessor)
        self.held.pop(accessor)
        if not self.held:
            self.emptied.set()


def said(index: int, what: str, *, ended: bool = False, revokes: str = "") -> Record:
    body = Revocation(
        revokes=revokes or sha256_hex(what.encode()), what=what, reason="x", by="p-ada", ended=ended
    )
    fact = Fact(
        FactKind.REVOCATION, f"revocation/{body.revokes}", "demo", "2026-01-01T00:00:00Z", body.model_dump()
    )
    return Record(index, SignedFact(fact, "0" * 64, b""))


def test_logins_of_a_revoked_identity_end_and_others_stay() -> None:
    vault = Vault(a="/svc/core/features", b="/svc/core/training", c="/svc/core/features", d="")
    logins = RevokedLogins(vault)
    logins.apply(said(0, "identity/svc/core/features"))
    assert (logins.sweep(), vault.ended, sorted(vault.held)) == (2, ["a", "c"], ["b", "d"])
    assert logins.applied() == 1


@pytest.mark.parametrize(
    "record",
    [
        said(0, "person/p-dana"),
        said(0, "key/0123"),
        said(0, "approval"),
        said(0, "identity/svc/core/features", revokes="f" * 64),  # says one thing and revokes another
    ],
)
def test_what_revokes_no_identity_ends_no_login(record: Record) -> None:
    vault = Vault(a="/svc/core/features", b="")
    logins = RevokedLogins(vault)
    logins.apply(record)
    assert (logins.sweep(), vault.ended) == (0, [])


def test_after_the_revocation_ended_a_new_login_stays() -> None:
    vault = Vault(a="/svc/core/features")
    logins = RevokedLogins(vault)
    logins.apply(said(0, "identity/svc/core/features"))
    logins.sweep()
    logins.apply(said(1, "identity/svc/core/features", ended=True))
    vault.held["b"] = "/svc/core/features"
    assert (logins.sweep(), vault.ended) == (0, ["a"])


def test_a_login_made_while_the_revocation_stands_ends_too_and_a_vault_that_is_down_is_asked_again() -> None:
    vault = Vault(a="/svc/core/features")
    vault.down = 2
    logins = RevokedLogins(vault, every=0.01)
    logins.start()
    logins.apply(said(0, "identity/svc/core/features"))
    assert vault.emptied.wait(HANG_SECONDS)
    vault.emptied.clear()
    vault.held["b"] = "/svc/core/features"
    assert vault.emptied.wait(HANG_SECONDS)
    logins.close()
    assert vault.ended == ["a", "b"]
