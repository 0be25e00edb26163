"""Where a platform is and whom to trust there: what a client needs before it can log in. No secret."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assay.errors import NotFound


class PlatformUnknown(NotFound):
    """There is no description of a platform here."""

    fix = "start one with `assay up`, or point ASSAY_HOME (or --home) at the folder that holds platform.json"


@dataclass(frozen=True)
class Platform:
    """A platform's addresses and trust anchors, and the folder this client keeps its own memory in."""

    home: Path
    trust_domain: str
    ca: Path
    root: Path
    urls: dict[str, str]  # service -> https://host:port
    tenant: str = "demo"  # the platform's own

    @classmethod
    def load(cls, home: str | os.PathLike[str] | None = None) -> Platform:
        """Read `platform.json` from `home`, else from ASSAY_HOME, else from `~/.assay`."""
        folder = Path(home or os.environ.get("ASSAY_HOME") or Path.home() / ".assay").resolve()
        try:
            found: dict[str, Any] = json.loads((folder / "platform.json").read_text())
            return cls(
                home=folder,
                trust_domain=found["trust_domain"],
                ca=folder / found["ca"],
                root=folder / found["root"],
                urls=found["urls"],
                tenant=found.get("tenant", "demo"),
            )
        except FileNotFoundError as error:
            raise PlatformUnknown(f"no platform.json in {folder}") from error
        except (ValueError, KeyError, TypeError) as error:
            raise PlatformUnknown(f"platform.json in {folder} is damaged: {error!r}") from error

    def person(self, name: str) -> Path:
        """The folder a person's certificate is kept in."""
        return self.home / "people" / name
