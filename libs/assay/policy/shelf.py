"""Where policy bundles lie: a folder of `<digest>.tar.gz`, and identity's route for whoever has no such folder.

Content-addressed, so a wrong file is no file; what is taken from here is verified each time.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from assay.contracts import sha256_hex
from assay.errors import BadRequest, NotFound, Unavailable
from assay.policy.bundle import KEY, LARGEST, PolicyBundle, PolicySignatureInvalid

_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
Fetch = Callable[[str], bytes]


class PolicyBundleMissing(NotFound):
    """Nobody here has the bundle of that digest."""

    fix = "put the archive back as <digest>.tar.gz into the platform's policy folder, from the backup or its author"


def policy_key(services: Mapping[str, str]) -> str:
    """Return the key (PEM) that a root's services name for policy; raises PolicySignatureInvalid."""
    if KEY not in services:
        raise PolicySignatureInvalid("root.json names nobody who may sign policy", fix="found a new platform")
    return services[KEY]


class Shelf:
    """The bundles of one platform. `fetch` asks identity for what the folder lacks."""

    def __init__(self, folder: Path, public_key_pem: str, *, fetch: Fetch | None = None) -> None:
        self._folder = folder
        self._key = public_key_pem
        self._fetch = fetch

    def put(self, archive: bytes) -> PolicyBundle:
        """Verify an archive and keep it, durably; raises PolicySignatureInvalid or PolicyBundleRefused."""
        bundle = PolicyBundle.verified(archive, self._key)
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

    def get(self, digest: str) -> PolicyBundle:
        """Return a bundle, verified now.

        Raises:
            PolicyBundleMissing: nobody has these bytes.
            PolicySignatureInvalid, PolicyBundleRefused: they are no policy by the root's key.
        """
        path = self.path(digest)
        if _is(path, digest):
            return PolicyBundle.verified(path.read_bytes(), self._key)
        if self._fetch is None:
            raise PolicyBundleMissing(f"there is no policy bundle {digest[:12]} in {self._folder}")
        archive = self._fetch(digest)
        if sha256_hex(archive) != digest:
            raise PolicyBundleMissing(f"what was given for policy bundle {digest[:12]} is something else")
        return self.put(archive)

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
