"""Training's settings."""

from __future__ import annotations

from assay.web.settings import ServiceSettings


class TrainingSettings(ServiceSettings):
    """What every service is told, and what a run may take; durations in seconds.

    `gpu` gives each worker a GPU of its own: this machine must have as many as a run has workers.
    """

    run_seconds: int = 900
    max_running: int = 2
    max_workers: int = 8
    max_failures: int = 2
    gpu: bool = False
