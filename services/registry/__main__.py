"""`python -m services.registry`: one process, two listeners, told everything by its environment."""

from __future__ import annotations

from assay.web.server import run
from services.registry.app import Joining
from services.registry.settings import RegistrySettings


def main() -> None:
    """Serve; what is heavy is imported once the service answers."""
    settings = RegistrySettings.from_environment()
    joining = Joining(settings)
    run(settings, joining.service, background=lambda _parts: _load(), also=joining.others)


def _load() -> None:
    import model_signing._signing.sign_ec_key  # noqa: F401 - half a second that no request should wait for
    import yaml  # noqa: F401


if __name__ == "__main__":
    main()
