"""What the supervisor writes down for `assay status` and `assay down`, and reading it back."""

from __future__ import annotations

import json
import os
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from assay_laptop.home import Home, write_atomically


@dataclass(frozen=True)
class Status:
    """The supervisor's word: its process, its servers, and each part."""

    pid: int
    servers: dict[str, str]  # vault, opa -> program and version
    parts: dict[str, dict[str, Any]]

    @property
    def alive(self) -> bool:
        """Whether the supervisor that wrote this still runs."""
        try:
            os.kill(self.pid, 0)
        except OSError:
            return False
        return "supervisor" in _command_line(self.pid) or "assay" in _command_line(self.pid)


def own_pid() -> int:
    """Return the process that writes."""
    return os.getpid()


def path_of(home: Home) -> Path:
    """Return where the supervisor of a home writes."""
    return home.run / "status.json"


def write(home: Home, status: Status) -> None:
    """Write the status whole."""
    write_atomically(path_of(home), json.dumps(status.__dict__).encode(), mode=0o600)


def read(home: Home) -> Status | None:
    """Return the status of a running platform, or None when none runs."""
    try:
        status = Status(**json.loads(path_of(home).read_text()))
    except (FileNotFoundError, ValueError):
        return None
    return status if status.alive else None


def row(name: str, part: dict[str, Any], now: float | None = None) -> tuple[str, ...]:
    """Return one line of the table: part, state, identity, certificate's life, version, started, memory."""
    now = time.time() if now is None else now
    certificate = part.get("certificate", {})
    life = ""
    if "not_after" in certificate:
        ends = datetime.fromisoformat(certificate["not_after"])
        life = f"{max(0, int(ends.timestamp() - now))} s"
    started = (
        datetime.fromtimestamp(part["started"], tz=UTC).strftime("%H:%M:%S") if part.get("started") else ""
    )
    state = part["state"] + (f" ({part['restarts']} restarts)" if part.get("restarts") else "")
    return (
        name,
        state,
        certificate.get("identity", ""),
        life,
        str(part.get("version", {}).get("version", "")),
        started,
        _memory(part.get("pid")),
    )


def _memory(pid: int | None) -> str:
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except (OSError, IndexError, ValueError):
        return ""
    return f"{pages * os.sysconf('SC_PAGE_SIZE') // 2**20} MiB"


def _command_line(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return "assay"  # no /proc: the signal alone has to do
