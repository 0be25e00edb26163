"""`make policy`: infra/opa/*.rego become policy.wasm, and `--check` says when it is stale.

Tests and the server's own admission rule stay out of it. `.manifest` (OPA's bundle manifest) records what was
made of what: the revision (SHA-256 of policy.wasm), the digest of the sources, and OPA's version. Sources are
compared without `opa`; where the same version is found, the file is made again and compared byte for byte.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from assay.contracts import canonical, sha256_hex
from assay.errors import Conflict, ServiceError, Unavailable
from assay.policy.bundle import packed
from assay.policy.decisions import AUTHZ, GATE, RIGHTS
from assay_laptop.opa.find import find_opa, folder, version_of

WASM: Final = "policy.wasm"
MANIFEST: Final = ".manifest"


class StalePolicy(Conflict):
    """policy.wasm is not what the sources beside it make."""

    fix = "run `make policy` with `opa` on the PATH and commit what it writes"


@dataclass(frozen=True)
class Made:
    """What policy.wasm was made of: SHA-256 of itself and of its sources, and OPA's version."""

    revision: str
    sources: str
    opa: str

    def manifest(self) -> dict[str, Any]:
        """Return OPA's bundle manifest, with our figures in it."""
        return {
            "revision": self.revision,
            "roots": ["assay"],
            "rego_version": 1,
            "metadata": {"sources": self.sources, "opa": self.opa},
        }


def sources(policy: Path) -> list[Path]:
    """Return the rules, without their tests, in order of name."""
    return sorted(path for path in policy.glob("*.rego") if not path.name.endswith("_test.rego"))


def digest_of(paths: Sequence[Path]) -> str:
    """Return one digest of these files' names and bytes."""
    return sha256_hex(canonical([[path.name, sha256_hex(path.read_bytes())] for path in paths]))


def compiled(opa: Path, policy: Path) -> bytes:
    """Return the Wasm that `opa` makes of the sources; the same bytes wherever the folder lies."""
    with tempfile.TemporaryDirectory() as scratch:
        bundle = Path(scratch) / "bundle.tar.gz"
        entrypoints = [argument for path in (AUTHZ, GATE, RIGHTS) for argument in ("-e", path)]
        names = [path.name for path in sources(policy)]
        _run([str(opa), "build", "-t", "wasm", *entrypoints, "-o", str(bundle), *names], policy)
        with tarfile.open(bundle) as archive:
            member = archive.extractfile(f"/{WASM}")
            if member is None:
                raise Unavailable(f"{opa} made a bundle without {WASM}")
            return member.read()


def recorded(policy: Path) -> Made:
    """Return what `.manifest` records; raises StalePolicy when it is missing or not ours."""
    try:
        manifest = json.loads((policy / MANIFEST).read_text())
        return Made(manifest["revision"], manifest["metadata"]["sources"], manifest["metadata"]["opa"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StalePolicy(f"{MANIFEST} does not say what {WASM} was made of: {error!r}") from error


def check(policy: Path, opa: Path | None = None) -> Made:
    """Return what was made; raises StalePolicy unless policy.wasm is of the sources as they are.

    With an `opa` of the recorded version the file is also made again and compared.
    """
    made = recorded(policy)
    code = (policy / WASM).read_bytes() if (policy / WASM).is_file() else b""
    if sha256_hex(code) != made.revision:
        raise StalePolicy(f"{WASM} is not the file that {MANIFEST} records")
    if digest_of(sources(policy)) != made.sources:
        raise StalePolicy(f"the .rego files have changed since {WASM} was made")
    if opa is not None and version_of(opa) == made.opa and compiled(opa, policy) != code:
        raise StalePolicy(f"{WASM} is not what opa {made.opa} makes of these sources")
    return made


def build(policy: Path, opa: Path) -> Made:
    """Check, test and compile the sources, and write policy.wasm and its manifest."""
    _run([str(opa), "check", "--strict", "."], policy)
    _run([str(opa), "fmt", "--list", "--fail", "."], policy)
    _run([str(opa), "test", "--timeout", "300s", "."], policy)
    code = compiled(opa, policy)
    made = Made(sha256_hex(code), digest_of(sources(policy)), version_of(opa))
    _replace(policy / WASM, code)
    _replace(policy / MANIFEST, json.dumps(made.manifest(), indent=2).encode() + b"\n")
    return made


def bundle(policy: Path, author_key_pem: bytes) -> bytes:
    """Return the signed bundle of a folder's policy (see `assay.policy.bundle`).

    Raises:
        StalePolicy: policy.wasm is not of the sources beside it.
        PolicySignatureInvalid: the key is none to sign policy with.
    """
    check(policy)
    names = [MANIFEST, WASM, *(path.name for path in sources(policy))]
    return packed({name: (policy / name).read_bytes() for name in names}, author_key_pem)


def signed(policy: Path, author_key_pem: bytes, opa: Path | None) -> bytes:
    """Return the signed bundle of a folder, compiled again where its rules have changed and `opa` is there.

    Raises:
        StalePolicy: they have changed, and there is no `opa` to compile them.
    """
    try:
        check(policy)
    except StalePolicy:
        if opa is None:
            raise
        build(policy, opa)
    return bundle(policy, author_key_pem)


def main(arguments: Sequence[str] | None = None) -> int:
    """Make the policy, or check it; returns the exit status."""
    parser = argparse.ArgumentParser(prog="assay_laptop.opa.build", description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing; fail when policy.wasm is stale")
    options = parser.parse_args(arguments)
    try:
        said = _checked(find_opa()) if options.check else _built(find_opa())
    except ServiceError as refusal:
        print(f"{type(refusal).__name__}: {refusal.detail}\n  {refusal.fix}", file=sys.stderr)
        return 1
    print(said)
    return 0


def _checked(opa: Path | None) -> str:
    made = check(folder(), opa)
    if opa is None or version_of(opa) != made.opa:
        return f"policy {made.revision[:12]}: sources unchanged (not made again: no opa {made.opa} here)"
    return f"policy {made.revision[:12]}: sources unchanged, and opa {made.opa} makes the same bytes"


def _built(opa: Path | None) -> str:
    if opa is None:
        raise Unavailable(
            "making the policy needs `opa`", fix="put `opa` on the PATH, or its folder in ASSAY_BIN"
        )
    made = build(folder(), opa)
    return f"policy {made.revision[:12]} made with opa {made.opa}: {json.dumps(asdict(made))}"


def _run(command: list[str], where: Path) -> None:
    done = subprocess.run(command, cwd=where, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Unavailable(
            f"{' '.join(command[:3])} failed: {(done.stdout + done.stderr)[-3000:]}", fix="correct the rules"
        )


def _replace(path: Path, data: bytes) -> None:
    fresh = path.with_name(f"{path.name}.new")
    fresh.write_bytes(data)
    shutil.move(fresh, path)


if __name__ == "__main__":
    sys.exit(main())
