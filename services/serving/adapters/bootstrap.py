"""What a new predictor is given on its standard input: a first certificate, one Vault login, its settings."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from assay.vault import Vault
from services.serving.domain import Place


class Bootstrap:
    """Makes that line. The wrapped secret id works once; the certificate names this predictor only."""

    def __init__(
        self,
        vault: Vault,
        trust_domain: str,
        ttl_seconds: int,
        settings: Callable[[Place, int], dict[str, Any]],
    ) -> None:
        self._vault = vault
        self._domain = trust_domain
        self._ttl = ttl_seconds
        self._settings = settings

    def sign(self, place: Place, csr_pem: str) -> str:
        """Return the certificate of a place's predictor for the CSR's key: leaf, then chain."""
        return self._vault.sign_csr(
            f"predictor-{place.environment.value}",
            csr_pem,
            uri=str(place.identity(self._domain)),
            ttl_seconds=self._ttl,
        )

    def line(self, place: Place, port: int) -> bytes:
        """Return the JSON line for a predictor that is to listen on `port`."""
        role = f"predictor-{place.environment.value}"
        key, csr = _key_and_request(str(place.identity(self._domain)))
        settings = self._settings(place, port) | {
            "vault_role_id": self._vault.role_id(role),
            "vault_wrapped_secret_id": self._vault.wrap_secret_id(role),
        }
        document = {"key": key, "certificate": self.sign(place, csr), "settings": settings}
        return json.dumps(document).encode() + b"\n"


def _key_and_request(uri: str) -> tuple[str, str]:
    key = ec.generate_private_key(ec.SECP256R1())
    names = x509.SubjectAlternativeName([x509.UniformResourceIdentifier(uri)])
    request = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
    csr = request.add_extension(names, critical=True).sign(key, hashes.SHA256())
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return private.decode(), csr.public_bytes(pem).decode()
