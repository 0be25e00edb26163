"""Posted code: what may be a training script, before anybody runs it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Self

from assay.contracts import canonical, sha256_hex
from services.training.errors import BadSource

MAX_FILES: Final = 50
MAX_BYTES: Final = 1 << 20
_PATH: Final = re.compile(
    r"(?:[A-Za-z_][A-Za-z0-9_]{0,62}/){0,3}[A-Za-z_][A-Za-z0-9_]{0,62}\.(?:py|json|toml|txt)"
)


@dataclass(frozen=True)
class Source:
    """The text files of a run's code, by relative path; `entry` defines `train(run)`."""

    files: Mapping[str, str]
    entry: str

    @classmethod
    def checked(cls, files: Mapping[str, str], entry: str) -> Self:
        """Return the source when its paths are plain and its size is a script's; the code is not looked at.

        Raises:
            BadSource: it is none.
        """
        if not 0 < len(files) <= MAX_FILES:
            raise BadSource(f"{len(files)} files; 1 to {MAX_FILES} are taken")
        odd = [path for path in files if not _PATH.fullmatch(path)]
        if odd:
            raise BadSource(f"{odd[0][:120]!r} is no plain relative path of a text file")
        if sum(len(text.encode()) for text in files.values()) > MAX_BYTES:
            raise BadSource(f"the source is larger than {MAX_BYTES >> 20} MiB")
        if entry not in files or not entry.endswith(".py") or "/" in entry:
            raise BadSource(f"the entry {entry[:120]!r} is no Python file at the top of the source")
        return cls(dict(files), entry)

    @property
    def digests(self) -> dict[str, str]:
        """SHA-256 of each file, by path."""
        return {path: sha256_hex(text.encode()) for path, text in sorted(self.files.items())}

    def document(self) -> bytes:
        """Return the files as canonical JSON: what is kept, under its digest."""
        return canonical(dict(self.files))
