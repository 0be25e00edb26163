"""What the pages show, worked out of facts."""

from __future__ import annotations

from pathlib import Path

import pytest

from assay.contracts import Environment, FactKind
from services.registry.adapters.notes import SqlNotes
from services.registry.errors import UnknownVersion
from services.registry.naming import Naming
from services.registry.showing.comparing import Section
from services.registry.showing.models import Listed
from services.registry.showing.proofs import WORDS, Piece
from services.registry.showing.version import ShownVersion, version_shown
from tests.unit.custody.world import MODEL, World
from tests.unit.registry.desk import PROD, Desk
from tests.unit.registry.gallery import furnished


@pytest.fixture
def gallery(tmp_path: Path) -> Desk:
    """Version 1 is champion of prod, version 2 has one of two approvals."""
    desk = Desk(World(tmp_path), tmp_path)
    furnished(desk, desk.asking)
    return desk


def shown(
    desk: Desk, number: int, environment: Environment = PROD, compare: int | None = None
) -> ShownVersion:
    people = [each.person for each in desk.world.people.values()]
    return version_shown(desk.stating, MODEL, number, environment=environment, compare=compare, people=people)


def section(version: ShownVersion, title: str) -> Section:
    return next(each for each in version.sections if each.title == title)


def piece(version: ShownVersion, kind: str) -> Piece:
    return next(each for each in version.pieces if each.kind == kind)


def test_a_version_is_compared_with_the_one_that_entered_the_environment_last(gallery: Desk) -> None:
    second = shown(gallery, 2)
    assert second.before is not None
    assert (second.before.number, second.before.why) == (
        1,
        "the last other version that entered prod, as @champion",
    )
    assert shown(gallery, 1).before is None
    assert shown(gallery, 2, Environment.TEST).before is None


def test_a_revoked_version_is_nothing_to_compare_with(gallery: Desk) -> None:
    (first, _) = gallery.world.follower.records(FactKind.VERSION)
    gallery.world.revoke(first.digest)
    assert shown(gallery, 2).before is None


def test_an_alias_that_everybody_may_move_does_not_choose_what_is_compared_with(gallery: Desk) -> None:
    naming = Naming(gallery.registry, gallery.registering, gallery.stating, SqlNotes(gallery.database))
    for free in ("challenger", "baseline"):
        naming.point(MODEL, free, 2, by=gallery.person("dana"))
    assert shown(gallery, 1).before is None


def test_any_other_version_can_be_compared_with_and_only_one_that_exists(gallery: Desk) -> None:
    first = shown(gallery, 1, compare=2)
    assert first.before is not None
    assert first.before.number == 2
    with pytest.raises(UnknownVersion):
        shown(gallery, 1, compare=9)


def test_measures_say_which_way_is_better_and_data_what_came_and_went(gallery: Desk) -> None:
    there, back = shown(gallery, 2), shown(gallery, 1, compare=2)
    (auc,) = section(there, "Measures").changes
    assert (auc.what, auc.before, auc.now, auc.better) == ("auc", "0.78", "0.81", True)
    assert section(back, "Measures").changes[0].better is False
    data = {each.what: each.word for each in section(there, "Data").changes}
    assert data == {
        "statements 2005-06": "added",
        "statements 2005-07": "added",
        "statements 2005-04": "removed",
    }


def test_what_is_the_same_is_counted_and_left_out(gallery: Desk) -> None:
    second = shown(gallery, 2)
    for title in ("Features", "Code and parameters", "Dependencies", "Policy"):
        assert section(second, title).changes == ()
        assert section(second, title).same


def test_a_policy_that_was_activated_since_is_named_with_who_signed_it(gallery: Desk) -> None:
    gallery.world.activate_policy()
    gallery.world.follower.catch_up()
    (activated,) = section(shown(gallery, 2), "Policy").changes
    assert activated.before is None
    assert activated.now is not None
    assert gallery.world.policy.revision[:12] in activated.now
    assert all(gallery.world.person(name) in activated.now for name in ("ada", "grace"))


def test_every_kind_of_evidence_has_its_place_and_what_nobody_stated_is_grey(gallery: Desk) -> None:
    second = shown(gallery, 2)
    assert [each.kind for each in second.pieces] == list(WORDS)
    grey = {each.kind for each in second.pieces if each.state == "grey"}
    assert grey == {"robustness", "privacy"}
    evaluation = piece(second, "evaluation")
    assert (evaluation.state, evaluation.signed_by) == ("good", "evaluator")
    assert piece(second, "model-card").by == gallery.world.person("dana")


