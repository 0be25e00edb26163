"""From what a run offered to a fact: packages, provenance, one append; and back, when a row must be believed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from assay.contracts import Fact
from assay.custody import inspect, read_provenance
from assay.errors import HeadMoved, Unavailable
from assay.ledger import Ledger, Record
from assay.objects import Objects
from services.training.domain import Run, State
from services.training.errors import NothingOffered, RowContradictsFact
from services.training.facts import about, run_fact, run_of
from services.training.inputs import Facts, Inputs
from services.training.packages import Candidate, Inspect, package_of
from services.training.shelf import Packages

TRIES: Final = 20
PAUSE_SECONDS: Final = 1.5


@dataclass(frozen=True)
class Finisher:
    """Turns a run whose script came to its end into packages and a fact.

    `builder` is training's SPIFFE id; `environment` what is installed here; `pause` sleeps.
    """

    facts: Facts
    ledger: Ledger
    objects: Objects
    packages: Packages
    builder: str
    environment: Callable[[], Mapping[str, str]]
    pause: Callable[[float], None]
    inspect: Inspect = inspect

    def package(self, run: Run) -> dict[str, str]:
        """Make each candidate a package; return name -> digest.

        Raises:
            NothingOffered: there is no candidate.
            PackageRefused, WrongPorts: one is no package.
            InputRevoked: what the run was made from stopped counting meanwhile.
        """
        if not run.offered:
            raise NothingOffered(f"{run.entry} ended without offering a candidate")
        inputs = Inputs.read(self.facts, run.feature_set)
        made = {}
        for offered in run.offered:
            graph = self.objects.get_addressed(offered.graph)
            candidate = Candidate(offered.name, graph, offered.claims, offered.threshold)
            files = package_of(
                candidate,
                model=run.model,
                feature_set=inputs.fact,
                features=inputs.features,
                view=inputs.view,
                inspect=self.inspect,
            )
            made[offered.name] = self.packages.put(files)
        return made

    def append(self, run: Run) -> Record:
        """Append a run's fact: the commit. The payload is kept first, so that a second try says the same.

        Raises:
            Unavailable: the ledger did not come back within half a minute.
        """
        fact = self._kept_fact(run)
        for _ in range(TRIES):
            try:
                record = self.ledger.append(fact)
            except HeadMoved:
                return self._already(run)
            except Unavailable:
                self.pause(PAUSE_SECONDS)
            else:
                self.facts.catch_up()
                return record
        raise Unavailable(f"the ledger did not take the fact of {run.id}")

    def has_kept(self, run: str) -> bool:
        """Say whether a run's fact was written down by whoever took its outputs: a row alone makes none."""
        return self.objects.find(_kept(run)) is not None

    def packages_of(self, run: str) -> dict[str, str]:
        """Return the packages a run's fact names, by checkpoint; none when there is no fact that counts."""
        record = self.facts.head(about(run))
        return {} if record is None else dict(read_provenance(record.fact).packages)

    def checked(self, run: Run) -> Run:
        """Return a run as it is kept, when it says no more than its fact.

        Raises:
            RowContradictsFact: the row was changed.
        """
        record = self.facts.head(about(run.id))
        if run.state is State.SUCCEEDED and (record is None or run != run_of(record).beside(run)):
            raise RowContradictsFact(f"the row of {run.id} is not what its fact says")
        return run

    def _kept_fact(self, run: Run) -> Fact:
        key = _kept(run.id)
        kept = self.objects.find(key)
        if kept is None:
            inputs = Inputs.read(self.facts, run.feature_set)
            fact = run_fact(
                run,
                builder=self.builder,
                contributors=inputs.contributors,
                environment=self.environment(),
            )
            kept = fact.payload()
            self.objects.put(key, kept)
        return Fact.parse(kept)

    def _already(self, run: Run) -> Record:
        self.facts.catch_up()
        record = self.facts.head(about(run.id))
        if record is None or record.digest != self._kept_fact(run).digest:
            raise RowContradictsFact(f"another fact stands about {run.id}")
        return record


def _kept(run: str) -> str:
    return f"runs/{run}/fact.json"
