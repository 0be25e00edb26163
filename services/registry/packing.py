"""Evidence packs: one page about a version that anybody with the root can check without asking us."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from assay.contracts import Version, body_of, canonical
from assay.custody.errors import ChainBroken, ChainRevoked
from assay.custody.pack import export_pack, verify_pack
from assay.custody.pack_page import file_name, render
from assay.custody.package import CARD_FILE
from services.registry.usecases import Registry

TRIES: Final = 3  # somebody may say something while a pack is made


@dataclass(frozen=True)
class Packing:
    """Packs of versions."""

    registry: Registry

    def page(self, model: str, number: int) -> tuple[str, bytes]:
        """Return what a version's pack is called, and its page, which verifies as it leaves.

        Of a version that was revoked it is made too: it shows the revocation, and verifying it is refused.

        Raises:
            UnknownVersion: there is no such version.
            ChainBroken: something was said about it each time it was tried.
        """
        registry = self.registry
        record = registry.believed.version(model, number)
        body = body_of(record.fact, Version)
        for left in reversed(range(TRIES)):
            registry.log.catch_up()
            bundle = export_pack(
                record.digest,
                registry.ledger,
                registry.log,
                registry.root,
                lambda digest: self._content(body, digest),
            )
            try:
                verify_pack(bundle, registry.root, now=registry.log.checkpoint().time_ms / 1000)
            except ChainRevoked:
                break
            except ChainBroken:
                if left == 0:
                    raise
            else:
                break
        return file_name(model, number), render(bundle)

    def _content(self, version: Version, digest: str) -> bytes:
        """Return the bytes of a digest that a version or a statement about it names, checked as they are read."""
        packages = self.registry.packages
        if digest == version.package:
            return canonical(packages.manifest(version.package))
        if digest == version.signature:
            return packages.signature(digest)
        if digest == packages.card(version.package):
            return packages.file(version.package, CARD_FILE)
        return packages.document(digest)