def test_revoked_evidence_is_bad_and_stale_evidence_is_grey(gallery: Desk) -> None:
    package = shown(gallery, 2).row.package
    gallery.world.revoke(piece(shown(gallery, 2), "scan").digest)
    gallery.world.evidence(package, "privacy", valid_until="2020-01-01T00:00:00+00:00")
    second = shown(gallery, 2)
    assert piece(second, "scan").state == "bad"
    assert "revoked" in piece(second, "scan").words
    assert (piece(second, "privacy").state, piece(second, "privacy").words[:5]) == ("grey", "stale")


def test_a_measure_outside_its_bound_is_bad_and_says_for_which_environment(desk: Desk) -> None:
    made = desk.trained(evaluated=False)
    desk.register()
    features = desk.world.follower.records(FactKind.FEATURE_SET)[-1]
    (package,) = [digest for _, digest in made.fact.subjects]
    desk.world.evaluation(made, package, features, auc=0.55)
    evaluation = piece(shown(desk, 1), "evaluation")
    assert evaluation.state == "bad"
    assert "prod: auc at least 0.7" in evaluation.words


def test_who_signed_who_could_and_who_may_not(gallery: Desk) -> None:
    second = shown(gallery, 2)
    (amir,) = second.words
    assert (amir.person, amir.verb, amir.counts) == (gallery.world.person("amir"), "approved", True)
    assert [each.person for each in second.candidates if not each.why_not] == [gallery.world.person("bea")]
    gallery.say("amir", 2, "withdraw")
    (withdrawn,) = shown(gallery, 2).words
    assert (withdrawn.verb, withdrawn.counts) == ("withdrew", False)


def test_an_approval_that_does_not_count_says_why(gallery: Desk) -> None:
    (first, _) = gallery.world.follower.records(FactKind.EVALUATION)
    gallery.world.revoke(first.digest)
    words = shown(gallery, 1).words
    assert [word.counts for word in words] == [False, False]
    assert all(word.why_not for word in words)


def test_the_picture_links_every_fact_to_what_it_was_made_of(gallery: Desk) -> None:
    picture = shown(gallery, 1).picture
    titles = [node.title for node in picture.nodes]
    assert titles[:3] == ["statements 2005-04", "statements 2005-05", "features credit"]
    assert titles[-1] == "@champion"
    place = {node.key: n for n, node in enumerate(picture.nodes)}
    links = [(source, node.key) for node in picture.nodes for source in node.from_ if source in place]
    assert len(picture.links()) == len(links)
    assert all(place[source] < place[key] for source, key in links)
    made_of = set(picture.nodes[-1].from_)
    assert {node.key for node in picture.nodes if node.group == "people"} < made_of


def test_an_endpoint_is_in_the_picture_of_the_version_it_answers_with_now(gallery: Desk) -> None:
    gallery.world.rollout(gallery.registry.judged(MODEL, 1, PROD))
    last = shown(gallery, 1).picture.nodes[-1]
    assert (last.title, last.detail) == ("endpoint credit", "in prod")
    second = gallery.registry.judged(MODEL, 2, PROD)
    gallery.world.rollout(second)
    titles = {number: shown(gallery, number).picture.nodes[-1].title for number in (1, 2)}
    assert titles == {1: "@champion", 2: "endpoint credit"}
    before = shown(gallery, 1).before
    assert before is not None
    assert before.why.endswith("endpoint credit")


def test_a_revoked_fact_is_marked_in_the_picture(gallery: Desk) -> None:
    batch = gallery.world.follower.records(FactKind.BATCH)[0]
    gallery.world.revoke(batch.digest)
    marked = [node.title for node in shown(gallery, 1).picture.nodes if node.revoked]
    assert marked == ["statements 2005-04"]


def test_plots_are_drawn_of_stated_numbers_and_of_nothing_else(gallery: Desk) -> None:
    plots = shown(gallery, 2).plots
    assert [(curve.label, curve.behind) for curve in plots.roc] == [("v1", True), ("v2", False)]
    assert plots.roc[0].path.startswith("0.0,200.0 ")
    assert plots.roc[0].path.endswith(" 200.0,0.0")
    assert [(each.feature, each.noticed) for each in plots.drift] == [("age", True), ("limit", False)]
    ages = next(each for each in plots.slices if (each.attribute, each.measure) == ("age", "AUC"))
    assert [group.name for group in ages.groups] == ["under 30", "30 to 39", "40 to 49"]
    assert ages.gap == pytest.approx(0.04)


def test_without_stated_numbers_there_is_no_plot(registered: Desk) -> None:
    plots = shown(registered, 1).plots
    assert (plots.roc, plots.calibration, plots.slices, plots.drift) == ([], [], [], [])


def test_a_long_list_is_shown_by_the_page() -> None:
    listed = Listed.of(list(range(120)), 9)
    assert (listed.page, listed.pages, listed.shown) == (3, 3, tuple(range(100, 120)))
    assert Listed.of(["one"], 1).pages == 1
