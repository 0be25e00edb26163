"""`python -m services.training`: one process, told everything by its environment."""

from __future__ import annotations

from assay.web.server import run
from services.training.app import TrainingParts, build
from services.training.settings import TrainingSettings


def main() -> None:
    """Serve; what a restart left behind is taken up after the service answers."""

    def restore(parts: TrainingParts) -> None:
        parts.training.restore(parts.left)

    run(TrainingSettings.from_environment(), build, join=TrainingParts.join, background=restore)


if __name__ == "__main__":
    main()
