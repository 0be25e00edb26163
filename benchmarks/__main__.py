"""`python -m benchmarks [NAME …]`: run every benchmark, or the named ones, one after the other."""

from __future__ import annotations

import os
import platform
import sys
from importlib import import_module
from pathlib import Path

from benchmarks.report import show

RUNNING = {"__init__", "__main__", "report"}


def names() -> list[str]:
    """Return every benchmark there is."""
    return sorted(path.stem for path in Path(__file__).parent.glob("*.py") if path.stem not in RUNNING)


def main(wanted: list[str]) -> int:
    """Run the wanted benchmarks; return the exit status."""
    known = names()
    if unknown := sorted(set(wanted) - set(known)):
        print(f"no benchmark {', '.join(unknown)}; there are {', '.join(known)}")
        return 2
    print(
        f"{os.cpu_count()} cores, Python {platform.python_version()}, {platform.system()} {platform.release()}"
    )
    for name in wanted or known:
        show(name, import_module(f"benchmarks.{name}").run())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
