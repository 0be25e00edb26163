"""The OpenSSF model signature of a package (`model_signing` 1.1.1): proves the bytes, binds no name or number."""

from __future__ import annotations

from typing import TYPE_CHECKING

from assay.custody.package import PackageFiles
from assay.errors import NotBuilt

if TYPE_CHECKING:
    from assay.vault import Vault

KEY = "model-signing"


def sign_package(vault: Vault, files: PackageFiles) -> bytes:
    """Return the sigstore bundle over these files by Vault's transit key `model-signing`."""
    raise NotBuilt("sign_package")


def verify_package(files: PackageFiles, signature: bytes, public_key_pem: str) -> None:
    """Raise SignatureInvalid unless the bundle is this key's and names exactly these files."""
    raise NotBuilt("verify_package")
