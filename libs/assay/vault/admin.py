"""What only an administrator does to a Vault: initialise, unseal, hold a root token for a moment."""

from __future__ import annotations

import base64
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import hvac

from assay.errors import Conflict, Forbidden, Unavailable
from assay.vault.client import VaultClient
from assay.vault.errors import translated
from assay.vault.session import connect

_ACTIVE_WITHIN_SECONDS = 60.0
_LOOK_EVERY_SECONDS = 0.05
_ATTEMPT = "/v1/sys/generate-root/attempt"


@dataclass(frozen=True)
class SealStatus:
    """Whether a Vault was ever initialised and whether its storage can be read now."""

    initialized: bool
    sealed: bool
    version: str


class VaultAdmin:
    """An administrator at one Vault; holds a root token only between `initialise` or `become_root` and `revoke`."""

    def __init__(self, url: str, ca_path: Path) -> None:
        self.client: hvac.Client = connect(url, ca_path)

    def __repr__(self) -> str:
        return f"VaultAdmin({self.client.url})"

    def seal_status(self) -> SealStatus:
        """Return the seal's state; raises Unavailable when nobody answers."""
        with translated():
            found = self.client.sys.read_seal_status()
        return SealStatus(found["initialized"], found["sealed"], found["version"])

    def initialise(self) -> str:
        """Initialise an empty Vault with one key share, unseal it, become root; return the unseal key.

        Raises:
            Conflict: it was initialised before.
        """
        if self.seal_status().initialized:
            raise Conflict("this Vault is initialised", fix="unseal it with the key of its home")
        with translated():
            made = self.client.sys.initialize(1, 1)
        unseal_key: str = made["keys"][0]
        self.unseal(unseal_key)
        self.client.token = made["root_token"]
        return unseal_key

    def unseal(self, unseal_key: str) -> None:
        """Open the storage and return once the Vault answers; one that is open already stays so.

        Raises:
            VaultRefused: it is another Vault's key.
        """
        if self.seal_status().sealed:
            with translated():
                self.client.sys.submit_unseal_key(unseal_key)
        self._until_active()

    def seal(self) -> None:
        """Close the storage: every call is refused until `unseal`. Needs root."""
        with translated():
            self.client.sys.seal()

    def become_root(self, unseal_key: str) -> None:
        """Make a root token from the unseal key; an attempt somebody left behind is cancelled."""
        with translated():
            self.client.adapter.delete(_ATTEMPT)
            attempt = self.client.adapter.put(_ATTEMPT, json={})
            try:
                answer = self.client.sys.generate_root(unseal_key, attempt["nonce"])
            finally:
                self.client.adapter.delete(_ATTEMPT)
        self.client.token = _unmasked(answer["encoded_root_token"], attempt["otp"])

    def revoke(self) -> None:
        """Revoke the root token in hand."""
        with translated():
            self.client.auth.token.revoke_self()
        self.client.token = None

    @contextmanager
    def root(self, unseal_key: str) -> Iterator[Self]:
        """Hold a root token for the length of a block; it is revoked whatever happens in it."""
        self.become_root(unseal_key)
        try:
            yield self
        finally:
            self.revoke()

    def vault(self) -> VaultClient:
        """Return what services see of Vault, with the root token in hand; not to be closed on its own."""
        if not self.client.token:
            raise Forbidden(
                "there is no root token in hand", fix="`become_root` makes one from the unseal key"
            )
        return VaultClient(self.client)

    def new_secret_id(self, role: str) -> str:
        """Return a secret id that is not wrapped: for the launcher, which keeps it in the home's `unlock`."""
        with translated():
            made: str = self.client.auth.approle.generate_secret_id(role)["data"]["secret_id"]
        return made

    def close(self) -> None:
        """Close the connections; a root token still in hand is revoked."""
        if self.client.token:
            self.revoke()
        self.client.session.close()

    def _until_active(self) -> None:
        until = time.monotonic() + _ACTIVE_WITHIN_SECONDS
        while not self._active():
            if time.monotonic() > until:
                raise Unavailable("Vault is unsealed and does not become active", fix="read Vault's log")
            time.sleep(_LOOK_EVERY_SECONDS)

    def _active(self) -> bool:
        with translated():
            health: Any = self.client.sys.read_health_status(method="GET")
        return isinstance(health, dict)  # hvac returns the body of a 200 and the response of anything else


def _unmasked(encoded: str, otp: str) -> str:
    """Return the token Vault masked with the one-time pad it gave at the attempt's start."""
    masked = base64.b64decode(encoded + "=" * (-len(encoded) % 4))
    return bytes(a ^ b for a, b in zip(masked, otp.encode(), strict=True)).decode()
