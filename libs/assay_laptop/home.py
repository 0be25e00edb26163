"""A laptop home: one folder that holds everything the platform keeps, and the one long-lived secret, `unlock`.

What only lives while the platform runs (private keys, sockets, listener certificates) stands in the run folder,
on a memory file system where there is one, and is removed at stop.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from assay.errors import Conflict, NotFound

SERVICES = (
    "ledger",
    "witness",
    "identity",
    "ingestion",
    "features",
    "tracking",
    "training",
    "evaluator",
    "registry",
    "serving",
)
"""Every core service with a listener, in start order; `ledger`, then `witness`, the rest side by side."""


class HomeMissing(NotFound):
    """There is no platform in this folder yet."""

    fix = "run `assay init` (or `assay up`, which does it), or name another folder with --home"


class OtherServers(Conflict):
    """The home was made with other servers than those found now."""

    fix = "put the servers the home was made with back on the PATH (or in ASSAY_BIN), or make a new home"


@dataclass(frozen=True)
class Unlock:
    """The home's one long-lived secret: Vault's unseal key and the launcher's AppRole login."""

    unseal_key: str = field(repr=False)
    launcher_role_id: str
    launcher_secret_id: str = field(repr=False)


@dataclass(frozen=True)
class Home:
    """Paths and small documents of one home folder."""

    path: Path

    @classmethod
    def at(cls, path: str | os.PathLike[str] | None) -> Home:
        """Return the home at `path`, else at ASSAY_HOME, else `~/.assay`; nothing is created."""
        return cls(Path(path or os.environ.get("ASSAY_HOME") or Path.home() / ".assay").resolve())

    @property
    def root(self) -> Path:
        """The trust root, `root.json`: public."""
        return self.path / "root.json"

    @property
    def ca(self) -> Path:
        """The certificate of the platform's PKI root: public."""
        return self.path / "ca.pem"

    @property
    def policy(self) -> Path:
        """Signed policy bundles, by digest: public, and verified by whoever takes one."""
        return self.path / "policy"

    @property
    def client_file(self) -> Path:
        """What clients need to find the platform: names and addresses, no secret."""
        return self.path / "platform.json"

    @property
    def telemetry(self) -> Path:
        """Spans as JSON lines, one file a part."""
        return self.path / "telemetry"

    @property
    def logs(self) -> Path:
        """What each part wrote to its standard error."""
        return self.path / "logs"

    @property
    def run(self) -> Path:
        """The run folder of this home, outside it where the machine has a memory file system."""
        name = f"assay-{os.getuid()}-{hashlib.sha256(str(self.path).encode()).hexdigest()[:12]}"
        shm = Path("/dev/shm")  # noqa: S108 - the folder below is made 0700 and checked to be ours
        return shm / name if os.access(shm, os.W_OK) else self.path / "run"

    @property
    def witness(self) -> Path:
        """The witness's folder: beside the home, so that no copy of the home takes it along."""
        return self.path.with_name(self.path.name + "-witness")

    def data(self, part: str) -> Path:
        """The folder a part keeps its own state in."""
        if part == "witness":
            return self.witness
        return self.path / "data" / part

    def person(self, name: str) -> Path:
        """The folder of a person of the demonstration: software passkey and certificate."""
        return self.path / "people" / name

    def make(self) -> None:
        """Make the folder, for its owner alone; one that is there already stays as its owner made it."""
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)

    def make_run(self) -> Path:
        """Make the run folder anew, 0700 and ours; a leftover of a crash is removed."""
        shutil.rmtree(self.run, ignore_errors=True)
        self.run.mkdir(mode=0o700, parents=True)
        return self.run

    def describe(self) -> dict[str, Any]:
        """Return what the home remembers of its making: servers, ports, trust domain."""
        try:
            found: dict[str, Any] = json.loads((self.path / "home.json").read_text())
        except FileNotFoundError as error:
            raise HomeMissing(f"no platform in {self.path}") from error
        return found

    def remember(self, **known: Any) -> None:  # noqa: ANN401 - JSON members
        """Write what the home remembers, all at once."""
        write_atomically(self.path / "home.json", json.dumps(known, indent=1).encode())

    def unlock(self) -> Unlock:
        """Read the home's secret."""
        try:
            return Unlock(**json.loads((self.path / "unlock").read_text()))
        except FileNotFoundError as error:
            raise HomeMissing(f"{self.path} has no `unlock`") from error

    def keep_unlock(self, unlock: Unlock) -> None:
        """Write the home's secret, mode 0600."""
        write_atomically(self.path / "unlock", json.dumps(unlock.__dict__).encode(), mode=0o600)


def write_atomically(path: Path, data: bytes, *, mode: int = 0o644) -> None:
    """Write a file whole or not at all; what a crash left beside it is not written into."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".partial")
    partial.unlink(missing_ok=True)
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)
