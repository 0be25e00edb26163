"""Which roots are believed: a file of one certificate, or of two while a root is being replaced.

The file is the one each part was told of at its start (`ca.pem`), read again when it changes: whoever could write it
then can write it now, and nobody else may. Its first certificate is the root that issues from here on, so a holder
whose certificate another root issued renews at once.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes

from assay.errors import SignatureInvalid

_OTHERS_MAY_WRITE: Final = 0o022
_MOST: Final = 4


class TrustBundle:
    """The roots in a file; `pem` and `roots` are those of the last good reading."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen = self._version()
        self.pem, self.roots = _read(path)

    def changed(self) -> bool:
        """Read the file again if it is another; return whether the roots are others now.

        Raises:
            SignatureInvalid: it holds no roots, or others may write it; what was believed stays.
        """
        try:
            version = self._version()
        except FileNotFoundError:
            return False
        if version == self._seen:
            return False
        self._seen = version
        pem, roots = _read(self._path)
        before, self.pem, self.roots = self.roots, pem, roots
        return before != roots

    def issues(self, chain_pem: str) -> bool:
        """Say whether the leaf of a chain is of the root that issues now."""
        leaf = x509.load_pem_x509_certificate(chain_pem.encode())
        try:
            leaf.verify_directly_issued_by(self.roots[0])
        except (ValueError, TypeError, InvalidSignature):
            return False
        return True

    def _version(self) -> tuple[int, int, int]:
        found = self._path.stat()
        return found.st_ino, found.st_mtime_ns, found.st_size


def fingerprint(root: x509.Certificate) -> str:
    """Return a root's name for people and `assay status`: the first 16 hex digits of its SHA-256."""
    return root.fingerprint(hashes.SHA256()).hex()[:16]


def roots_in(pem: str) -> tuple[x509.Certificate, ...]:
    """Return the roots of a bundle, the issuing one first; raises SignatureInvalid where one is no root."""
    try:
        found = x509.load_pem_x509_certificates(pem.encode())
        for each in found:
            each.verify_directly_issued_by(each)
            if not each.extensions.get_extension_for_class(x509.BasicConstraints).value.ca:
                raise SignatureInvalid("a certificate in the trust bundle certifies nobody")
    except (ValueError, TypeError, InvalidSignature, x509.ExtensionNotFound) as error:
        raise SignatureInvalid("the trust bundle is not PEM of root certificates") from error
    if not 0 < len(found) <= _MOST:
        raise SignatureInvalid(f"the trust bundle holds {len(found)} roots")
    return tuple(found)


def _read(path: Path) -> tuple[str, tuple[x509.Certificate, ...]]:
    with path.open(encoding="utf-8") as file:
        status = os.fstat(file.fileno())
        if status.st_mode & _OTHERS_MAY_WRITE or status.st_uid not in {0, os.getuid()}:
            raise SignatureInvalid(f"{path.name} could be written by others", fix=f"chmod 644 {path}")
        pem = file.read()
    return pem, roots_in(pem)
