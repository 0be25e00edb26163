"""What a new predictor is given on its standard input: a first certificate, one Vault login, its settings."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from assay.identity.certificates import new_key, request_for
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
        key = new_key()
        settings = self._settings(place, port) | {
            "vault_role_id": self._vault.role_id(role),
            "vault_wrapped_secret_id": self._vault.wrap_secret_id(
                role, identity=place.identity(self._domain).path
            ),
        }
        document = {"key": key, "certificate": self.sign(place, request_for(key)), "settings": settings}
        return json.dumps(document).encode() + b"\n"
