"""`python -m services.identity`: one process, two listeners, told everything by its environment."""

from __future__ import annotations

from assay.web.server import run
from services.identity.app import build, login_listener
from services.identity.revoked import RevokedLogins
from services.identity.settings import IdentitySettings


def main() -> None:
    """Serve until SIGTERM."""
    settings = IdentitySettings.from_environment()
    run(
        settings,
        lambda parts: build(parts, settings),
        background=RevokedLogins.ended_for,
        also=lambda parts: [login_listener(parts, settings)],
    )


if __name__ == "__main__":
    main()
