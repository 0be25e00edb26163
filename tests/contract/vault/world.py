"""A Vault that runs for the core suite, with Assay's layout in it."""

from __future__ import annotations

import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

from assay.errors import Unavailable
from assay.vault.admin import VaultAdmin
from assay.vault.client import VaultClient
from assay_laptop.vault.launch import Start

TRUST_DOMAIN = "assay.test"
HANG_SECONDS = 60


@dataclass
class Running:
    """A Vault that runs, is unsealed and has Assay's layout; `admin` holds a root token."""

    how: Start
    storage: Path
    log: Path
    process: subprocess.Popen[bytes]
    admin: VaultAdmin
    unseal_key: str = ""
    logins: dict[str, VaultClient] = field(default_factory=dict)

    def wrapped(self, role: str) -> tuple[str, str]:
        """Return (role id, wrapped secret id) by the administrator."""
        vault = self.admin.vault()
        return vault.role_id(role), vault.wrap_secret_id(role)

    def log_in(self, role: str) -> VaultClient:
        """Return a fresh login; the caller closes it."""
        role_id, wrapped = self.wrapped(role)
        return VaultClient.login(
            url=self.how.url, ca_path=self.how.ca_path, role_id=role_id, wrapped_secret_id=wrapped
        )

    def as_service(self, role: str) -> VaultClient:
        """Return a login that lives as long as the suite."""
        if role not in self.logins:
            self.logins[role] = self.log_in(role)
        return self.logins[role]

    def restart(self) -> None:
        """End the process and start it again over the same storage; it is sealed then."""
        self.process.terminate()
        self.process.wait(HANG_SECONDS)
        self.process = run(self.how, self.log)
        until_listening(self.admin)


def run(how: Start, log: Path) -> subprocess.Popen[bytes]:
    """Start the server."""
    with log.open("ab") as output:
        return subprocess.Popen(how.argv, env=dict(how.environment), stdout=output, stderr=output)


def until_listening(admin: VaultAdmin) -> None:
    """Return when the server answers."""
    end = time.monotonic() + HANG_SECONDS
    while True:
        try:
            admin.seal_status()
        except Unavailable:
            if time.monotonic() > end:
                raise
            time.sleep(0.02)
        else:
            return
