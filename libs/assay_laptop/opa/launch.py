"""How to start OPA on this machine: the real server where `opa` is found, else the built-in one.

Either serves on loopback, with the certificate of `/svc/core/opa`, which whoever starts it fetches and renews
in place (write beside, then rename); both take up the new files by themselves.
"""

from __future__ import annotations

import json
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from assay.policy import revision_of
from assay_laptop.opa.build import WASM, check
from assay_laptop.opa.find import find_opa, folder, version_of

__all__ = ["Files", "command", "describe", "find_opa", "folder"]

_REFRESH: Final = "2s"  # how often the real server looks for a renewed certificate
_GRACE: Final = "2"  # seconds for questions under way when it is ended
_NO_RULES: Final = ("*_test.rego", "*.wasm", "server")  # what lies beside the rules


@dataclass(frozen=True)
class Files:
    """PEM files of the listener: certificate (leaf and chain), its key, and the authority of clients."""

    certificate: Path
    key: Path
    ca: Path


def command(
    opa: Path | None,
    files: Files,
    *,
    port: int,
    trust_domain: str,
    run_dir: Path,
    policy: Path | None = None,
) -> list[str]:
    """Return the command that serves the policy (`infra/opa` unless told); `run_dir` is private and exists.

    Raises:
        StalePolicy: policy.wasm is not of the sources beside it, so the two servers would differ.
    """
    policy = policy or folder()
    check(policy)
    if opa is None:
        return _built_in(files, port, policy)
    return _real(opa, files, port, policy, _admission(policy, run_dir, trust_domain))


def describe(opa: Path | None, policy: Path | None = None) -> str:
    """Return which server it is and the policy's revision, for people."""
    revision = revision_of((policy or folder()) / WASM)[:12]
    return f"{f'opa {version_of(opa)}' if opa else 'built-in development OPA'}, policy {revision}"


def _built_in(files: Files, port: int, policy: Path) -> list[str]:
    paths = {"cert": files.certificate, "key": files.key, "ca": files.ca, "wasm": policy / WASM}
    named = [argument for name, path in paths.items() for argument in (f"--{name}", str(path))]
    return [sys.executable, "-m", "assay_laptop.opa", "--port", str(port), *named]


def _real(opa: Path, files: Files, port: int, policy: Path, admission: Path) -> list[str]:
    return [
        *(str(opa), "run", "--server", "--addr", f"127.0.0.1:{port}"),
        *("--tls-cert-file", str(files.certificate), "--tls-private-key-file", str(files.key)),
        *("--tls-ca-cert-file", str(files.ca), "--tls-cert-refresh-period", _REFRESH),
        *("--min-tls-version", "1.3", "--authentication", "tls", "--authorization", "basic"),
        *("--log-level", "error", "--skip-version-check", "--shutdown-grace-period", _GRACE),
        *(argument for name in _NO_RULES for argument in ("--ignore", name)),
        *("--bundle", str(policy), str(admission)),
    ]


def _admission(policy: Path, run_dir: Path, trust_domain: str) -> Path:
    """Write the bundle that says whom OPA answers.

    It owns the root `system` and our rules the root `assay`: a bundle without roots would own both, and erase
    the other without a word.
    """
    bundle = run_dir / "admission"
    bundle.mkdir(mode=0o700, exist_ok=True)
    shutil.copyfile(policy / "server" / "admission.rego", bundle / "admission.rego")
    (bundle / "data.json").write_text(json.dumps({"system": {"trust_domain": trust_domain}}))
    (bundle / ".manifest").write_text(json.dumps({"roots": ["system"], "rego_version": 1}))
    return bundle
