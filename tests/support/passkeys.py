"""A passkey as a browser would use it, without the browser: for tests that speak to pages over HTTP."""

from __future__ import annotations

import hashlib
import json
import secrets
from dataclasses import dataclass, field
from typing import Any

import cbor2
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from assay.contracts import Assertion, CredentialBound, canonical
from assay.identity import base64url
from assay.identity.authenticator import _cose

PRESENT_AND_VERIFIED = 0x05
WITH_KEY = 0x40


@dataclass
class Passkey:
    """A P-256 credential of a person; it does not mark itself as software, like any browser's."""

    person: str
    origin: str
    rp_id: str = "localhost"
    credential_id: str = field(default_factory=lambda: base64url.encode(secrets.token_bytes(32)))
    flags: int = PRESENT_AND_VERIFIED
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    @property
    def public_key(self) -> str:
        """The COSE key, base64url."""
        return base64url.encode(_cose(self.key.public_key()))

    @property
    def pkcs8(self) -> bytes:
        """The private key, for a browser's virtual authenticator."""
        return self.key.private_bytes(
            serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )

    def bound(self) -> CredentialBound:
        """Return the public half as the root lists a founder's."""
        return CredentialBound(
            person=self.person,
            credential_id=self.credential_id,
            public_key=self.public_key,
            software=False,
            assertions=(),
        )

    def says(self, statement: str) -> dict[str, str]:
        """Return what a form carries after signing a statement's text."""
        client = self._client("webauthn.get", hashlib.sha256(statement.encode()).digest())
        data = self._data(self.flags)
        signed = self.key.sign(data + hashlib.sha256(client).digest(), ec.ECDSA(hashes.SHA256()))
        return {
            "statement": statement,
            "credential_id": self.credential_id,
            "authenticator_data": base64url.encode(data),
            "client_data": base64url.encode(client),
            "signature": base64url.encode(signed),
        }

    def assert_(self, statement: dict[str, Any]) -> Assertion:
        """Say a statement, as an authenticator does."""
        said: dict[str, Any] = self.says(canonical(statement).decode())
        return Assertion(person=self.person, **{**said, "statement": statement})

    def registers(self, challenge: str) -> dict[str, str]:
        """Return what a form carries after this passkey was made for a challenge."""
        raw = base64url.decode(self.credential_id, "id")
        key = bytes(16) + len(raw).to_bytes(2, "big") + raw + base64url.decode(self.public_key, "key")
        attested = {"fmt": "none", "attStmt": {}, "authData": self._data(self.flags | WITH_KEY) + key}
        return {
            "challenge": challenge,
            "credential_id": self.credential_id,
            "client_data": base64url.encode(
                self._client("webauthn.create", base64url.decode(challenge, "challenge"))
            ),
            "attestation": base64url.encode(cbor2.dumps(attested)),
        }

    def _client(self, kind: str, challenge: bytes) -> bytes:
        said = {"type": kind, "challenge": base64url.encode(challenge), "origin": self.origin}
        return json.dumps(said | {"crossOrigin": False}).encode()

    def _data(self, flags: int) -> bytes:
        return hashlib.sha256(self.rp_id.encode()).digest() + bytes([flags]) + bytes(4)
