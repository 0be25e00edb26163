"""Everything the demonstration tries that must be refused, each by a name; what an attempt disturbed is put back."""

from __future__ import annotations

import hashlib
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from assay.client.service import Service
from assay.client.sign_in import passkey_of
from assay.contracts import Alias, Assertion, Environment, Fact, FactKind, body_of
from assay.errors import ServiceError, Unauthenticated
from assay.identity.holder import anonymous_client
from assay_laptop.demo.thread import ENDPOINT, ENVIRONMENT, MODEL, Thread
from assay_laptop.genesis.people import FOUNDERS
from assay_laptop.platform.supervisor import Supervisor

RENAMED = "credit-premium"
LEASES_OF_PATIENCE = 10


class HandshakeRefused(Unauthenticated):
    """The listener ended the connection before any request was read."""


class Refusals:
    """The attempts, over a thread that has run and the platform it ran on."""

    def __init__(self, thread: Thread, platform: Supervisor) -> None:
        self.thread = thread
        self.platform = platform
        self.revocation_seconds = 0.0

    @property
    def package(self) -> str:
        """The digest of version 1's package."""
        return str(self.thread.versions[0]["package"])

    def one_byte_of_the_package(self) -> Any:  # noqa: ANN401 - whatever was wrongly answered
        """Flip one byte of the model in the registry's store, then ask for the package."""
        dana = self.thread.sessions["dana"]
        model = dana.models.package(self.package)["model.onnx"]
        with flipped(self._sealed(model), len(model) // 2):
            return sorted(dana.models.package(self.package))

    def a_swapped_approval(self) -> Any:  # noqa: ANN401
        """Hand in bea's assertion about version 1 as if it were about version 2."""
        bea = self.thread.sessions["bea"]
        fact = bea.ledger.fact(self.thread.approvals[1]["bea"]).fact
        said = dict(fact.body["assertion"])
        statement = dict(said["statement"]) | {"number": 2, "package": self.thread.versions[1]["package"]}
        return bea.approvals.hand_in(Assertion.model_validate(said | {"statement": statement}))

    def renamed_signed_bytes(self) -> Any:  # noqa: ANN401
        """Register the approved bytes under another name and roll that out on the strength of the old approvals."""
        dana, ada = self.thread.sessions["dana"], self.thread.sessions["ada"]
        version = self.thread.versions[0]
        run = self.thread.made["run"]["fact"]
        registered = dana.models.register(RENAMED, run=run, checkpoint=version["checkpoint"])
        return ada.endpoints.roll_out(
            ENVIRONMENT, ENDPOINT, RENAMED, int(registered["number"]), reason="renamed"
        )

    def an_edited_database(self) -> Any:  # noqa: ANN401
        """Point the alias at the other version in the registry's own table, then ask for the alias."""
        path = self.platform.home.data("registry") / "registry.db"
        ada = self.thread.sessions["ada"]
        with edited(path, "UPDATE alias SET number = 3 - number", "UPDATE alias SET number = 3 - number"):
            params = {"name": MODEL, "alias": "champion"}
            return ada.service("registry").get("/api/2.0/mlflow/registered-models/alias", **params)

    def a_stale_head(self) -> Any:  # noqa: ANN401
        """Append a move of the alias after a head that is no longer one, with the registry's own key."""
        with self.platform.acting_as("registry") as registry:
            head = registry.ledger.head(f"alias/{ENVIRONMENT}/{MODEL}@champion")
            if head is None or head.fact.previous is None:
                raise AssertionError("the alias has moved at least twice")
            body = body_of(head.fact, Alias)
            body = body.model_copy(update={"number": 2 if body.number == 1 else 1})
            return registry.ledger.append(
                Fact(
                    FactKind.ALIAS,
                    head.about,
                    head.fact.tenant,
                    head.fact.time,
                    body.model_dump(mode="json"),
                    environment=Environment(ENVIRONMENT),
                    previous=head.fact.previous,
                )
            )

    def no_certificate(self) -> Any:  # noqa: ANN401
        """Call the registry without a client certificate."""
        platform = self.thread.sessions["dana"].platform
        with anonymous_client(
            platform.urls["registry"],
            ca_pem=platform.ca.read_text(),
            trust_domain=platform.trust_domain,
            expect="registry",
        ) as http:
            try:
                return http.get("/v1/models").status_code
            except httpx.TransportError as error:
                raise HandshakeRefused(f"the connection ended: {type(error).__name__}") from error

    def a_service_that_may_not(self) -> Any:  # noqa: ANN401
        """Move the alias as ingestion, with ingestion's own certificate."""
        with self.platform.acting_as("ingestion") as ingestion:
            url = self.thread.sessions["dana"].platform.urls["registry"]
            with ingestion.identity.client(url, expect="registry") as http:
                body = {"number": 1, "environment": ENVIRONMENT}
                return Service("registry", http).post(f"/v1/models/{MODEL}/aliases/champion", body)

    def a_spoofed_header(self) -> Any:  # noqa: ANN401
        """Revoke as dana, with headers that say she is the registry and an administrator."""
        dana = self.thread.sessions["dana"]
        said = f"spiffe://{dana.platform.trust_domain}/svc/core/registry"
        headers = {
            "x-forwarded-client-cert": f'By=x;URI={said};Subject="CN=registry"',
            "x-spiffe-id": said,
            "assay-subject": "ada",
            "x-forwarded-user": "ada",
        }
        body = {"revokes": self.thread.approvals[1]["bea"], "what": "approval", "reason": "spoofed"}
        return dana.service("registry").request("POST", "/v1/revocations", json=body, headers=headers).json()

    def opa_down(self) -> Any:  # noqa: ANN401
        """Ask for a control route while OPA is down."""
        with self.platform.without("opa"):
            return self.thread.sessions["ada"].models.gate(MODEL, 1, ENVIRONMENT)

    def the_contributor_approves(self) -> Any:  # noqa: ANN401
        """Make dana, who started the run, an approver, and let her approve what she contributed to."""
        ada, dana = self.thread.sessions["ada"], self.thread.sessions["dana"]
        administrators = [passkey_of(ada.platform, name) for name in FOUNDERS]
        person = str(dana.identity.person)
        ada.people.change_role(person, "approver", administrators)
        try:
            return dana.approvals.approve(passkey_of(dana.platform, "dana"), MODEL, 2, ENVIRONMENT)
        finally:
            ada.people.change_role(person, "approver", administrators, ended=True)

    def a_revoked_approval(self) -> Any:  # noqa: ANN401
        """Revoke bea's approval of the version that answers; the endpoint stops with its lease."""
        ada, dana = self.thread.sessions["ada"], self.thread.sessions["dana"]
        ada.models.revoke(self.thread.approvals[1]["bea"], what="approval", reason="signed in error")
        began = time.monotonic()
        while time.monotonic() - began < LEASES_OF_PATIENCE * self.platform.timing.lease:
            try:
                dana.endpoints.predict(ENVIRONMENT, ENDPOINT, self.thread.rows())
            except ServiceError:
                self.revocation_seconds = time.monotonic() - began
                raise
            time.sleep(0.1)
        return "still answering"

    def _sealed(self, content: bytes) -> Path:
        kept = self.platform.home.path / "objects" / "registry" / "sealed"
        return kept / self.package / hashlib.sha256(content).hexdigest()


@contextmanager
def flipped(path: Path, place: int) -> Iterator[None]:
    """Flip one bit of a file, and put it back."""
    before = path.read_bytes()
    changed = bytearray(before)
    changed[place] ^= 1
    path.write_bytes(bytes(changed))
    try:
        yield
    finally:
        path.write_bytes(before)


@contextmanager
def edited(path: Path, change: str, undo: str) -> Iterator[None]:
    """Change a database behind its service's back, and put it back."""
    _execute(path, change)
    try:
        yield
    finally:
        _execute(path, undo)


def _execute(path: Path, statement: str) -> None:
    connection = sqlite3.connect(path, timeout=10)
    try:
        with connection:
            if connection.execute(statement).rowcount < 1:
                raise AssertionError(f"{statement!r} changed nothing: the attempt would prove nothing")
    finally:
        connection.close()
