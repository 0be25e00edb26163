"""Showing MLflow's own pages to somebody who signed in: what they read, read for that person, and nothing else."""

from __future__ import annotations

from typing import IO

from assay.contracts import strict_json
from assay.web.caller import Caller
from services.tracking import queries, rewriting
from services.tracking.errors import MalformedCall
from services.tracking.ports import OCTETS, Answer, Mlflow, Models
from services.tracking.rewriting import Json, Query
from services.tracking.usecases import Front

_MOST_VERSIONS = 200


class Viewing:
    """Runs and experiments from MLflow under the rules of its clients; models and versions from the registry.

    `grant` is what whoever signed in lent to this service: without one there are no models to show.
    """

    def __init__(self, front: Front, mlflow: Mlflow, models: Models) -> None:
        self.front = front
        self._mlflow = mlflow
        self._models = models

    def query(self, said: Json, caller: Caller, grant: str) -> Json | Answer:
        """Answer one of the two queries of the pages; a run's versions are the registry's."""
        body = queries.known(said)
        run = queries.run_asked(body)
        self.front.may_read(caller, {run} if run else ())
        answer = self._mlflow.ask("POST", "/graphql", body=body)
        if run is None or answer.status != 200:  # noqa: PLR2004 - HTTP's
            return answer
        wanted = [("filter", f"run_id='{run.id}'"), ("max_results", str(_MOST_VERSIONS))]
        found = self._models.ask("/model-versions/search", wanted, grant)
        return queries.registered(strict_json(answer.body), found.get("model_versions", []))

    def models(self, path: str, said: Query, grant: str) -> Json:
        """Answer a look-up or search of registered models and versions."""
        return self._models.ask(path, rewriting.asked(said), grant)

    def version_file(self, said: Query, into: IO[bytes], grant: str) -> Answer:
        """Read one file of a version's package."""
        asked = dict(rewriting.asked(said))
        if not all(asked.get(member) for member in ("name", "version", "path")):
            raise MalformedCall("name, version and path of one file are expected")
        into.write(self._models.file(asked["name"], asked["version"], asked["path"], grant))
        return Answer(200, OCTETS, b"")
