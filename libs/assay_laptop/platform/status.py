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
    born: str  # when that process began, so that a later process with its number is not mistaken for it
    servers: dict[str, str]  # vault, opa -> program and version
    parts: dict[str, dict[str, Any]]
    up: bool  # whether every part has been started and was ready

    @property
    def alive(self) -> bool:
        """Whether the supervisor that wrote this still runs."""
        return self.born != "" and _birth_of(self.pid) == self.born


def of_this_process(servers: dict[str, str], parts: dict[str, dict[str, Any]], *, up: bool) -> Status:
    """Return the status this process, the supervisor, has to tell."""
    return Status(os.getpid(), _birth_of(os.getpid()), servers, parts, up)


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
    except (FileNotFoundError, ValueError, TypeError):
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
    if refusal := part.get("refused", {}).get("refusal"):
        state += f" ({refusal})"
    return (
        name,
        state,
        certificate.get("identity", ""),
        life,
        str(part.get("version", {}).get("version", "")),
        started,
        _memory(part.get("pid")),
    )


def strangers(name: str, part: dict[str, Any]) -> list[str]:
    """Return a line for each listener of a part at which somebody failed to prove who they are."""
    said = {key.partition(":")[2]: event for key, event in part.items() if key.startswith("strangers:")}
    return [
        f"{name}: {event['total']} strangers refused at listener {listener} ("
        + ", ".join(f"{count} {reason}" for reason, count in sorted(event["counts"].items()))
        + ")"
        for listener, event in sorted(said.items())
    ]


def _memory(pid: int | None) -> str:
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except (OSError, IndexError, ValueError):
        return ""
    return f"{pages * os.sysconf('SC_PAGE_SIZE') // 2**20} MiB"


def _birth_of(pid: int) -> str:
    """Return when a process began, in ticks since the machine did; "" when there is none."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return ""
