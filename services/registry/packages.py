"""Packages as they are kept: sealed, each under a data key of its own that a key of Vault wraps.

A package's digest is the digest of its manifest's bytes, so the manifest is found by it; manifests and signatures
hold no content and lie open under their own SHA-256. A file lies at `sealed/<package>/<its SHA-256>` as AES-256-GCM,
bound to package and file, and is compared with its SHA-256 whenever it is read. The data key never leaves.
Which signature belongs to a package is what version facts say; nothing here remembers it.
"""

from __future__ import annotations

import os
from collections import OrderedDict
from contextlib import suppress
from threading import Lock
from typing import Final, Literal, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from assay.contracts import canonical, sha256_hex, strict_json
from assay.custody import PackageFiles
from assay.custody.card import card_digest
from assay.custody.package import CARD_FILE, FileEntry, check_path, manifest
from assay.errors import Conflict, NotFound, SignatureInvalid
from assay.objects import Objects
from services.registry.errors import UnknownPackage

_NONCE_BYTES: Final = 12
_MOST_HELD: Final = 64  # unwrapped data keys


class Wrapping(Protocol):
    """Who wraps data keys: Vault."""

    def create_key(self, key: str, kind: Literal["aes256-gcm96"]) -> None:
        """Make a transit key; a key that exists stays as it is."""
        ...

    def data_key(self, key: str, *, context: bytes = b"") -> tuple[bytes, str]:
        """Return 32 fresh bytes and the same bytes wrapped."""
        ...

    def decrypt(self, key: str, ciphertext: str, *, context: bytes = b"") -> bytes:
        """Return what was wrapped."""
        ...


class Packages:
    """Content-addressed packages in an object store."""

    def __init__(self, objects: Objects, vault: Wrapping, tenant: str) -> None:
        self._objects = objects
        self._vault = vault
        self._key = f"packages-{tenant}"
        self._held: OrderedDict[str, bytes] = OrderedDict()
        self._holding = Lock()

    def keep(self, files: PackageFiles) -> str:
        """Keep a package, files before manifest; returns its digest."""
        listed = canonical(manifest(files))
        package = sha256_hex(listed)
        key = self._data_key(package, new=True)
        for data in files.values():
            self._seal(package, key, data)
        return self._objects.put_addressed(listed)

    def keep_signature(self, signature: bytes) -> str:
        """Keep a model signature; returns its digest."""
        return self._objects.put_addressed(signature)

    def keep_document(self, document: bytes) -> str:
        """Keep a document of evidence; returns its digest."""
        return self._objects.put_addressed(document)

    def document(self, digest: str) -> bytes:
        """Return a document of evidence; raises SignatureInvalid when its bytes were changed."""
        return self._objects.get_addressed(digest)

    def manifest(self, package: str) -> list[FileEntry]:
        """Return a package's files; raises UnknownPackage, or SignatureInvalid when it was changed."""
        try:
            entries = strict_json(self._objects.get_addressed(package))
        except NotFound as error:
            raise UnknownPackage(f"there is no package {package[:12]}") from error
        return [_entry(entry) for entry in entries]

    def file(self, package: str, path: str) -> bytes:
        """Return one file's bytes; raises UnknownPackage, or SignatureInvalid when they were changed."""
        for entry in self.manifest(package):
            if entry["path"] == path:
                return self._open(package, entry["sha256"])
        raise UnknownPackage(f"package {package[:12]} has no file {path[:120]!r}")

    def files(self, package: str) -> dict[str, bytes]:
        """Return every file's bytes, each checked."""
        return {entry["path"]: self._open(package, entry["sha256"]) for entry in self.manifest(package)}

    def signature(self, digest: str) -> bytes:
        """Return the model signature of that digest."""
        return self._objects.get_addressed(digest)

    def card(self, package: str) -> str:
        """Return SHA-256 of the package's card, whose bytes were checked."""
        return card_digest({CARD_FILE: self.file(package, CARD_FILE)})

    def _seal(self, package: str, key: bytes, data: bytes) -> None:
        digest = sha256_hex(data)
        place = _place(package, digest)
        if self._objects.find(place) is not None:
            return
        nonce = os.urandom(_NONCE_BYTES)
        try:
            self._objects.put(place, nonce + AESGCM(key).encrypt(nonce, data, _bound(package, digest)))
        except Conflict:
            return  # another replica sealed the same file under the same key a moment earlier

    def _open(self, package: str, digest: str) -> bytes:
        sealed = self._objects.get(_place(package, digest))
        nonce, ciphertext = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
        try:
            data = AESGCM(self._data_key(package)).decrypt(nonce, ciphertext, _bound(package, digest))
        except (InvalidTag, ValueError) as error:
            raise SignatureInvalid(
                f"a file of package {package[:12]} was changed where it is kept"
            ) from error
        if sha256_hex(data) != digest:
            raise SignatureInvalid(
                f"a file of package {package[:12]} has another SHA-256 than its manifest says"
            )
        return data

    def _data_key(self, package: str, *, new: bool = False) -> bytes:
        """Return a package's data key, unwrapped once; the first one written beside it is the one."""
        with self._holding:
            if package in self._held:
                self._held.move_to_end(package)
                return self._held[package]
        place = f"package-keys/{package}"
        if new and self._objects.find(place) is None:
            self._vault.create_key(self._key, "aes256-gcm96")
            _, wrapped = self._vault.data_key(self._key, context=_bound(package))
            with suppress(Conflict):  # another replica was first, and its key is read below
                self._objects.put(place, wrapped.encode())
        key = self._vault.decrypt(self._key, self._objects.get(place).decode(), context=_bound(package))
        with self._holding:
            self._held[package] = key
            while len(self._held) > _MOST_HELD:
                self._held.popitem(last=False)
        return key


def _place(package: str, digest: str) -> str:
    return f"sealed/{package}/{digest}"


def _bound(package: str, digest: str = "") -> bytes:
    """Return what a ciphertext is bound to: it opens nowhere else."""
    return canonical({"package": package, "file": digest})


def _entry(entry: object) -> FileEntry:
    match entry:
        case {"path": str(path), "sha256": str(digest), "size": int(size)}:
            return {"path": check_path(path), "sha256": digest, "size": size}
    raise SignatureInvalid("a stored manifest has a line that is none")
