"""What training needs of the world, in its own words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

from assay.errors import ServiceError
from assay.ledger import Record
from services.training.domain import Run
from services.training.inputs import Inputs
from services.training.source import Source


@dataclass(frozen=True)
class Started:
    """The run's process is at something new."""

    doing: str


@dataclass(frozen=True)
class Ended:
    """The run's process ended: by a refusal, or well."""

    failure: ServiceError | None


Event: TypeAlias = Started | Ended
Tell: TypeAlias = Callable[[str, Event], None]


@dataclass(frozen=True)
class Credentials:
    """What a run may show: its certificate, and the signed order that features honours."""

    key_pem: str = field(repr=False)
    chain_pem: str
    order: str


class Clusters(Protocol):
    """Where runs run: each in a cluster of its own that is thrown away."""

    def start(self, run: Run, source: Source, inputs: Inputs, credentials: Credentials) -> None:
        """Start a run's process; from then on `tell` hears of it, and `Ended` comes exactly once."""

    def stop(self, run: str) -> None:
        """End a run's process, if it has one; `Ended` follows."""


class Experiments(Protocol):
    """Where people look at runs: MLflow. Raises Unavailable when tracking is down."""

    def begin(self, run: Run, inputs: Inputs, grant: str) -> str:
        """Make the run's entry in its person's name, with parameters and inputs; return its id there."""

    def log(self, mlflow_run: str, step: int, metrics: Mapping[str, float], at_ms: int) -> None:
        """Add metrics of one step; the same ones again change nothing."""

    def attach(self, mlflow_run: str, name: str, files: Mapping[str, bytes]) -> None:
        """Add a package's files, so that an unchanged client can load the model from the run."""

    def end(self, mlflow_run: str, *, succeeded: bool, tags: Mapping[str, str]) -> None:
        """Close the entry."""


class Runs(Protocol):
    """Every run, under way or over; what succeeded is a projection of facts."""

    def get(self, run: str) -> Run:
        """Return a run; raises UnknownRun."""

    def put(self, run: Run) -> None:
        """Keep a run's newest state."""

    def change(self, run: str, change: Callable[[Run], Run]) -> Run:
        """Keep what `change` makes of a run's newest state, and return it; nobody else changes it meanwhile."""

    def every(self) -> list[Run]:
        """Return all runs, newest first."""

    def applied(self) -> int:
        """See `assay.ledger.Projection`."""

    def apply(self, record: Record) -> None:
        """See `assay.ledger.Projection`."""


class Checkpoints(Protocol):
    """The newest state of each run under way, sealed."""

    def keep(self, run: str, step: int, data: bytes) -> None:
        """Keep a state; an older one than is kept changes nothing."""

    def newest(self, run: str) -> bytes | None:
        """Return the newest state of a run."""

    def forget(self, run: str) -> None:
        """Drop a run's state and the key it was sealed with."""
