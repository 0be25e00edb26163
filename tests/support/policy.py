"""A policy author: a key of their own, and bundles signed with it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from assay.contracts import sha256_hex
from assay.policy.bundle import MANIFEST, WASM, PolicyBundle, packed
from assay_laptop.opa.build import sources
from assay_laptop.opa.find import folder


class Author:
    """Somebody who signs policy; `public_pem` is what a root would name."""

    def __init__(self) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        self.private_pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        self.public_pem = (
            key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
        )

    def key(self, index: int | None) -> str:  # noqa: ARG002 - of every time
        """Return what a root names (see `assay.policy.shelf.Author`)."""
        return self.public_pem

    def archive(self, files: Mapping[str, bytes] | None = None) -> bytes:
        """Return a signed archive: of these files, or of the policy that is checked in."""
        return packed(files or checked_in(), self.private_pem)

    def signed(self, files: Mapping[str, bytes] | None = None) -> PolicyBundle:
        """Return the verified bundle of it."""
        return PolicyBundle.verified(self.archive(files), self.public_pem)


def checked_in() -> dict[str, bytes]:
    """Return the files of the policy that is checked in, as a bundle holds them."""
    names = [MANIFEST, WASM, *(path.name for path in sources(folder()))]
    return {name: (folder() / name).read_bytes() for name in names}


def with_manifest(files: Mapping[str, bytes], **members: Any) -> dict[str, bytes]:  # noqa: ANN401 - JSON members
    """Return the files with other members in the manifest; None leaves one out."""
    manifest = json.loads(files[MANIFEST]) | members
    kept = {name: value for name, value in manifest.items() if value is not None}
    return {**files, MANIFEST: json.dumps(kept).encode()}


@cache
def swapped() -> dict[str, bytes]:
    """Return another policy than the one checked in: `ledger/search` and `ledger/append` have changed places."""
    away = renamed(b"ledger/search", b"ledger/?ssay!")
    back = renamed(b"ledger/append", b"ledger/search", away)
    return renamed(b"ledger/?ssay!", b"ledger/append", back)


def renamed(old: bytes, new: bytes, files: Mapping[str, bytes] | None = None) -> dict[str, bytes]:
    """Return the checked-in policy with one word for another of the same length: another policy, made without `opa`.

    A word stands once among the strings of the compiled rules, and as often as it likes in the Rego.
    """
    assert len(old) == len(new)
    changed = {name: data.replace(old, new) for name, data in (files or checked_in()).items()}
    return with_manifest(changed, revision=sha256_hex(changed[WASM]))
