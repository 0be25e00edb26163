"""The two GraphQL queries that MLflow's pages make, known by the digest of their text. No other is ever asked.

A GraphQL endpoint answers whatever its schema can: these two texts, and variables made anew from a checked id, are
as narrow as a route.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from assay.contracts import sha256_hex
from services.tracking.allowed import Entity, Kind, entity
from services.tracking.errors import UnknownQuery
from services.tracking.rewriting import Json

_EXPERIMENT: Final = re.compile(r"[0-9]{1,20}")


class Query(NamedTuple):
    """One query: SHA-256 of its text with its blanks folded, and the one id its variables carry."""

    digest: str
    variable: str
    member: str


QUERIES: Final[Mapping[str, Query]] = MappingProxyType(
    {
        "GetRun": Query("6fbdd23cf9e6ceb0d91d84f524ee91896d710e224dad513933f76645ebaa17e4", "data", "runId"),
        "MlflowGetExperimentQuery": Query(
            "ce7e6ad9f61fc1eefd289d01f5abcb1358a82fe7130b403774792e0faf8dfd5e", "input", "experimentId"
        ),
    }
)
"""Of MLflow 3.17.2: another release's pages may ask otherwise, and a test says so."""


def known(said: Json) -> Json:
    """Return the body of one of the pages' queries, made anew; raises UnknownQuery."""
    name, text = said.get("operationName"), said.get("query")
    query = QUERIES.get(name) if isinstance(name, str) else None
    if query is None or not isinstance(text, str) or sha256_hex(folded(text).encode()) != query.digest:
        raise UnknownQuery("this is none of the queries that MLflow's pages make")
    return {"operationName": name, "query": folded(text), "variables": _variables(query, said)}


def folded(text: str) -> str:
    """Return a query's text with every run of blanks as one."""
    return re.sub(r"\s+", " ", text).strip()


def run_asked(body: Json) -> Entity | None:
    """Return the run that a known query is about; None for the experiment's."""
    return entity(Kind.RUN, body["variables"].get("data", {}).get("runId"))


def registered(answer: Json, versions: list[Json]) -> Json:
    """Return the answer about a run with the versions it became, as the registry knows them."""
    found: Any = answer.get("data")
    for member in ("mlflowGetRun", "run"):
        found = found.get(member) if isinstance(found, dict) else None
    if isinstance(found, dict):
        found["modelVersions"] = [_version(one) for one in versions]
    return answer


def _version(one: Json) -> Json:
    said = {member: one.get(member) for member in ("name", "version", "status", "source")}
    return {**said, "__typename": "MlflowModelVersion"}


def _variables(query: Query, said: Json) -> Json:
    given = said.get("variables")
    inner = given.get(query.variable) if isinstance(given, dict) else None
    found = inner.get(query.member) if isinstance(inner, dict) else None
    if query.member == "runId":
        fits = entity(Kind.RUN, found) is not None
    else:
        fits = isinstance(found, str) and _EXPERIMENT.fullmatch(found) is not None
    if not fits:
        raise UnknownQuery("the query names no run or experiment as MLflow's pages do")
    return {query.variable: {query.member: found}}
