"""The object store: one API for a folder, S3, GCS and Azure, with create-only writes.

An object never changes: writing the same bytes again is fine, writing others is a Conflict. Addressed objects
are kept under their SHA-256 and checked whenever they are read.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote, urlparse

from assay.contracts import sha256_hex
from assay.errors import BadRequest, Conflict, NotFound, SignatureInvalid, Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator

_SEGMENT: Final = re.compile(r"[A-Za-z0-9_@-][A-Za-z0-9._@-]{0,199}")
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")


class Objects:
    """Immutable bytes under slash-separated keys.

    `url` is `file:///folder` (made when missing), `s3://…`, `gs://…`, `az://…` or `memory:///`.
    """

    def __init__(self, url: str) -> None:
        from obstore.store import LocalStore, from_url

        self._folder: Path | None = None
        if url.startswith("file://"):
            self._folder = Path(unquote(urlparse(url).path))
            self._store = LocalStore(self._folder, mkdir=True)
        else:
            self._store = from_url(url)

    def put(self, key: str, data: bytes) -> None:
        """Create an object, durably; the same bytes again are fine.

        Raises:
            Conflict: the key holds other bytes.
        """
        import obstore
        from obstore.exceptions import AlreadyExistsError, BaseError

        try:
            obstore.put(self._store, _checked(key), data, mode="create", use_multipart=False)
        except AlreadyExistsError:
            if self.get(key) != data:
                raise Conflict(
                    f"object {key} exists with other bytes",
                    fix="write under another key; objects never change",
                ) from None
        except BaseError as error:
            raise Unavailable(f"the object store did not take {key}: {_first_line(error)}") from error
        if self._folder is not None:
            _sync(self._folder, key)

    def get(self, key: str) -> bytes:
        """Return an object's bytes; raises NotFound."""
        import obstore
        from obstore.exceptions import BaseError

        try:
            return bytes(obstore.get(self._store, _checked(key)).bytes())
        except FileNotFoundError as error:  # obstore's NotFoundError is one
            raise NotFound(f"there is no object {key}") from error
        except BaseError as error:
            raise Unavailable(f"the object store did not give {key}: {_first_line(error)}") from error

    def find(self, key: str) -> bytes | None:
        """Return an object's bytes, or None when there is none."""
        try:
            return self.get(key)
        except NotFound:
            return None

    def keys(self, prefix: str) -> Iterator[str]:
        """Yield the keys under a folder-like prefix, in no particular order."""
        import obstore

        for page in obstore.list(self._store, prefix=_checked(prefix.rstrip("/"))):
            yield from (str(entry["path"]) for entry in page)

    def delete(self, key: str) -> None:
        """Remove an object; removing what is not there is fine."""
        import obstore
        from obstore.exceptions import BaseError

        try:
            obstore.delete(self._store, _checked(key))
        except FileNotFoundError:
            return
        except BaseError as error:
            raise Unavailable(f"the object store did not remove {key}: {_first_line(error)}") from error

    def put_addressed(self, data: bytes) -> str:
        """Keep bytes under their SHA-256 and return it, 64 hex digits."""
        digest = sha256_hex(data)
        self.put(_address(digest), data)
        return digest

    def get_addressed(self, digest: str) -> bytes:
        """Return the bytes with this SHA-256.

        Raises:
            NotFound: there are none.
            SignatureInvalid: what is stored there has another digest.
        """
        data = self.get(_address(digest))
        if sha256_hex(data) != digest:
            raise SignatureInvalid(f"the bytes stored as {digest} have another SHA-256")
        return data

    def delete_addressed(self, digest: str) -> None:
        """Remove the bytes with this SHA-256; removing what is not there is fine."""
        self.delete(_address(digest))


def _address(digest: str) -> str:
    if not _DIGEST.fullmatch(digest):
        raise BadRequest(f"{digest[:80]!r} is not a SHA-256 in hex")
    return f"sha256/{digest[:2]}/{digest}"


def _checked(key: str) -> str:
    if not all(_SEGMENT.fullmatch(segment) for segment in key.split("/")):
        raise BadRequest(f"{key[:200]!r} is not an object key", fix="use letters, digits and ._@- between /")
    return key


def _sync(folder: Path, key: str) -> None:
    """Make a file and the folders it is in survive a power cut; obstore writes them without doing so."""
    path = folder / key
    for target in (path, *list(path.parents)[: key.count("/") + 1]):
        descriptor = os.open(target, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0][:200]
