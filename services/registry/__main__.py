"""`python -m services.registry`: one process, told everything by its environment."""

from __future__ import annotations

from assay.web.server import run
from services.registry.app import build
from services.registry.settings import RegistrySettings


def main() -> None:
    """Serve; what is heavy is imported once the service answers."""
    settings = RegistrySettings.from_environment()
    run(settings, lambda parts: build(parts, settings), background=lambda _parts: _load())


def _load() -> None:
    import model_signing._signing.sign_ec_key  # noqa: F401 - half a second that no request should wait for
    import yaml  # noqa: F401


if __name__ == "__main__":
    main()
