"""What an MLflow client may write here, each through its own proof, and what it is refused, with where to go."""

from __future__ import annotations

import re
from typing import Annotated, Any, Final

from fastapi import Depends
from pydantic import BaseModel, ConfigDict, Field

from assay.contracts import Version, body_of
from assay.web.caller import Caller, calling
from assay.web.routes import Routes
from services.registry.errors import UnknownVersion, WrittenThroughTheGate
from services.registry.mlflow_views import Shown
from services.registry.naming import DESCRIPTION, Naming
from services.registry.taking_off import RIGHT

MODELS, VERSIONS = "/api/2.0/mlflow/registered-models", "/api/2.0/mlflow/model-versions"
ANNOTATE: Final = "registry/annotate"
REVOKE: Final = "say what no longer counts: POST /v1/revocations {revokes, what, reason}; nothing is deleted"
FIXED: Final = "a name is in the facts of its versions: register the next one under another name"
STAGES: Final = "stages are gone from MLflow too: set the alias `champion`, `test-champion` or `dev-champion`"
REFUSED: Final = (
    ("POST", f"{MODELS}/rename", FIXED),
    ("DELETE", f"{MODELS}/delete", REVOKE),
    ("POST", f"{VERSIONS}/transition-stage", STAGES),
    ("DELETE", f"{VERSIONS}/delete", REVOKE),
)
_NUMBER: Final = re.compile(r"[0-9]{1,9}")
By = Annotated[Caller, Depends(calling)]
Text = Annotated[str, Field(max_length=10_000)]


class Said(BaseModel):
    """The body of a call: members as MLflow spells them in its REST API, and no others."""

    model_config = ConfigDict(extra="forbid")


class Tag(Said):
    """A key and its value."""

    key: str
    value: Text = ""


class NewModel(Said):
    """A name, before it has versions."""

    name: str
    tags: list[Tag] = []
    description: Text = ""
    deployment_job_id: str | None = None


class NewVersion(Said):
    """Which bytes become a version: `source` names a checkpoint of a run."""

    name: str
    source: str
    run_id: str | None = None
    tags: list[Tag] = []
    run_link: str = ""
    description: Text = ""
    model_id: str | None = None


class ModelTag(Tag):
    """A tag of a model."""

    name: str


class VersionTag(ModelTag):
    """A tag of a version."""

    version: str


class Described(Said):
    """What a model is, in words."""

    name: str
    description: Text = ""
    deployment_job_id: str | None = None


class DescribedVersion(Said):
    """What a version is, in words."""

    name: str
    version: str
    description: Text = ""


class Pointed(Said):
    """Which version an alias names from here on."""

    name: str
    alias: str
    version: str


class Unpointed(Said):
    """Which alias is to name nothing."""

    name: str
    alias: str


def mlflow_writes(api: Routes, naming: Naming, shown: Shown) -> None:
    """Declare the writes."""
    _models(api, naming, shown)
    _versions(api, naming, shown)
    for method, path, fix in REFUSED:
        _refused(api, method, path, fix)


def number_of(name: str, version: str) -> int:
    """Read a version's number as MLflow's clients write it; raises UnknownVersion."""
    if not _NUMBER.fullmatch(version):
        raise UnknownVersion(f"Model Version (name={name[:63]}, version={version[:20]}) not found")
    return int(version)


def _models(api: Routes, naming: Naming, shown: Shown) -> None:
    @api.post(f"{MODELS}/create", permission="registry/register")
    def create(wanted: NewModel, by: By) -> dict[str, Any]:
        naming.name(wanted.name, _noted(wanted.tags, wanted.description), by=by)
        return {"registered_model": shown.model(wanted.name)}

    @api.patch(f"{MODELS}/update", permission=ANNOTATE)
    def describe(wanted: Described, by: By) -> dict[str, Any]:
        naming.note(wanted.name, 0, DESCRIPTION, wanted.description, by=by)
        return {"registered_model": shown.model(wanted.name)}

    @api.post(f"{MODELS}/set-tag", permission=ANNOTATE)
    def tag(wanted: ModelTag, by: By) -> dict[str, Any]:
        naming.note(wanted.name, 0, wanted.key, wanted.value, by=by)
        return {}

    @api.delete(f"{MODELS}/delete-tag", permission=ANNOTATE)
    def untag(wanted: ModelTag, by: By) -> dict[str, Any]:
        naming.forget(wanted.name, 0, wanted.key, by=by)
        return {}

    @api.post(f"{MODELS}/alias", permission=RIGHT)
    def point(wanted: Pointed, by: By) -> dict[str, Any]:
        naming.point(wanted.name, wanted.alias, number_of(wanted.name, wanted.version), by=by)
        return {}

    @api.delete(f"{MODELS}/alias", permission=RIGHT)
    def take_alias_off(wanted: Unpointed, by: By) -> dict[str, Any]:
        naming.take_off(wanted.name, wanted.alias, by=by)
        return {}


def _versions(api: Routes, naming: Naming, shown: Shown) -> None:
    @api.post(f"{VERSIONS}/create", permission="registry/register")
    def create(wanted: NewVersion, by: By) -> dict[str, Any]:
        noted = _noted(wanted.tags, wanted.description)
        made = naming.version(wanted.name, wanted.source, wanted.run_id, noted, by=by)
        return {"model_version": shown.version(wanted.name, body_of(made.fact, Version).number)}

    @api.patch(f"{VERSIONS}/update", permission=ANNOTATE)
    def describe(wanted: DescribedVersion, by: By) -> dict[str, Any]:
        number = number_of(wanted.name, wanted.version)
        naming.note(wanted.name, number, DESCRIPTION, wanted.description, by=by)
        return {"model_version": shown.version(wanted.name, number)}

    @api.post(f"{VERSIONS}/set-tag", permission=ANNOTATE)
    def tag(wanted: VersionTag, by: By) -> dict[str, Any]:
        number = number_of(wanted.name, wanted.version)
        naming.note(wanted.name, number, wanted.key, wanted.value, by=by)
        return {}

    @api.delete(f"{VERSIONS}/delete-tag", permission=ANNOTATE)
    def untag(wanted: VersionTag, by: By) -> dict[str, Any]:
        naming.forget(wanted.name, number_of(wanted.name, wanted.version), wanted.key, by=by)
        return {}


def _refused(api: Routes, method: str, path: str, fix: str) -> None:
    @api.route(path, permission="registry/read", methods=[method])
    def refuse() -> None:
        raise WrittenThroughTheGate("MLflow's API does not change this here", fix=fix)


def _noted(tags: list[Tag], description: str) -> dict[str, str]:
    return {tag.key: tag.value for tag in tags} | ({DESCRIPTION: description} if description else {})
