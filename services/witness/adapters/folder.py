"""The witness's folder: `key.pem` and `state.json`, its owner's alone.

`state.json` is `{"cosigned": note}`, or `{"cosigned": null}` in a folder that was told to begin.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from services.witness.errors import StateLost

OWNER_ONLY = 0o600


class Folder:
    """A `Kept` in a folder."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._private: Ed25519PrivateKey | None = None

    @classmethod
    def make(cls, path: Path) -> Folder:
        """Return the folder, made with a new key and told to begin; what is there already stays."""
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder = cls(path)
        if not folder._key.exists():
            pem = Ed25519PrivateKey.generate().private_bytes(
                Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
            )
            folder._write(folder._key, pem)
            folder.begin()
        return folder

    @property
    def _key(self) -> Path:
        return self._path / "key.pem"

    @property
    def _state(self) -> Path:
        return self._path / "state.json"

    def begin(self) -> None:
        """Forget what was cosigned: whatever the log shows next is the beginning."""
        self._write(self._state, json.dumps({"cosigned": None}).encode())

    def sign(self, data: bytes) -> bytes:
        """See `Kept.sign`."""
        return self._load().sign(data)

    def public_key(self) -> str:
        """See `Kept.public_key`."""
        public = self._load().public_key()
        return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()

    def last(self) -> str | None:
        """See `Kept.last`."""
        try:
            cosigned = json.loads(self._state.read_bytes())["cosigned"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise StateLost(f"{self._state} does not say what was cosigned last: {error!r}") from error
        if cosigned is not None and not isinstance(cosigned, str):
            raise StateLost(f"{self._state} does not say what was cosigned last")
        return cosigned

    def keep(self, note: str) -> None:
        """See `Kept.keep`."""
        self._write(self._state, json.dumps({"cosigned": note}).encode())

    def _load(self) -> Ed25519PrivateKey:
        if self._private is None:
            try:
                key = load_pem_private_key(self._key.read_bytes(), None)
            except (OSError, ValueError) as error:
                raise StateLost(f"{self._key} is no key: {error}") from error
            if not isinstance(key, Ed25519PrivateKey):
                raise StateLost(f"{self._key} is no Ed25519 key")
            self._private = key
        return self._private

    def _write(self, path: Path, data: bytes) -> None:
        """Write a file whole or not at all, and on the disk before this returns."""
        partial = path.with_name(path.name + ".partial")
        partial.unlink(missing_ok=True)
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, OWNER_ONLY)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
        folder = os.open(self._path, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
