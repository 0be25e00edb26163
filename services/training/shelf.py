"""Packages, kept by content: each file under its SHA-256, and the list of files under the package's digest."""

from __future__ import annotations

from dataclasses import dataclass

from assay.contracts import canonical, strict_json
from assay.custody import PackageFiles, manifest, package_digest
from assay.errors import SignatureInvalid
from assay.objects import Objects


@dataclass(frozen=True)
class Packages:
    """A shelf of packages over an object store."""

    objects: Objects

    def put(self, files: PackageFiles) -> str:
        """Keep a package and return its digest; the list of files comes last."""
        for data in files.values():
            self.objects.put_addressed(data)
        return self.objects.put_addressed(canonical(manifest(files)))

    def get(self, digest: str) -> dict[str, bytes]:
        """Return a package's files, each checked, and all of them together.

        Raises:
            NotFound: something of it is missing.
            SignatureInvalid: something of it was changed.
        """
        entries = strict_json(self.objects.get_addressed(digest))
        files = {str(entry["path"]): self.objects.get_addressed(str(entry["sha256"])) for entry in entries}
        if package_digest(files) != digest:
            raise SignatureInvalid(f"the files kept for package {digest[:12]} have another digest")
        return files
