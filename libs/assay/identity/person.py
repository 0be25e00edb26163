"""A person's certificate, as `assay login` wrote it: for the command, notebooks and pipelines."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from assay.contracts import PersonId
from assay.errors import SignatureInvalid, Unauthenticated
from assay.identity.certificates import Certified
from assay.identity.holder import CertificateHolder
from assay.identity.trust import TrustBundle


class PersonIdentity(CertificateHolder):
    """A one-hour certificate in `<home>/people/<name>/`; it is not renewed: the person logs in again."""

    @classmethod
    def load(cls, folder: Path, ca_path: Path) -> Self:
        """Read what `assay login` wrote.

        Raises:
            Unauthenticated: there is nothing, or it has ended.
        """
        try:
            pem = (folder / "identity.pem").read_text(encoding="utf-8")
            trust = TrustBundle(ca_path)
        except FileNotFoundError as error:
            raise Unauthenticated(f"{folder.name} is not logged in") from error
        return cls._of(pem, trust, folder)

    @classmethod
    def write(cls, folder: Path, key_pem: str, certificate_pem: str, ca_pem: str) -> Self:
        """Keep a new certificate in `folder` (0600 files)."""
        certified = Certified.read(key_pem, certificate_pem)
        identity = cls(certified, ca_pem, folder)
        identity._write(certified)
        return identity

    @classmethod
    def _of(cls, pem: str, trust: str | TrustBundle, folder: Path) -> Self:
        key, begin, chain = pem.partition("-----BEGIN CERTIFICATE-----")
        try:
            certified = Certified.read(key, begin + chain)
        except SignatureInvalid as error:
            raise Unauthenticated(f"the certificate of {folder.name} is unreadable") from error
        if certified.not_after <= datetime.now(UTC):
            raise Unauthenticated(f"the certificate of {folder.name} ended {certified.not_after.isoformat()}")
        return cls(certified, trust, folder)

    @property
    def person(self) -> PersonId:
        """The opaque id of the person."""
        person = self.spiffe_id.person
        if person is None:
            raise Unauthenticated(f"{self.spiffe_id} is no person")
        return person
