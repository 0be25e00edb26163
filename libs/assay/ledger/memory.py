"""What we last saw of a log."""

from __future__ import annotations

from pathlib import Path


class CheckpointMemory:
    """The largest checkpoint seen, on disk when there is a path: a log that contradicts it is refused."""

    def __init__(self, path: Path | None = None) -> None:
        raise NotImplementedError
