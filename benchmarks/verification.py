"""Verifying a package before it is loaded, beside the `model_signing` command over the same files and signature.

Cold is a process of its own that reads the folder and verifies the signature, as the command does. Warm is inside one
process: theirs is the library's verification of the folder; ours is everything a predictor checks (facts, approvals,
policy, card, signature, bytes) over bytes it already holds, as they come from the registry.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from secrets import token_bytes
from tempfile import TemporaryDirectory

from assay.contracts import Environment
from assay.custody import package_digest, verify
from assay.custody.package import write_folder
from benchmarks.report import Row
from tests.unit.custody.examples import example_files
from tests.unit.custody.world import World

MIB = 1 << 20
SIZES = (1, 64)  # MiB of weights
COLD, WARM = 5, 20
OURS_COLD = """
import sys
from pathlib import Path
from assay.custody import read_folder
from assay.custody.signing import verify_package
folder, signature, key = map(Path, sys.argv[1:])
verify_package(read_folder(folder), signature.read_bytes(), key.read_text())
"""


def run() -> Iterable[Row]:
    """Measure each size, cold and warm."""
    for size in SIZES:
        with TemporaryDirectory() as folder:
            yield from _measured(Path(folder), size)


def _measured(folder: Path, size: int) -> Iterable[Row]:
    world = World(folder)
    features = world.feature_set(world.batch())
    files = example_files((features.digest,), weights=token_bytes(size * MIB))
    run = world.run(features, {"last": package_digest(files)})
    world.evaluation(run, package_digest(files), features)
    version, signature = world.version(run, "last", files)
    judged = world.judge(version, files, Environment.PROD)
    for name in ("amir", "bea"):
        world.approve(judged, name)
    rollout = world.rollout(world.judge(version, files, Environment.PROD))
    package = folder / "package"
    package.mkdir()
    write_folder(files, package)
    kept, key = folder / "model.sig", folder / "key.pem"
    kept.write_bytes(signature)
    key.write_text(world.vault.public_key("model-signing"))

    def ours() -> None:
        verify(
            world.follower,
            world.root,
            world.policy,
            rollout=rollout.digest,
            files=files,
            signature=signature,
            now_ns=world.now_ns(),
        )

    def theirs() -> None:
        from model_signing import verifying

        verifying.Config().use_elliptic_key_verifier(public_key=key).verify(package, kept)

    def ours_cold() -> None:
        _done([sys.executable, "-c", OURS_COLD, str(package), str(kept), str(key)])

    def theirs_cold() -> None:
        command = [str(Path(sys.executable).with_name("model_signing")), "verify", "key", str(package)]
        _done([*command, "--signature", str(kept), "--public_key", str(key)])

    for when, own, other, times in (("cold", ours_cold, theirs_cold, COLD), ("warm", ours, theirs, WARM)):
        mine, their = _milliseconds(own, times), _milliseconds(other, times)
        yield Row(
            f"{size} MiB, {when}",
            f"p50 {mine:.1f} ms",
            f"p50 {their:.1f} ms",
            f"{their / mine:.1f}x",
            note="a process of its own; the signature"
            if when == "cold"
            else "ours: the whole chain, in memory",
        )


def _milliseconds(work: Callable[[], None], times: int) -> float:
    work()
    took = []
    for _ in range(times):
        began = time.perf_counter()
        work()
        took.append((time.perf_counter() - began) * 1000)
    return sorted(took)[times // 2]


def _done(command: list[str]) -> None:
    subprocess.run(command, check=True, capture_output=True)
