"""What an MLflow client writes: drafts decide nothing, versions come of signed runs, aliases pass their gates."""

from __future__ import annotations

import pytest

from assay.contracts import Version, body_of
from assay.custody.errors import ChainRevoked, GateNotMet, WrongSubject
from assay.errors import BadRequest, Forbidden
from assay.web.mlflow_shape import ResourceAlreadyExists
from services.registry.adapters.notes import SqlNotes
from services.registry.errors import (
    BadAlias,
    LooksLikeAnother,
    NoSignedRun,
    NoteRefused,
    SourceIsNoCheckpoint,
    UnknownCheckpoint,
    UnknownModel,
    UnknownTier,
)
from services.registry.mlflow_views import Shown
from services.registry.naming import Naming
from tests.unit.custody.world import MODEL
from tests.unit.registry.desk import PROD, Desk

TRACKED = "0" * 32  # the MLflow run of the world's runs
SOURCE = f"runs:/{TRACKED}/epoch-3"


@pytest.fixture
def naming(desk: Desk) -> Naming:
    desk.trained("epoch-3", "epoch-5")
    return naming_of(desk)


def naming_of(desk: Desk) -> Naming:
    return Naming(desk.registry, desk.registering, desk.stating, SqlNotes(desk.database))


@pytest.mark.parametrize(
    "source",
    [
        SOURCE,
        f"mlflow-artifacts:/1/{TRACKED}/artifacts/epoch-3",
        f"mlflow-artifacts://localhost:8443/1/{TRACKED}/artifacts/epoch-3",
    ],
)
def test_a_version_is_made_of_the_checkpoint_a_source_names(desk: Desk, naming: Naming, source: str) -> None:
    made = naming.version(
        MODEL, source, TRACKED, {"team": "credit", "assay.fact": "x"}, by=desk.person("dana")
    )
    body = body_of(made.fact, Version)
    assert (body.number, body.checkpoint, body.tier) == (1, "epoch-3", "limited")
    assert naming.kept.notes(MODEL, 1) == {"team": "credit"}
    again = naming.version(MODEL, source, None, {}, by=desk.person("dana"))
    assert again.digest == made.digest


@pytest.mark.parametrize("tier", ["High", "high ", "", "none", "minimal"])
def test_a_tier_nobody_knows_registers_nothing(desk: Desk, naming: Naming, tier: str) -> None:
    with pytest.raises(UnknownTier):
        naming.version(MODEL, SOURCE, None, {"assay.tier": tier}, by=desk.person("dana"))
    assert desk.registry.believed.models() == []
    made = naming.version(MODEL, SOURCE, None, {"assay.tier": "high"}, by=desk.person("dana"))
    assert body_of(made.fact, Version).tier == "high"


def test_what_has_no_signed_run_is_no_version(desk: Desk, naming: Naming) -> None:
    dana = desk.person("dana")
    for source in (
        f"models:/m-{'a' * 32}",
        f"mlflow-artifacts:/1/models/m-{'a' * 32}/artifacts",
        f"runs:/{'b' * 32}/epoch-3",
    ):
        with pytest.raises(NoSignedRun, match="signed run"):
            naming.version(MODEL, source, None, {}, by=dana)
    with pytest.raises(UnknownCheckpoint, match="epoch-3, epoch-5"):
        naming.version(MODEL, f"runs:/{TRACKED}/epoch-9", None, {}, by=dana)
    for source in (
        "file:///etc",
        "/tmp/model",
        "../x",
        f"s3://b/1/{TRACKED}/artifacts/epoch-3",
        SOURCE + "/..",
    ):
        with pytest.raises(SourceIsNoCheckpoint):
            naming.version(MODEL, source, None, {}, by=dana)
    with pytest.raises(SourceIsNoCheckpoint, match="another"):
        naming.version(MODEL, SOURCE, "c" * 32, {}, by=dana)


def test_signed_bytes_are_not_copied_to_another_name(desk: Desk, naming: Naming) -> None:
    naming.version(MODEL, SOURCE, None, {}, by=desk.person("dana"))
    with pytest.raises(WrongSubject, match="not renamed"):
        naming.version("other", f"models:/{MODEL}/1", None, {}, by=desk.person("dana"))


def test_who_may_not_register_names_nothing_either(desk: Desk, naming: Naming) -> None:
    for write in (
        lambda: naming.name("other", {}, by=desk.person("amir")),
        lambda: naming.version(MODEL, SOURCE, None, {}, by=desk.person("amir")),
        lambda: naming.note(MODEL, 0, "a", "b", by=desk.person("amir")),
    ):
        with pytest.raises(Forbidden):
            write()


