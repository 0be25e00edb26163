"""`python -m services.training.driver < order`: make a cluster, train, say how it went."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from typing import Any, TextIO

from services.training.driver.order import RunOrder


class Teller:
    """Says how it goes, as JSON lines on what was standard output; everything else prints to standard error."""

    def __init__(self) -> None:
        self._out: TextIO = os.fdopen(os.dup(1), "w", encoding="utf-8")
        os.dup2(2, 1)

    def tell(self, event: str, **members: Any) -> None:  # noqa: ANN401 - JSON members
        """Write one event."""
        self._out.write(json.dumps({"event": event, **members}) + "\n")
        self._out.flush()


def end_with_parent() -> None:
    """End this process and its children when whoever started it goes: its end of standard input closes then."""

    def wait() -> None:
        sys.stdin.buffer.read()
        os.killpg(os.getpgrp(), signal.SIGKILL)

    threading.Thread(target=wait, name="parent", daemon=True).start()


def main() -> int:
    """Read the order, train, and say how it ended; 0 when the script came to its end."""
    teller = Teller()
    order = RunOrder.read(sys.stdin.buffer.readline())
    end_with_parent()
    from services.training.driver.cluster import ClusterDidNotStart, cluster, train

    try:
        with cluster(order):
            teller.tell("progress", doing="starting workers")
            failure = train(order)
            if failure is None:
                teller.tell("finished")
    except ClusterDidNotStart as error:
        failure = f"the cluster did not start: {error}"
    if failure is not None:
        teller.tell("failed", detail=failure)
    return 0 if failure is None else 1


if __name__ == "__main__":
    code = main()
    sys.stderr.flush()
    os._exit(code)  # what is left of the cluster's threads has nothing to finish
