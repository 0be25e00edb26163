"""Sealed storage: one file an entry, encrypted and named by keys that only the unseal key opens.

`seal.json` holds the barrier key, encrypted by the unseal key. An entry's file name is a keyed hash of its path and
bound into its ciphertext, so a file moved over another does not open. Writes are durable before they are answered.
"""

from __future__ import annotations

import fcntl
import hashlib
import hmac
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from assay_laptop.vault.server.calls import Refused

_NONCE = 12
_KEY = 32


class Barrier:
    """A folder of encrypted entries: path -> JSON value. All of it is in memory while unsealed."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._seal_file = folder / "seal.json"
        self._folder = folder / "entries"
        self._folder.mkdir(mode=0o700, exist_ok=True)
        self._lock = (folder / "lock").open("w")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            self._lock.close()
            raise SystemExit(f"another server has {folder} open") from error
        self._key: bytes | None = None
        self._entries: dict[str, Any] = {}

    @property
    def initialized(self) -> bool:
        """Whether there is a seal at all."""
        return self._seal_file.exists()

    @property
    def sealed(self) -> bool:
        """Whether the entries cannot be read now."""
        return self._key is None

    def initialise(self) -> str:
        """Make the seal of an empty storage, and return the unseal key in hex; it stays sealed."""
        unseal_key = os.urandom(_KEY)
        wrapped = _encrypt(unseal_key, os.urandom(_KEY), b"seal")
        _write(self._seal_file, json.dumps({"barrier": wrapped.hex()}).encode())
        return unseal_key.hex()

    def opens(self, unseal_key: str) -> bool:
        """Whether this is the unseal key."""
        return self._barrier_key(unseal_key) is not None

    def unseal(self, unseal_key: str) -> None:
        """Read every entry into memory; raises Refused for a wrong key or a changed entry."""
        key = self._barrier_key(unseal_key)
        if key is None:
            raise Refused(400, "unable to retrieve stored keys: invalid key: message authentication failed")
        entry_key = _derived(key, b"entries")
        self._entries = dict(
            _read(path, entry_key) for path in self._folder.iterdir() if path.suffix == ".entry"
        )
        self._key = key

    def seal(self) -> None:
        """Forget the key and everything read with it."""
        self._key = None
        self._entries = {}

    def close(self) -> None:
        """Seal, and let another server open the folder."""
        self.seal()
        self._lock.close()

    def get(self, path: str) -> Any | None:  # noqa: ANN401 - a JSON value
        """Return the value at a path, None when there is none."""
        return self._entries.get(path)

    def put(self, path: str, value: Any) -> None:  # noqa: ANN401 - a JSON value
        """Keep a value; on disk when this returns."""
        if self._entries.get(path) == value:
            return
        name = self._name(path)
        plaintext = json.dumps({"path": path, "value": value}).encode()
        _write(self._folder / name, _encrypt(_derived(self._opened(), b"entries"), plaintext, name.encode()))
        self._entries[path] = value

    def delete(self, path: str) -> None:
        """Forget a value: its ciphertext is overwritten before the file goes."""
        if self._entries.pop(path, None) is None:
            return
        file = self._folder / self._name(path)
        with file.open("r+b") as entry:
            entry.write(bytes(file.stat().st_size))
            os.fsync(entry.fileno())
        file.unlink()
        _sync_folder(self._folder)

    def under(self, prefix: str) -> Iterator[tuple[str, Any]]:
        """Yield (path, value) of every entry below a prefix, as they were at the call."""
        yield from [(path, value) for path, value in self._entries.items() if path.startswith(prefix)]

    def _name(self, path: str) -> str:
        return hmac.digest(_derived(self._opened(), b"names"), path.encode(), hashlib.sha256).hex() + ".entry"

    def _opened(self) -> bytes:
        if self._key is None:
            raise Refused(503, "Vault is sealed")
        return self._key

    def _barrier_key(self, unseal_key: str) -> bytes | None:
        try:
            wrapped = bytes.fromhex(json.loads(self._seal_file.read_bytes())["barrier"])
            return _decrypt(bytes.fromhex(unseal_key), wrapped, b"seal")
        except (ValueError, InvalidTag):
            return None


def _derived(key: bytes, purpose: bytes) -> bytes:
    return HKDF(SHA256(), _KEY, None, purpose).derive(key)


def _encrypt(key: bytes, plaintext: bytes, bound_to: bytes) -> bytes:
    nonce = os.urandom(_NONCE)
    return nonce + AESGCM(key).encrypt(nonce, plaintext, bound_to)


def _decrypt(key: bytes, data: bytes, bound_to: bytes) -> bytes:
    return AESGCM(key).decrypt(data[:_NONCE], data[_NONCE:], bound_to)


def _read(file: Path, key: bytes) -> tuple[str, Any]:
    try:
        entry = json.loads(_decrypt(key, file.read_bytes(), file.name.encode()))
    except InvalidTag as error:
        raise Refused(500, f"storage entry {file.name[:16]} was changed") from error
    return entry["path"], entry["value"]


def _write(file: Path, data: bytes) -> None:
    partial = file.with_suffix(".partial")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as opened:
        opened.write(data)
        opened.flush()
        os.fsync(opened.fileno())
    partial.replace(file)
    _sync_folder(file.parent)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
