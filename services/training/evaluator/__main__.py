"""`python -m services.training.evaluator`: one process, told everything by its environment."""

from __future__ import annotations

from assay.web.server import run
from services.training.evaluator.app import EvaluatorParts, build
from services.training.evaluator.settings import EvaluatorSettings


def main() -> None:
    """Serve until SIGTERM."""
    run(EvaluatorSettings.from_environment(), build, join=EvaluatorParts.join)


if __name__ == "__main__":
    main()
