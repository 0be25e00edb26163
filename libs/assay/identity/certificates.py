"""Keys, requests and certificates: P-256, and exactly one SPIFFE id as URI in each leaf."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from assay.contracts import SpiffeId, sha256_hex
from assay.errors import BadRequest, SignatureInvalid

BACKDATED: Final = timedelta(seconds=30)
"""How long before its making a certificate of Vault's begins, for clocks that are behind."""


@dataclass(frozen=True)
class Certified:
    """A private key with the leaf and chain issued for it, as PEM; the key never shows in a repr."""

    key_pem: str
    chain_pem: str
    spiffe_id: SpiffeId
    not_before: datetime
    not_after: datetime

    @classmethod
    def read(cls, key_pem: str, chain_pem: str) -> Self:
        """Join a key and its chain; raises SignatureInvalid when the leaf is not of this key or not ours."""
        try:
            leaf = x509.load_pem_x509_certificate(chain_pem.encode())
            key = serialization.load_pem_private_key(key_pem.encode(), None)
        except (ValueError, TypeError) as error:
            raise SignatureInvalid("the key or certificate is not PEM") from error
        if public_bytes(leaf.public_key()) != public_bytes(key.public_key()):
            raise SignatureInvalid("the certificate is for another key")
        return cls(key_pem, chain_pem, identity_of(leaf), leaf.not_valid_before_utc, leaf.not_valid_after_utc)

    def __repr__(self) -> str:
        return f"Certified({self.spiffe_id}, until {self.not_after.isoformat()})"

    @property
    def begins(self) -> datetime:
        """When it was made, in UTC: its life is counted from here."""
        return made_at(self.not_before, self.not_after)

    @property
    def combined_pem(self) -> str:
        """Key, leaf and chain in one PEM."""
        return f"{self.key_pem.strip()}\n{self.chain_pem.strip()}\n"


def made_at(not_before: datetime, not_after: datetime) -> datetime:
    """Return when a certificate was made: it is dated back, unless it lives for less than that."""
    made = not_before + BACKDATED
    return made if made < not_after else not_before


def new_key() -> str:
    """Return a fresh P-256 private key as PKCS #8 PEM."""
    return (
        ec.generate_private_key(ec.SECP256R1())
        .private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        .decode()
    )


def request_for(key_pem: str) -> str:
    """Return a certificate request (PEM) that proves the key and names nothing: the issuer names."""
    key = serialization.load_pem_private_key(key_pem.encode(), None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise SignatureInvalid("the key is not an elliptic curve key")
    request = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
    return request.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()


def key_digest(csr_pem: str) -> str:
    """Return SHA-256 (hex) of a request's SubjectPublicKeyInfo, once its own signature verifies.

    Raises:
        BadRequest: no such request, or its key is not P-256.
    """
    try:
        request = x509.load_pem_x509_csr(csr_pem.encode())
        proven = request.is_signature_valid
        key = request.public_key()
    except ValueError as error:
        raise BadRequest("the certificate request is not PEM") from error
    if not proven or not isinstance(key, ec.EllipticCurvePublicKey) or key.curve.name != "secp256r1":
        raise BadRequest("the certificate request does not prove a P-256 key")
    return sha256_hex(public_bytes(key))


def identity_of(leaf: x509.Certificate) -> SpiffeId:
    """Return the one SPIFFE id of a certificate; raises SignatureInvalid when there is not exactly one."""
    try:
        names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return _only([])
    return _only(names.get_values_for_type(x509.UniformResourceIdentifier))


def identity_in(peer: dict[str, Any] | None) -> SpiffeId:
    """Return the one SPIFFE id in what `ssl` says of a verified peer (`getpeercert()`)."""
    names = (peer or {}).get("subjectAltName", ())
    return _only([value for kind, value in names if kind == "URI"])


def public_bytes(key: Any) -> bytes:  # noqa: ANN401 - any of cryptography's public keys
    """Return a public key's DER SubjectPublicKeyInfo."""
    encoded: bytes = key.public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return encoded


def _only(uris: list[str]) -> SpiffeId:
    if len(uris) != 1:
        raise SignatureInvalid(f"the certificate names {len(uris)} identities, not one")
    try:
        return SpiffeId.parse(uris[0])
    except BadRequest as error:
        raise SignatureInvalid("the certificate's identity is not a SPIFFE id of ours") from error
