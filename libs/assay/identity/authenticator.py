"""A software passkey for demonstrations: it marks itself, and only a demonstration root admits it."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from pathlib import Path
from typing import Any, Final, NamedTuple, Self

import cbor2
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from assay.contracts import Assertion, canonical
from assay.errors import NotFound
from assay.identity import base64url
from assay.identity.webauthn import SOFTWARE, challenge_of

NOTICE: Final = """\
# This is a SOFTWARE passkey for demonstrations of Assay. Whoever can read this file can sign as this person.
# It asks nobody before it signs. Only a root that says it is for demonstrations admits it.
"""
_PRESENT_AND_VERIFIED: Final = bytes([0x05])
_NO_COUNTER: Final = bytes(4)


class SoftwareCredential(NamedTuple):
    """Its id and COSE public key, both base64url without padding."""

    credential_id: str
    public_key: str


class SoftwareAuthenticator:
    """Signs whatever it is asked to, without asking anybody; only a demonstration root admits it."""

    def __init__(
        self, person: str, rp_id: str, origin: str, credential_id: str, key: ec.EllipticCurvePrivateKey
    ) -> None:
        self.person = person
        self.rp_id = rp_id
        self.origin = origin
        self.credential = SoftwareCredential(credential_id, base64url.encode(_cose(key.public_key())))
        self._key = key

    @classmethod
    def create(cls, person: str, rp_id: str, origin: str, path: Path) -> Self:
        """Make a P-256 key and write it to `path` (0600); an existing file is never overwritten."""
        made = cls(
            person,
            rp_id,
            origin,
            base64url.encode(secrets.token_bytes(32)),
            ec.generate_private_key(ec.SECP256R1()),
        )
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(NOTICE + json.dumps(made._to_json(), indent=2) + "\n")
        return made

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read one back; raises NotFound when there is none."""
        try:
            text = path.read_text(encoding="utf-8")
        except FileNotFoundError as error:
            raise NotFound(
                f"there is no software passkey at {path}", fix="`assay init` makes the demonstration's people"
            ) from error
        stored = json.loads(text.removeprefix(NOTICE))
        key = serialization.load_pem_private_key(stored.pop("private_key").encode(), None)
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise NotFound(f"{path} holds no P-256 key")
        return cls(**stored, key=key)

    def assert_(self, statement: dict[str, Any]) -> Assertion:
        """Say the statement: sign its challenge as a browser and passkey would."""
        client_data = canonical(
            {
                "type": "webauthn.get",
                "challenge": base64url.encode(challenge_of(statement)),
                "origin": self.origin,
                "crossOrigin": False,
                SOFTWARE: True,
            }
        )
        data = hashlib.sha256(self.rp_id.encode()).digest() + _PRESENT_AND_VERIFIED + _NO_COUNTER
        signed = data + hashlib.sha256(client_data).digest()
        return Assertion(
            statement=statement,
            person=self.person,
            credential_id=self.credential.credential_id,
            authenticator_data=base64url.encode(data),
            client_data=base64url.encode(client_data),
            signature=base64url.encode(self._key.sign(signed, ec.ECDSA(hashes.SHA256()))),
        )

    def _to_json(self) -> dict[str, str]:
        pem = self._key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        return {
            "person": self.person,
            "rp_id": self.rp_id,
            "origin": self.origin,
            "credential_id": self.credential.credential_id,
            "private_key": pem.decode(),
        }


def _cose(key: ec.EllipticCurvePublicKey) -> bytes:
    point = key.public_numbers()
    return cbor2.dumps({1: 2, 3: -7, -1: 1, -2: point.x.to_bytes(32), -3: point.y.to_bytes(32)})
