"""A cluster that did not come up leaves nothing running beside the next try."""

from __future__ import annotations

import subprocess
import sys

ORPHANED = """
import subprocess, sys
from services.training.driver.cluster import end_children
left = [subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"]) for _ in range(3)]
end_children()
print([each.wait(60) for each in left])
"""


def test_what_a_failed_start_left_running_is_ended() -> None:
    done = subprocess.run(
        [sys.executable, "-c", ORPHANED], capture_output=True, text=True, check=True, timeout=300
    )
    assert done.stdout.strip() == "[-9, -9, -9]"
