"""Tables kept sealed: encrypted Parquet under its digest, its wrapped data key in a sidecar beside it.

The data key is wrapped by a transit key of Vault, bound to its use, and stands in `keys/<digest>.json`, never
in the ledger, so that destroying the transit key is erasure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from assay import encrypted
from assay.contracts import canonical, strict_json
from assay.errors import SignatureInvalid

if TYPE_CHECKING:
    import pyarrow as pa

    from assay.objects import Objects
    from assay.vault import Vault


class SealedTables:
    """Seals tables into an object store and releases their keys."""

    def __init__(self, objects: Objects, vault: Vault) -> None:
        self._objects = objects
        self._vault = vault

    def seal(self, table: pa.Table, key: str, purpose: str) -> str:
        """Encrypt and keep a table under transit key `key`; return the ciphertext's SHA-256."""
        data_key, wrapped = self._vault.data_key(key, context=_context(key, purpose))
        digest = self._objects.put_addressed(encrypted.write(table, data_key))
        sidecar = {"key": key, "purpose": purpose, "wrapped": wrapped}
        self._objects.put(_sidecar(digest), canonical(sidecar))
        return digest

    def ciphertext(self, digest: str) -> bytes:
        """Return the encrypted file, checked against its digest."""
        return self._objects.get_addressed(digest)

    def data_key(self, digest: str, key: str, purpose: str) -> bytes:
        """Unwrap the data key of one file; the key's name and purpose come from a fact, not from the sidecar.

        Raises:
            NotFound: there is no sidecar, or the transit key was destroyed.
            SignatureInvalid: the sidecar is for another key or purpose.
        """
        sidecar = strict_json(self._objects.get(_sidecar(digest)))
        if {name: sidecar.get(name) for name in ("key", "purpose")} != {"key": key, "purpose": purpose}:
            raise SignatureInvalid(f"the key sidecar of {digest[:12]} is for another key or purpose")
        return self._vault.decrypt(key, str(sidecar["wrapped"]), context=_context(key, purpose))

    def open(self, digest: str, key: str, purpose: str) -> pa.Table:
        """Return the table, decrypted in memory."""
        return encrypted.read(self.ciphertext(digest), self.data_key(digest, key, purpose))

    def discard(self, digest: str) -> None:
        """Remove a sealed file and its sidecar."""
        self._objects.delete(_sidecar(digest))
        self._objects.delete_addressed(digest)


def _sidecar(digest: str) -> str:
    return f"keys/{digest}.json"


def _context(key: str, purpose: str) -> bytes:
    return canonical({"key": key, "purpose": purpose})
