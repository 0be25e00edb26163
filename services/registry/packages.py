"""Packages as they are kept: every file, manifest and signature under its own SHA-256, checked on every read.

A package's digest is the digest of its manifest's bytes, so the manifest is found by it. Which signature
belongs to a package is what version facts say; nothing here remembers it.
"""

from __future__ import annotations

from assay.contracts import canonical, strict_json
from assay.custody import PackageFiles
from assay.custody.card import card_digest
from assay.custody.package import CARD_FILE, FileEntry, check_path, manifest
from assay.errors import NotFound, SignatureInvalid
from assay.objects import Objects
from services.registry.errors import UnknownPackage


class Packages:
    """Content-addressed packages in an object store."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects

    def keep(self, files: PackageFiles) -> str:
        """Keep a package, files before manifest; returns its digest."""
        for data in files.values():
            self._objects.put_addressed(data)
        return self._objects.put_addressed(canonical(manifest(files)))

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
                return self._objects.get_addressed(entry["sha256"])
        raise UnknownPackage(f"package {package[:12]} has no file {path[:120]!r}")

    def files(self, package: str) -> dict[str, bytes]:
        """Return every file's bytes, each checked."""
        return {entry["path"]: self.file(package, entry["path"]) for entry in self.manifest(package)}

    def signature(self, digest: str) -> bytes:
        """Return the model signature of that digest."""
        return self._objects.get_addressed(digest)

    def card(self, package: str) -> str:
        """Return SHA-256 of the package's card, whose bytes were checked."""
        return card_digest({CARD_FILE: self.file(package, CARD_FILE)})


def _entry(entry: object) -> FileEntry:
    match entry:
        case {"path": str(path), "sha256": str(digest), "size": int(size)}:
            return {"path": check_path(path), "sha256": digest, "size": size}
    raise SignatureInvalid("a stored manifest has a line that is none")
