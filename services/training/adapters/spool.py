"""Checkpoints of runs under way, in files that nobody but this process can open.

A checkpoint is needed until its run ends and never after: the key it is sealed with stays in memory, so that
ending the run, or this process, destroys it.
"""

from __future__ import annotations

import os
import shutil
import threading
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from assay.contracts import check_name

_NONCE = 12


@dataclass
class _Kept:
    key: AESGCM = field(default_factory=lambda: AESGCM(AESGCM.generate_key(256)))
    step: int = -1


class SealedSpool:
    """A `Checkpoints` over a folder; the newest checkpoint of each run is kept."""

    def __init__(self, folder: Path) -> None:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(mode=0o700, parents=True)
        self._folder = folder
        self._runs: dict[str, _Kept] = {}
        self._lock = threading.Lock()

    def keep(self, run: str, step: int, data: bytes) -> None:
        """See `ports.Checkpoints.keep`."""
        with self._lock:
            kept = self._runs.setdefault(run, _Kept())
            if step < kept.step:
                return
            nonce = os.urandom(_NONCE)
            path = self._path(run)
            partial = path.with_suffix(".partial")
            partial.write_bytes(nonce + kept.key.encrypt(nonce, data, run.encode()))
            partial.replace(path)
            kept.step = step

    def newest(self, run: str) -> bytes | None:
        """See `ports.Checkpoints.newest`."""
        with self._lock:
            kept = self._runs.get(run)
            if kept is None:
                return None
            sealed = self._path(run).read_bytes()
            return kept.key.decrypt(sealed[:_NONCE], sealed[_NONCE:], run.encode())

    def forget(self, run: str) -> None:
        """See `ports.Checkpoints.forget`."""
        with self._lock:
            self._runs.pop(run, None)
            self._path(run).unlink(missing_ok=True)

    def _path(self, run: str) -> Path:
        return self._folder / f"{check_name(run, 'run')}.sealed"
