"""Evidence of a version: what facts give is stated from them alone, what people write has every heading filled."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import TypeAdapter

from assay.contracts import Evidence, body_of, strict_json
from assay.errors import Forbidden, SignatureInvalid
from assay.ledger import Record
from services.registry.adapters.cyclonedx import CycloneDxBoms
from services.registry.errors import (
    BomInvalid,
    DocumentMoved,
    DocumentRefused,
    EvidenceUnknown,
    NotYours,
)
from services.registry.evidence.documents import ModelCard
from tests.unit.custody.world import MODEL
from tests.unit.registry.desk import PROD, Desk

CARD = {heading: f"Something about {heading}." for heading in ModelCard.model_fields}
RISK: dict[str, Any] = {
    "map": {
        "context": "Retail credit.",
        "affected_people": "Applicants.",
        "risks": [{"risk": "Unfair refusal", "likelihood": "medium", "impact": "high"}],
    },
    "measure": {"methods": "Slices by age.", "findings": "Gap of 0.03 AUC."},
    "manage": {
        "treatments": [
            {"risk": "Unfair refusal", "response": "Review", "owner": "p-dana", "due": "2027-01-31"}
        ],
        "residual_risk": "low",
        "accepted_because": "A person decides in the end.",
    },
}


def kinds(desk: Desk) -> set[str]:
    return {body_of(record.fact, Evidence).type for record in desk.stating.standing(MODEL, 1)}


def document(desk: Desk, kind: str) -> Any:  # noqa: ANN401 - JSON
    return strict_json(desk.stating.document(MODEL, 1, kind)[1])


def test_facts_and_bytes_alone_give_tags_scan_and_bill_of_materials(registered: Desk) -> None:
    registered.stating.derive(MODEL, 1)
    assert kinds(registered) == {"data", "scan", "sbom"}
    bill = document(registered, "sbom")
    assert "pkg:pypi/ray@2.60" in [part.get("purl") for part in bill["components"]]
    assert document(registered, "scan")["findings"] == []


def test_deriving_again_states_nothing_new(registered: Desk) -> None:
    first = registered.stating.derive(MODEL, 1)
    size = registered.world.log.acknowledged
    assert [one.digest for one in registered.stating.derive(MODEL, 1)] == [one.digest for one in first]
    assert registered.world.log.acknowledged == size


def test_without_slices_no_fairness_is_claimed(registered: Desk) -> None:
    registered.stating.derive(MODEL, 1)
    with pytest.raises(EvidenceUnknown):
        registered.stating.document(MODEL, 1, "fairness")


def test_the_widest_gap_between_groups_is_stated(desk: Desk) -> None:
    run = desk.trained(evaluated=False)
    package = run.fact.subjects[0][1]
    features = desk.world.follower.records(about_prefix="feature-set/")[0]
    slices = {"sex": {"1": {"auc": 0.80, "n": 50}, "2": {"auc": 0.74, "n": 60}}, "age": {"<30": {"auc": 0.7}}}
    desk.world.evaluation(run, package, features, slices=slices)
    desk.register()
    desk.stating.derive(MODEL, 1)
    record, _ = desk.stating.document(MODEL, 1, "fairness")
    assert body_of(record.fact, Evidence).figures == {"worst_auc_gap": pytest.approx(0.06)}


def test_a_person_writes_the_card_and_every_heading_has_words(registered: Desk) -> None:
    dana = registered.person("dana")
    said = registered.stating.write(MODEL, 1, "model-card", CARD, valid_until=None, by=dana)
    assert body_of(said.fact, Evidence).by == "p-dana"
    assert document(registered, "model-card") == CARD
    for broken in ({**CARD, "metrics": "  "}, {**CARD, "extra": "x"}, {k: CARD[k] for k in list(CARD)[:-1]}):
        with pytest.raises(DocumentRefused):
            registered.stating.write(MODEL, 1, "model-card", broken, valid_until=None, by=dana)


@pytest.mark.parametrize("written", ["2099-01-01", "2099-01-01T00:00:00", "2099-01-01T01:00:00+01:00"])
def test_a_day_or_a_time_without_a_zone_is_in_utc_and_the_version_can_be_judged(
    registered: Desk, written: str
) -> None:
    until = TypeAdapter(datetime).validate_python(written)  # as the route reads it
    dana = registered.person("dana")
    said = registered.stating.write(MODEL, 1, "model-card", CARD, valid_until=until, by=dana)
    told = datetime.fromisoformat(str(said.fact.body["valid_until"]))
    assert told == datetime(2099, 1, 1, tzinfo=UTC)
    assert registered.registry.judged(MODEL, 1, PROD).verdict.missing


def test_what_was_made_from_an_earlier_card_does_not_undo_the_one_that_came_between(registered: Desk) -> None:
    dana = registered.person("dana")

    def write(words: str, over: str | None) -> Record:
        card = {**CARD, "metrics": words}
        return registered.stating.write(MODEL, 1, "model-card", card, valid_until=None, by=dana, over=over)

    first = write("first", "")
    second = write("second", first.digest)
    for over in ("", first.digest, "0" * 64):
        with pytest.raises(DocumentMoved):
            write("made from another", over)
    assert document(registered, "model-card")["metrics"] == "second"
    registered.world.revoke(second.digest)
    assert write("anew", None).digest != second.digest


def test_a_card_with_scripts_in_it_is_kept_as_the_words_it_is(registered: Desk) -> None:
    words = {**CARD, "model_details": "<script>alert(1)</script>"}
    registered.stating.write(MODEL, 1, "model-card", words, valid_until=None, by=registered.person("dana"))
    assert document(registered, "model-card") == words


def test_a_risk_record_gives_the_gate_its_figures(registered: Desk) -> None:
    said = registered.stating.write(
        MODEL, 1, "risk-record", RISK, valid_until=None, by=registered.person("amir")
    )
    assert body_of(said.fact, Evidence).figures == {"risks": 1.0, "worst_impact": 3.0, "residual_risk": 1.0}


def test_nobody_writes_what_is_derived_and_no_service_writes_for_people(registered: Desk) -> None:
    with pytest.raises(DocumentRefused):
        registered.stating.write(MODEL, 1, "scan", {}, valid_until=None, by=registered.person("dana"))
    with pytest.raises(NotYours):
        registered.stating.write(
            MODEL, 1, "model-card", CARD, valid_until=None, by=registered.service("serving")
        )
    with pytest.raises(Forbidden):
        registered.stating.write(MODEL, 1, "model-card", CARD, valid_until=None, by=registered.person("amir"))


def test_an_edited_card_ends_the_approvals_given_over_the_one_before(registered: Desk) -> None:
    dana = registered.person("dana")
    registered.stating.write(MODEL, 1, "model-card", CARD, valid_until=None, by=dana)
    registered.approved()
    assert registered.registry.judged(MODEL, 1, PROD).verdict.passed
    registered.stating.write(MODEL, 1, "model-card", {**CARD, "metrics": "Other."}, valid_until=None, by=dana)
    assert not registered.registry.judged(MODEL, 1, PROD).verdict.passed


def test_a_changed_document_is_not_handed_out(registered: Desk) -> None:
    registered.stating.derive(MODEL, 1)
    record, _ = registered.stating.document(MODEL, 1, "scan")
    digest = body_of(record.fact, Evidence).content
    for path in registered.folder.joinpath("objects").rglob(f"*{digest}*"):
        path.write_bytes(b"{}")
    with pytest.raises(SignatureInvalid):
        registered.stating.document(MODEL, 1, "scan")


@pytest.mark.parametrize("change", [{"specVersion": "9"}, {"components": "none"}, {"unknown": 1}])
def test_what_is_no_bill_of_materials_is_refused(change: dict[str, Any]) -> None:
    bill = {"bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1}
    CycloneDxBoms().check(bill)
    with pytest.raises(BomInvalid):
        CycloneDxBoms().check({**bill, **change})
