"""Finding a Vault and saying how it is started; whoever calls owns the process."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from assay.errors import Unavailable
from assay_laptop.platform.addresses import free_ports
from assay_laptop.vault.listener import Listener, make_listener

Kind = Literal["vault", "bao", "built-in"]
BUILT_IN: Kind = "built-in"
_REAL: tuple[Kind, ...] = ("vault", "bao")
_ANSWER_SECONDS = 10


@dataclass(frozen=True)
class VaultProgram:
    """A Vault that can be started; `executable` is None for the built-in development server."""

    kind: Kind
    executable: Path | None = None

    def version(self) -> str:
        """Return what the program says it is; raises Unavailable when it cannot be run."""
        if self.executable is None:
            return "built-in development server"
        try:
            said = subprocess.run(
                [self.executable, "version"],
                capture_output=True,
                text=True,
                check=True,
                timeout=_ANSWER_SECONDS,
            )
        except (OSError, subprocess.SubprocessError) as error:
            raise Unavailable(f"{self.executable} does not say its version: {error}") from error
        return said.stdout.partition(",")[0].partition("(")[0].strip()


@dataclass(frozen=True)
class Start:
    """How to start it (`argv`, `environment`), and where it will be: `url`, `ca_path`."""

    argv: tuple[str, ...]
    environment: Mapping[str, str]
    url: str
    ca_path: Path
    program: VaultProgram


def find_vault(environment: Mapping[str, str] = os.environ) -> VaultProgram:
    """Return `vault` or `bao` from the folder ASSAY_BIN or the PATH, else the built-in development server."""
    for folders in (environment.get("ASSAY_BIN"), environment.get("PATH")):
        for kind in _REAL:
            found = shutil.which(kind, path=folders) if folders else None
            if found:
                return VaultProgram(kind, Path(found).resolve())
    return VaultProgram(BUILT_IN)


def start(program: VaultProgram, storage_dir: Path, run_dir: Path, port: int) -> Start:
    """Make the listener's key and certificate in `run_dir` (0700) and return how to start the program.

    `storage_dir` holds its sealed state and outlives it; the server listens on 127.0.0.1:`port` only.
    """
    storage_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    run_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    listener = make_listener(run_dir)
    command = _built_in if program.executable is None else _real
    argv = command(program, listener, storage_dir, run_dir, port)
    return Start(argv, _environment(), f"https://127.0.0.1:{port}", listener.certificate, program)


def _built_in(_: VaultProgram, listener: Listener, storage: Path, __: Path, port: int) -> tuple[str, ...]:
    return (
        sys.executable,
        "-m",
        "assay_laptop.vault",
        f"--storage={storage}",
        f"--port={port}",
        f"--tls-cert={listener.certificate}",
        f"--tls-key={listener.key}",
    )


def _real(
    program: VaultProgram, listener: Listener, storage: Path, run_dir: Path, port: int
) -> tuple[str, ...]:
    """Write the configuration of a sealed server on raft storage; never `-dev`."""
    configuration = run_dir / "vault.hcl"
    configuration.write_text(_configuration(listener, storage, port, free_ports(1)[0]), encoding="utf-8")
    return (str(program.executable), "server", f"-config={configuration}")


def _configuration(listener: Listener, storage: Path, port: int, cluster_port: int) -> str:
    return f"""# Written at each start.
storage "raft" {{
  path                   = {_quoted(storage)}
  node_id                = "laptop"
  performance_multiplier = 1
}}
listener "tcp" {{
  address         = "127.0.0.1:{port}"
  cluster_address = "127.0.0.1:{cluster_port}"
  tls_cert_file   = {_quoted(listener.certificate)}
  tls_key_file    = {_quoted(listener.key)}
  tls_min_version = "tls13"
}}
api_addr      = "https://127.0.0.1:{port}"
cluster_addr  = "https://127.0.0.1:{cluster_port}"
disable_mlock = true
ui            = false
log_level     = "warn"
"""


def _quoted(path: Path) -> str:
    """Return a path as an HCL string; interpolation and quotes in a folder's name stay letters."""
    escaped = str(path.resolve()).replace("\\", "\\\\").replace('"', '\\"').replace("${", "$${")
    return f'"{escaped}"'


def _environment() -> dict[str, str]:
    """Return the little a Vault may see of our environment: no token, no address of another Vault, no proxy."""
    kept = ("PATH", "HOME", "LANG", "TMPDIR")
    return {name: os.environ[name] for name in kept if name in os.environ} | {"PYTHONUNBUFFERED": "1"}
