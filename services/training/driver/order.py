"""What a run's process is told, as one line of JSON on its standard input."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self


@dataclass(frozen=True)
class RunOrder:
    """One run: what to train and whom to ask. `order` is the signed order (JWS) that features honours.

    `folder` is the run's own: certificate, cluster TLS, token, source; it is removed when the run ends.
    """

    run: str
    folder: str
    entry: str
    parameters: Mapping[str, Any]
    workers: int
    seed: int
    max_failures: int
    features: tuple[str, ...]
    order: str
    features_url: str
    training_url: str
    traceparent: str
    gpu: bool = False

    def line(self) -> bytes:
        """Return the order as the line the driver reads."""
        return json.dumps(dataclasses.asdict(self)).encode() + b"\n"

    @classmethod
    def read(cls, line: bytes | str) -> Self:
        """Read an order back."""
        told = json.loads(line)
        return cls(**{**told, "features": tuple(told["features"])})

    @property
    def home(self) -> Path:
        """The run's folder."""
        return Path(self.folder)

    @property
    def source(self) -> Path:
        """The folder of the posted code."""
        return self.home / "source"
