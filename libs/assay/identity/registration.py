"""Making a passkey: what a browser is asked for, and whether what it made may become somebody's credential."""

from __future__ import annotations

from typing import Any, Final

from webauthn import verify_registration_response
from webauthn.helpers.cose import COSEAlgorithmIdentifier
from webauthn.helpers.exceptions import WebAuthnException

from assay.contracts import CredentialBound, canonical, sha256_hex, strict_json
from assay.errors import BadRequest, SignatureInvalid
from assay.identity import base64url
from assay.identity.webauthn import SOFTWARE, challenge_of, es256_key

ENROLMENT: Final = "assay-enrolment/v1"


def enrolment_challenge(trust_domain: str, person: str, nonce: str) -> str:
    """Return the challenge of a registration, base64url: it belongs to one person and one nonce."""
    said = {"type": ENROLMENT, "trust_domain": trust_domain, "person": person, "nonce": nonce}
    return base64url.encode(challenge_of(said))


def creation_options(
    *, rp_id: str, person: str, name: str, challenge: str, exclude: list[str]
) -> dict[str, Any]:
    """Return what `navigator.credentials.create` is asked for: a discoverable ES256 passkey of a verified user."""
    return {
        "rp": {"id": rp_id, "name": "Assay"},
        "user": {"id": base64url.encode(person.encode()), "name": name, "displayName": name},
        "challenge": challenge,
        "pubKeyCredParams": [{"type": "public-key", "alg": -7}],
        "authenticatorSelection": {
            "residentKey": "required",
            "requireResidentKey": True,
            "userVerification": "required",
        },
        "attestation": "none",
        "excludeCredentials": exclude,
        "timeout": 120_000,
    }


def registered(
    *,
    person: str,
    credential_id: str,
    client_data: str,
    attestation: str,
    challenge: str,
    rp_id: str,
    origin: str,
) -> CredentialBound:
    """Return the credential a browser made for a person; it counts once administrators say so.

    Raises:
        SignatureInvalid: another challenge, origin or relying party, no verified user, or no ES256 key.
    """
    response = {
        "id": credential_id,
        "rawId": credential_id,
        "type": "public-key",
        "response": {"clientDataJSON": client_data, "attestationObject": attestation},
    }
    try:
        made = verify_registration_response(
            credential=response,
            expected_challenge=base64url.decode(challenge, "challenge"),
            expected_rp_id=rp_id,
            expected_origin=origin,
            require_user_verification=True,
            supported_pub_key_algs=[COSEAlgorithmIdentifier.ECDSA_SHA_256],
        )
        client = strict_json(base64url.decode(client_data, "client data"))
    except (WebAuthnException, ValueError, KeyError, BadRequest) as error:
        raise SignatureInvalid(f"the passkey was not made as asked: {error}") from error
    if not isinstance(client, dict) or client.get("crossOrigin", False) is not False or SOFTWARE in client:
        raise SignatureInvalid("the passkey was made inside another origin's page")
    credential = CredentialBound(
        person=person,
        credential_id=base64url.encode(made.credential_id),
        public_key=base64url.encode(made.credential_public_key),
        software=False,
        assertions=(),
    )
    es256_key(credential)
    return credential


def fingerprint(public_key: str) -> str:
    """Return what a person reads out so that administrators know the passkey is theirs: `1a2b 3c4d 5e6f 7081`."""
    digest = sha256_hex(canonical({"public_key": public_key}))[:16]
    return " ".join(digest[at : at + 4] for at in range(0, 16, 4))
