"""Verifying what a person said with a passkey, online and offline.

The challenge is SHA-256 of the canonical statement; only ES256 counts; presence and verification of the user
are required; the origin is compared with its port; a software credential counts only in a demonstration.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any, Final

import cbor2
from webauthn import verify_authentication_response
from webauthn.helpers.exceptions import WebAuthnException

from assay.contracts import Assertion, CredentialBound, canonical, strict_json
from assay.errors import BadRequest, SignatureInvalid
from assay.identity import base64url

SOFTWARE: Final = "assay_software"  # clientData member by which a software authenticator marks itself
_ES256: Final = {1: 2, 3: -7, -1: 1}  # COSE: EC2, ECDSA with SHA-256, P-256
_COSE_MEMBERS: Final = frozenset({1, 3, -1, -2, -3})


def verify_assertion(
    assertion: Assertion,
    credential: CredentialBound,
    *,
    rp_id: str,
    origins: Sequence[str],
    demonstration: bool,
) -> None:
    """Return when the credential's holder, present and verified, signed exactly `assertion.statement`.

    Raises:
        SignatureInvalid: anything else; the detail says which check failed.
    """
    if (assertion.person, assertion.credential_id) != (credential.person, credential.credential_id):
        raise SignatureInvalid("the assertion is by another person or credential")
    if credential.software and not demonstration:
        raise SignatureInvalid("a software credential counts in a demonstration root only")
    _check_client_data(assertion, software=credential.software)
    _check_signature(assertion, es256_key(credential), rp_id, origins)


def challenge_of(statement: dict[str, Any]) -> bytes:
    """Return the challenge of a statement: SHA-256 of its RFC 8785 bytes."""
    return hashlib.sha256(canonical(statement)).digest()


def origin_of(assertion: Assertion) -> str:
    """Return the origin of the page in which a verified assertion was made."""
    client = strict_json(base64url.decode(assertion.client_data, "client data"))
    return str(client.get("origin", "")) if isinstance(client, dict) else ""


def _check_client_data(assertion: Assertion, *, software: bool) -> None:
    """Check what py_webauthn leaves open: duplicate members, framing by another origin, the software mark."""
    try:
        client = strict_json(base64url.decode(assertion.client_data, "client data"))
    except BadRequest as error:
        raise SignatureInvalid("the client data is not strict JSON") from error
    if not isinstance(client, dict):
        raise SignatureInvalid("the client data is not an object")
    if client.get("crossOrigin", False) is not False or "topOrigin" in client:
        raise SignatureInvalid("the assertion was made inside another origin's page")
    if client.get(SOFTWARE, False) is not software:
        raise SignatureInvalid("a software authenticator's mark and its credential disagree")


def es256_key(credential: CredentialBound) -> bytes:
    """Return a credential's COSE key; raises SignatureInvalid unless it is a plain ES256 key on P-256."""
    cose = base64url.decode(credential.public_key, "public key")
    try:
        key = cbor2.loads(cose)
    except (cbor2.CBORDecodeError, EOFError) as error:
        raise SignatureInvalid("the credential's public key is not COSE") from error
    if not isinstance(key, dict) or frozenset(key) != _COSE_MEMBERS:
        raise SignatureInvalid("the credential's public key is no plain EC2 key")
    if any(key[member] != value for member, value in _ES256.items()):
        raise SignatureInvalid("the credential is not ES256 on P-256")
    return cose


def _check_signature(assertion: Assertion, key: bytes, rp_id: str, origins: Sequence[str]) -> None:
    response = {
        "id": assertion.credential_id,
        "rawId": assertion.credential_id,
        "type": "public-key",
        "response": {
            "clientDataJSON": assertion.client_data,
            "authenticatorData": assertion.authenticator_data,
            "signature": assertion.signature,
        },
    }
    try:
        verify_authentication_response(
            credential=response,
            expected_challenge=challenge_of(assertion.statement),
            expected_rp_id=rp_id,
            expected_origin=list(origins),
            credential_public_key=key,
            credential_current_sign_count=0,
            require_user_verification=True,
        )
    except (WebAuthnException, ValueError) as error:
        raise SignatureInvalid(f"the assertion does not verify: {error}") from error
