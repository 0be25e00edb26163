"""`assay doctor`: what this machine and this home need, each check with its fix."""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from assay.errors import ServiceError
from assay.ledger import Root
from assay_laptop.home import Home, HomeMissing
from assay_laptop.witness import examine as examine_witness

FREE_GIB = 4
MEMORY_GIB = 6
PYTHON = (3, 11)
OWNER_ONLY = 0o600


@dataclass(frozen=True)
class Finding:
    """One check and what was found."""

    check: str
    ok: bool
    found: str
    fix: str = ""


def examine(home: Home) -> list[Finding]:
    """Run every check; none changes anything."""
    return [_python(), _memory(), _disk(home), _environment(), *_home(home)]


def _python() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    return Finding(
        "Python", sys.version_info[:2] == PYTHON, version, "use Python 3.11: the locks are made for it"
    )


def _memory() -> Finding:
    gib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return Finding(
        "memory", gib >= MEMORY_GIB, f"{gib:.0f} GiB", f"the platform and one run need {MEMORY_GIB} GiB"
    )


def _disk(home: Home) -> Finding:
    place = next(p for p in (home.path, *home.path.parents) if p.exists())
    gib = shutil.disk_usage(place).free / 2**30
    return Finding("disk", gib >= FREE_GIB, f"{gib:.0f} GiB free at {place}", f"free {FREE_GIB} GiB")


def _environment() -> Finding:
    proxies = [n for n in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY") if os.environ.get(n)]
    open_to_loopback = "127.0.0.1" in os.environ.get("NO_PROXY", os.environ.get("no_proxy", ""))
    return Finding(
        "proxy",
        not proxies or open_to_loopback,
        ", ".join(proxies) or "none set",
        "set NO_PROXY=127.0.0.1,localhost: an MLflow client obeys proxies (ours never do)",
    )


def _home(home: Home) -> list[Finding]:
    try:
        home.describe()
    except HomeMissing as missing:
        return [Finding("home", ok=True, found=f"{missing.detail}; `assay up` makes one")]
    return [_unlock(home.path / "unlock"), _root(home), _witness(home)]


def _unlock(path: Path) -> Finding:
    try:
        mode = path.stat().st_mode & 0o777
    except FileNotFoundError:
        return Finding("unlock", ok=False, found="none", fix="restore it: Vault stays sealed without it")
    return Finding("unlock", mode == OWNER_ONLY, f"mode {mode:03o}", f"chmod 600 {path}")


def _witness(home: Home) -> Finding:
    try:
        root = Root.load(home.root)
        if not root.authority.quorum:
            return Finding("witness", ok=True, found="none: the root asks for none")
        last = examine_witness(home, root)
    except (ServiceError, OSError) as error:
        fix = getattr(error, "fix", f"look at {home.witness}")
        return Finding("witness", ok=False, found=str(error), fix=fix)
    if open_to_others := [p.name for p in home.witness.iterdir() if p.stat().st_mode & 0o077]:
        names = ", ".join(sorted(open_to_others))
        return Finding(
            "witness", ok=False, found=f"others may read {names}", fix=f"chmod 600 {home.witness}/*"
        )
    said = "told to begin" if last is None else f"cosigned {last.size} entries"
    return Finding("witness", ok=True, found=f"{said}; {home.witness}")


def _root(home: Home) -> Finding:
    try:
        root = Root.load(home.root)
    except (ServiceError, OSError) as error:
        return Finding("trust root", ok=False, found=str(error), fix="restore root.json from a pinned copy")
    kind = "demonstration (software passkeys)" if root.demonstration else "production"
    return Finding(
        "trust root",
        ok=True,
        found=f"{kind}, fingerprint {root.fingerprint[:16]}, until {root.expires:%Y-%m-%d}",
    )
