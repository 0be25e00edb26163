"""Which local port an endpoint answers on: kept in a file, so that its address outlives restarts."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Final

from assay.contracts import strict_json
from assay.errors import BadRequest
from services.serving.domain import Place

HOST: Final = "127.0.0.1"


class Addresses:
    """Free ports of this machine, one for each endpoint; the same one again whenever it is free."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def url(self, place: Place) -> str | None:
        """Return where an endpoint answers, if it ever did."""
        port = self._kept(place)
        return f"https://{HOST}:{port}" if port else None

    def take(self, place: Place) -> int:
        """Return a port that is free now, the kept one when it is, and keep it."""
        kept = self._kept(place)
        port = kept if kept and _is_free(kept) else _free_port()
        path = self._path(place)
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        fresh = path.with_suffix(".new")
        fresh.write_text(str(port))
        fresh.replace(path)
        return port

    def _kept(self, place: Place) -> int | None:
        try:
            port = strict_json(self._path(place).read_bytes())
        except (FileNotFoundError, BadRequest):
            return None
        return port if isinstance(port, int) and 0 < port < 1 << 16 else None

    def _path(self, place: Place) -> Path:
        return self._folder / place.environment.value / f"{place.name}.port"


def _is_free(port: int) -> bool:
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((HOST, port))
        except OSError:
            return False
    return True


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind((HOST, 0))
        port: int = listener.getsockname()[1]
        return port
