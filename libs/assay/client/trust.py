"""Letting this user's browsers know a platform's authority, and taking that back.

Chromium and others read the NSS database in the user's home, which `certutil` changes; it belongs to this user, so
no system store is touched and nobody else is affected.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

from assay.errors import NotFound, Unavailable


class CertutilMissing(NotFound):
    """There is no `certutil` on this machine."""

    fix = (
        "install libnss3-tools (Debian) or nss-tools (Fedora), or import ca.pem in the browser's own settings"
    )


@dataclass(frozen=True)
class Authority:
    """One root certificate of a platform. `hosts` are the only host names it may certify; () means any."""

    nickname: str
    fingerprint: str
    pem: str
    hosts: tuple[str, ...]

    @classmethod
    def of(cls, certificate: x509.Certificate) -> Self:
        """Read a root certificate."""
        digest = certificate.fingerprint(hashes.SHA256()).hex()
        (name,) = certificate.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
        pem = certificate.public_bytes(serialization.Encoding.PEM).decode()
        return cls(f"Assay {name.value!s} {digest[:12]}", digest, pem, _hosts(certificate))


def authorities(ca: Path) -> list[Authority]:
    """Return the roots in a platform's `ca.pem`: two while one follows the other; raises NotFound."""
    try:
        return [Authority.of(each) for each in x509.load_pem_x509_certificates(ca.read_bytes())]
    except FileNotFoundError as error:
        raise NotFound(
            f"there is no {ca}", fix="begin a platform with `assay init`, or name one with --home"
        ) from error


@dataclass(frozen=True)
class BrowserStore:
    """The NSS database of one user, `<home>/.pki/nssdb`."""

    home: Path

    @property
    def folder(self) -> Path:
        """Where it stands."""
        return self.home / ".pki" / "nssdb"

    def install(self, authority: Authority) -> None:
        """Trust a root for servers, and for nothing else; the same again changes nothing."""
        if not (self.folder / "cert9.db").exists():
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._certutil(["-N", "--empty-password"])
        arguments = ["-A", "-t", "C,,", "-n", authority.nickname, "-a"]
        self._certutil(arguments, authority.pem)

    def remove(self, authority: Authority) -> bool:
        """Trust a root no longer; says whether it was trusted."""
        if authority.nickname not in self.installed():
            return False
        self._certutil(["-D", "-n", authority.nickname])
        return True

    def installed(self) -> list[str]:
        """Return the nicknames of Assay's roots in the database."""
        if not (self.folder / "cert9.db").exists():
            return []
        lines = self._certutil(["-L"]).splitlines()
        return [" ".join(line.split()[:-1]) for line in lines if line.startswith("Assay ")]

    def _certutil(self, arguments: Sequence[str], text: str = "") -> str:
        program = shutil.which("certutil")
        if program is None:
            raise CertutilMissing("`certutil` changes the browsers' database, and is not on the PATH")
        argv = [program, "-d", f"sql:{self.folder}", *arguments]
        done = subprocess.run(argv, input=text, capture_output=True, text=True, check=False)
        if done.returncode:
            raise Unavailable(f"certutil: {done.stderr.strip()[:300]}", fix=f"look at {self.folder}")
        return done.stdout


def _hosts(certificate: x509.Certificate) -> tuple[str, ...]:
    try:
        limits = certificate.extensions.get_extension_for_class(x509.NameConstraints).value
    except x509.ExtensionNotFound:
        return ()
    permitted = limits.permitted_subtrees or []
    return tuple(str(each.value) for each in permitted if isinstance(each, x509.DNSName))
