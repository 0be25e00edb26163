"""`python -m services.predictor`: started by serving, which writes the first line and holds the pipe."""

from __future__ import annotations

import os
import signal
import sys
import threading

from assay.web.server import run
from services.predictor.app import PredictorParts, build, join
from services.predictor.settings import Bootstrap, PredictorSettings


def _end_with_parent() -> None:
    """Stop when standard input ends: serving is gone, and so is whoever would restart or stop us."""
    sys.stdin.read()
    os.kill(os.getpid(), signal.SIGTERM)


def main() -> None:
    """Serve until SIGTERM or until serving is gone."""
    bootstrap = Bootstrap.read(sys.stdin)
    threading.Thread(target=_end_with_parent, name="parent", daemon=True).start()
    run(
        PredictorSettings(**bootstrap.settings),
        build,
        join=lambda _: join(bootstrap),
        background=PredictorParts.load,
    )


if __name__ == "__main__":
    main()
