"""A folder for each run, in memory where the machine has a memory file system, gone when the run is.

Ray puts unix sockets into it, whose paths may be 107 letters long at most: where the service's own run folder
is too deep, a short one beside it is taken, named after it so that the next start finds what a crash left.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from assay.contracts import sha256_hex
from assay.identity.holder import write_private
from services.training.authority import ClusterTls
from services.training.ports import Credentials
from services.training.source import Source

ROOM: Final = 30  # letters; the rest of 103 is Ray's session, its sockets and the run's own folder
_MEMORY: Final = (Path("/dev/shm"), Path("/tmp"))  # noqa: S108 - the folder below is made 0700 and must be ours


@dataclass(frozen=True)
class RunFolders:
    """Folders under one root, each 0700."""

    root: Path

    @classmethod
    def at(cls, run_dir: Path) -> Self:
        """Return empty folders for the service whose run folder this is; leftovers of a crash are removed."""
        root = run_dir / "r"
        if len(str(root)) > ROOM:
            memory = next(folder for folder in _MEMORY if os.access(folder, os.W_OK))
            root = memory / f"assay-r-{sha256_hex(str(run_dir.resolve()).encode())[:10]}"
        shutil.rmtree(root, ignore_errors=True)
        root.mkdir(mode=0o700, parents=True)
        return cls(root)

    def make(
        self, run: str, source: Source, credentials: Credentials, tls: ClusterTls, *, ca: str, token: str
    ) -> Path:
        """Make a run's folder with what its processes need: certificate, cluster TLS, token, source."""
        folder = self.of(run)
        folder.mkdir(mode=0o700)
        for name, text in {
            "identity.key": credentials.key_pem,
            "identity.pem": credentials.chain_pem,
            "ca.pem": ca,
            "cluster-ca.pem": tls.ca_pem,
            "cluster.pem": tls.certificate_pem,
            "cluster.key": tls.key_pem,
            "token": token,
        }.items():
            write_private(folder / name, text)
        for path, text in source.files.items():
            write_private(folder / "source" / path, text)
        return folder

    def of(self, run: str) -> Path:
        """Return a run's folder."""
        return self.root / run.rpartition("-")[2][:8]

    def remove(self, run: str) -> None:
        """Remove a run's folder and everything in it."""
        shutil.rmtree(self.of(run), ignore_errors=True)

    def close(self) -> None:
        """Remove the root."""
        shutil.rmtree(self.root, ignore_errors=True)
