"""`python -m services.identity`: one process, three listeners, told everything by its environment."""

from __future__ import annotations

from assay.web.server import run
from services.identity.app import Joining
from services.identity.revoked import RevokedLogins
from services.identity.settings import IdentitySettings


def main() -> None:
    """Serve until SIGTERM."""
    settings = IdentitySettings.from_environment()
    joining = Joining(settings)
    run(settings, joining.service, background=RevokedLogins.ended_for, also=joining.others)


if __name__ == "__main__":
    main()