@pytest.mark.parametrize(
    "name",
    [
        "Credit-Default", "CREDIT-DEFAULT", "credit_default", "\uff43\uff52\uff45\uff44\uff49\uff54-default",
        "crédit-default",
        "credit-default ", " credit-default", "credit default",
    ],
)  # fmt: skip
def test_a_name_is_not_given_twice_by_case_or_look_alikes(desk: Desk, naming: Naming, name: str) -> None:
    naming.version(MODEL, SOURCE, None, {}, by=desk.person("dana"))
    with pytest.raises(LooksLikeAnother, match=f"'{MODEL}'"):
        naming.name(name, {}, by=desk.person("dana"))


@pytest.mark.parametrize("name", ["", "a" * 64, "a/b", "..", "\u0441redit-default", "-a", "a\n", "a\u200bb"])
def test_a_name_that_is_none_is_refused(desk: Desk, naming: Naming, name: str) -> None:
    with pytest.raises(BadRequest):
        naming.name(name, {}, by=desk.person("dana"))
    assert naming.kept.names() == []


def test_a_named_model_is_there_once_and_empty(desk: Desk, naming: Naming) -> None:
    naming.name("other", {"": "words", "team": "a"}, by=desk.person("dana"))
    with pytest.raises(ResourceAlreadyExists):
        naming.name("other", {}, by=desk.person("ada"))
    shown = Shown(desk.registry, naming.kept).model("other")
    assert (shown["latest_versions"], shown["description"]) == ([], "words")
    with pytest.raises(UnknownModel):
        naming.note("nowhere", 0, "a", "b", by=desk.person("dana"))


@pytest.mark.parametrize(
    "key", ["assay.tier", "Assay.package", " assay.fact", "mlflow.prompt.is_prompt", "k" * 251]
)
def test_the_platforms_words_are_no_tags(desk: Desk, naming: Naming, key: str) -> None:
    naming.version(MODEL, SOURCE, None, {}, by=desk.person("dana"))
    with pytest.raises(NoteRefused):
        naming.note(MODEL, 1, key, "low", by=desk.person("dana"))
    assert naming.kept.notes(MODEL, 1) == {}


def test_tags_and_descriptions_are_written_shown_and_taken_away(desk: Desk, naming: Naming) -> None:
    dana, shown = desk.person("dana"), Shown(desk.registry, naming.kept)
    naming.version(MODEL, SOURCE, None, {}, by=dana)
    naming.note(MODEL, 1, "stage", "first", by=dana)
    naming.note(MODEL, 1, "stage", "second", by=dana)
    naming.note(MODEL, 1, "", "what it is", by=dana)
    seen = shown.version(MODEL, 1)
    assert seen["description"] == "what it is"
    assert {"key": "stage", "value": "second"} in seen["tags"]
    naming.forget(MODEL, 1, "stage", by=dana)
    assert "stage" not in {tag["key"] for tag in shown.version(MODEL, 1)["tags"]}
    with pytest.raises(NoteRefused):
        naming.forget(MODEL, 1, "assay.tier", by=dana)


def test_the_champion_moves_through_its_gate_and_the_challenger_freely(desk: Desk, naming: Naming) -> None:
    ada = desk.person("ada")
    naming.version(MODEL, SOURCE, None, {}, by=desk.person("dana"))
    for protected in ("champion", "production-approved"):
        with pytest.raises(GateNotMet, match="approvals"):
            naming.point(MODEL, protected, 1, by=ada)
    moved = naming.point(MODEL, "challenger", 1, by=desk.person("dana"))
    assert naming.point(MODEL, "challenger", 1, by=ada).digest == moved.digest
    assert desk.registry.believed.alias(PROD, MODEL, "challenger").digest == moved.digest
    desk.approved()
    naming.point(MODEL, "champion", 1, by=ada)
    assert Shown(desk.registry, naming.kept).by_alias(MODEL, PROD, "champion")["version"] == "1"


def test_an_alias_means_no_number_and_no_revoked_version(desk: Desk, naming: Naming) -> None:
    ada = desk.person("ada")
    made = naming.version(MODEL, SOURCE, None, {}, by=desk.person("dana"))
    for alias in ("latest", "1", "v2", "prod-champion"):
        with pytest.raises(BadAlias):
            naming.point(MODEL, alias, 1, by=ada)
    desk.registry.revoke(made.digest, what="version", reason="a test", by=ada)
    with pytest.raises(ChainRevoked):
        naming.point(MODEL, "challenger", 1, by=ada)
