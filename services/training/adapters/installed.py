"""What a run's environment is: interpreter and every installed distribution, as a digest and a few names."""

from __future__ import annotations

import platform
from functools import cache
from importlib.metadata import distributions
from typing import Final

from assay.contracts import canonical, sha256_hex

ENGINES: Final[tuple[str, ...]] = ("ray", "torch", "onnx", "numpy", "pyarrow")


@cache
def environment() -> dict[str, str]:
    """Return the interpreter, the engines' versions, and SHA-256 of the canonical list of all `name==version`."""
    versions = {d.metadata["Name"].lower().replace("_", "-"): d.version for d in distributions()}
    pins = sorted(f"{name}=={version}" for name, version in versions.items())
    named = {name: versions[name] for name in ENGINES if name in versions}
    return {
        "python": platform.python_version(),
        "platform": f"{platform.system()}-{platform.machine()}".lower(),
        "distributions": sha256_hex(canonical(pins)),
        **named,
    }
