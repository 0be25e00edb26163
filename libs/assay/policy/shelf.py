"""Where policy bundles lie: a folder of `<digest>.tar.gz`, and identity's route for whoever has no such folder.

Content-addressed, so a wrong file is no file; what is taken from here is verified each time.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, Protocol

from assay.contracts import sha256_hex
from assay.errors import BadRequest, NotFound, Unavailable
from assay.policy.bundle import KEY, LARGEST, PolicyBundle, PolicySignatureInvalid

_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
Fetch = Callable[[str], bytes]
Author = Callable[[int | None], str]
"""The key (PEM) that counts for a policy fact at an entry of the log; for None, for what comes next."""


class PolicyBundleMissing(NotFound):
    """Nobody here has the bundle of that digest."""

    fix = "put the archive back as <digest>.tar.gz into the platform's policy folder, from the backup or its author"


class Roots(Protocol):
    """A root, as far as policy is concerned; one that is in force may become another."""

    @property
    def services(self) -> Mapping[str, str]:
        """Keys (PEM) of what is signed apart from facts, as they count for what comes next."""

    def service_key(self, name: str, index: int) -> str:
        """Return the key of that name that counts for what entry `index` speaks of."""


def policy_author(root: Roots) -> Author:
    """Return who may sign policy by a root: for the fact at an entry, or for what comes next.

    A next root may name another author; what a fact put in force before goes on counting under the author of its time.
    """

    def author(index: int | None) -> str:
        if KEY not in root.services:
            raise PolicySignatureInvalid(
                "root.json names nobody who may sign policy", fix="found a new platform"
            )
        return root.services[KEY] if index is None else root.service_key(KEY, index)

    return author


class Shelf:
    """The bundles of one platform. `author` says whose signature counts; `fetch` asks identity for what is not here."""

    def __init__(self, folder: Path, author: Author, *, fetch: Fetch | None = None) -> None:
        self._folder = folder
        self._author = author
        self._fetch = fetch

    def put(self, archive: bytes, *, at: int | None = None) -> PolicyBundle:
        """Verify an archive and keep it, durably; raises PolicySignatureInvalid or PolicyBundleRefused.

        `at` is the entry of the policy fact that names it; without one, the author of what comes next must have signed.
        """
        bundle = PolicyBundle.verified(archive, self._author(at))
        path = self.path(bundle.digest)
        if not _is(path, bundle.digest):
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            fresh = path.with_name(f"{path.name}.{os.getpid()}.new")
            with fresh.open("wb") as file:
                file.write(archive)
                file.flush()
                os.fsync(file.fileno())
            fresh.rename(path)
        return bundle

    def get(self, digest: str, *, at: int | None = None) -> PolicyBundle:
        """Return a bundle, verified now; `at` as in `put`.

        Raises:
            PolicyBundleMissing: nobody has these bytes.
            PolicySignatureInvalid, PolicyBundleRefused: they are no policy by the root's key.
        """
        path = self.path(digest)
        if _is(path, digest):
            return PolicyBundle.verified(path.read_bytes(), self._author(at))
        if self._fetch is None:
            raise PolicyBundleMissing(f"there is no policy bundle {digest[:12]} in {self._folder}")
        archive = self._fetch(digest)
        if sha256_hex(archive) != digest:
            raise PolicyBundleMissing(f"what was given for policy bundle {digest[:12]} is something else")
        return self.put(archive, at=at)

    def archive(self, digest: str) -> bytes:
        """Return the bytes of that digest, for whoever verifies them; raises PolicyBundleMissing."""
        path = self.path(digest)
        if not _is(path, digest):
            raise PolicyBundleMissing(f"there is no policy bundle {digest[:12]} in {self._folder}")
        return path.read_bytes()

    def path(self, digest: str) -> Path:
        """Return where a bundle lies; raises BadRequest for what is no digest."""
        if _DIGEST.fullmatch(digest) is None:
            raise BadRequest(f"{digest[:80]!r} is no digest of a policy bundle")
        return self._folder / f"{digest}.tar.gz"


def _is(path: Path, digest: str) -> bool:
    try:
        return path.stat().st_size <= LARGEST and sha256_hex(path.read_bytes()) == digest
    except FileNotFoundError:
        return False
    except OSError as error:
        raise Unavailable(f"the policy bundle {path.name} cannot be read: {error}") from error
