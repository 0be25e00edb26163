"""What a person asks for when starting a run, once it is known to be well-formed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

from assay.contracts import PersonId, canonical, check_name
from services.training.domain import Run
from services.training.errors import BadParameters
from services.training.source import Source

PARAMETERS_BYTES: Final = 16 << 10  # they stand in the ledger
MAX_SEED: Final = 2**32 - 1


@dataclass(frozen=True)
class Asked:
    """Code, a feature set, parameters and how many workers; `seed` is the parameter of that name, else 0."""

    experiment: str
    model: str
    source: Source
    feature_set: str
    parameters: Mapping[str, Any]
    workers: int
    seed: int

    @classmethod
    def checked(
        cls,
        *,
        experiment: str,
        model: str,
        source: Source,
        feature_set: str,
        parameters: Mapping[str, Any],
        workers: int,
        most_workers: int,
    ) -> Self:
        """Return what is asked for.

        Raises:
            BadParameters: a name, the seed, the number of workers or the size of the parameters is wrong.
            BadRequest: a name is none.
        """
        check_name(experiment, "experiment")
        check_name(model, "model")
        if not 1 <= workers <= most_workers:
            raise BadParameters(f"{workers} workers; this machine gives a run 1 to {most_workers}")
        if _size(parameters) > PARAMETERS_BYTES:
            raise BadParameters(f"the parameters are larger than {PARAMETERS_BYTES >> 10} KiB")
        seed = parameters.get("seed", 0)
        if type(seed) is not int or not 0 <= seed <= MAX_SEED:
            raise BadParameters(f"the seed {str(seed)[:40]!r} is no whole number from 0 to {MAX_SEED}")
        return cls(experiment, model, source, feature_set, dict(parameters), workers, seed)

    def run(self, run: str, *, person: PersonId, at: str) -> Run:
        """Return the run this asks for."""
        return Run(
            id=run,
            person=person,
            model=self.model,
            experiment=self.experiment,
            feature_set=self.feature_set,
            entry=self.source.entry,
            source=self.source.digests,
            parameters=dict(self.parameters),
            workers=self.workers,
            seed=self.seed,
            started=at,
            mlflow_run="",
        )


def _size(parameters: Mapping[str, Any]) -> int:
    try:
        return len(canonical(dict(parameters)))
    except (ValueError, TypeError, RecursionError) as error:
        raise BadParameters(f"the parameters are no JSON that can be signed: {error}") from error
