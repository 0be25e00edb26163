"""The launcher: the one login that is kept, good for nothing but minting other parts' single-use logins."""

from __future__ import annotations

from pathlib import Path

from assay.vault.client import VaultClient
from assay_laptop.home import Unlock


class Launcher:
    """Mints a wrapped secret id for a part that is about to start; keeps no secret of any service."""

    def __init__(self, url: str, ca_path: Path, unlock: Unlock) -> None:
        self._url = url
        self._ca_path = ca_path
        self._unlock = unlock

    def bootstrap(self, role: str) -> tuple[str, str]:
        """Return (role id, wrapped secret id) for one start of one part."""
        vault = VaultClient.login_with_secret(
            url=self._url,
            ca_path=self._ca_path,
            role_id=self._unlock.launcher_role_id,
            secret_id=self._unlock.launcher_secret_id,
        )
        try:
            return vault.role_id(role), vault.wrap_secret_id(role)
        finally:
            vault.close()

    def log_in(self, role: str) -> VaultClient:
        """Log in as a service: what whoever holds `unlock` could do."""
        role_id, wrapped = self.bootstrap(role)
        return VaultClient.login(
            url=self._url, ca_path=self._ca_path, role_id=role_id, wrapped_secret_id=wrapped
        )
