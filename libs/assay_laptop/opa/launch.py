"""How to start OPA on this machine: the real server where `opa` is found, else the built-in one.

Either serves on loopback, with the certificate of `/svc/core/opa`, which whoever starts it fetches and renews
in place (write beside, then rename), and runs on the signed bundle of a `Feed`; both take up new certificates and
bundles by themselves, and verify a bundle's signature with the key that root.json names for policy.
"""

from __future__ import annotations

import json
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from assay.policy.bundle import KEY
from assay_laptop.opa.feed import PATH, Feed
from assay_laptop.opa.find import find_opa, folder, version_of

__all__ = ["Files", "command", "describe", "find_opa", "folder"]

_REFRESH: Final = "2s"  # how often the real server looks for a renewed certificate
_POLL_SECONDS: Final = 1  # how often the real server asks for another bundle
_GRACE: Final = "2"  # seconds for questions under way when it is ended


@dataclass(frozen=True)
class Files:
    """PEM files of the listener: certificate (leaf and chain), its key, and the authority of clients."""

    certificate: Path
    key: Path
    ca: Path


def command(
    opa: Path | None,
    files: Files,
    feed: Feed,
    *,
    policy_key_pem: str,
    port: int,
    trust_domain: str,
    run_dir: Path,
) -> list[str]:
    """Return the command that serves the feed's policy; `run_dir` is private and exists.

    Raises:
        Unavailable: the feed has no verified policy to start with.
    """
    _ = feed.offered
    if opa is None:
        key = run_dir / "policy-key.pem"
        key.write_text(policy_key_pem)
        return _built_in(files, port, feed.file, key)
    config = run_dir / "opa.json"
    config.write_text(json.dumps(_config(files, feed.url, policy_key_pem)))
    return _real(opa, files, port, config, _admission(run_dir, trust_domain))


def describe(opa: Path | None) -> str:
    """Return which server it is, for people."""
    return f"opa {version_of(opa)}" if opa else "built-in development OPA"


def _built_in(files: Files, port: int, bundle: Path, key: Path) -> list[str]:
    paths = {"cert": files.certificate, "key": files.key, "ca": files.ca, "bundle": bundle, "policy-key": key}
    named = [argument for name, path in paths.items() for argument in (f"--{name}", str(path))]
    return [sys.executable, "-m", "assay_laptop.opa", "--port", str(port), *named]


def _real(opa: Path, files: Files, port: int, config: Path, admission: Path) -> list[str]:
    return [
        *(str(opa), "run", "--server", "--addr", f"127.0.0.1:{port}", "--config-file", str(config)),
        *("--tls-cert-file", str(files.certificate), "--tls-private-key-file", str(files.key)),
        *("--tls-ca-cert-file", str(files.ca), "--tls-cert-refresh-period", _REFRESH),
        *("--min-tls-version", "1.3", "--authentication", "tls", "--authorization", "basic"),
        *("--log-level", "error", "--skip-version-check", "--shutdown-grace-period", _GRACE),
        str(admission),
    ]


def _config(files: Files, url: str, policy_key_pem: str) -> dict[str, object]:
    """Return what the real server is told of its bundle: whom to ask, as whom, and whose signature counts."""
    own = {"cert": str(files.certificate), "private_key": str(files.key), "cert_reread_interval_seconds": 1}
    polling = {"min_delay_seconds": _POLL_SECONDS, "max_delay_seconds": _POLL_SECONDS}
    return {
        "keys": {KEY: {"algorithm": "ES256", "key": policy_key_pem}},
        "services": {
            "feed": {
                "url": url,
                "tls": {"ca_cert": str(files.ca), "system_ca_required": False},
                "credentials": {"client_tls": own},
            }
        },
        "bundles": {
            "assay": {
                "service": "feed",
                "resource": PATH,
                "polling": polling,
                "signing": {"keyid": KEY},
            }
        },
    }


def _admission(run_dir: Path, trust_domain: str) -> Path:
    """Write what says whom OPA answers: it owns the root `system`, and a bundle of ours `assay` alone."""
    place = run_dir / "admission"
    place.mkdir(mode=0o700, exist_ok=True)
    shutil.copyfile(folder() / "server" / "admission.rego", place / "admission.rego")
    (place / "data.json").write_text(json.dumps({"system": {"trust_domain": trust_domain}}))
    return place
