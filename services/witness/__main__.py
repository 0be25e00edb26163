"""`python -m services.witness`."""

from assay.web.server import run
from services.witness.app import WitnessParts, build
from services.witness.settings import WitnessSettings

if __name__ == "__main__":
    run(
        WitnessSettings.from_environment(),
        build,
        join=WitnessParts.join,
        background=lambda parts: parts.following.start(),
    )
