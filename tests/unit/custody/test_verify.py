"""The loader's verification: facts, approvals, policy and the very bytes, or nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from assay.contracts import Environment
from assay.custody import VerifiedPackage, chain, judge_move, package_digest, sign_package, verify
from assay.custody.card import card_digest
from assay.custody.chain import revoked_dependency, revoked_identity, revoked_key, revoked_person
from assay.custody.errors import ChainBroken, ChainRevoked, GateNotMet, NoModelCard, WrongSubject
from assay.custody.signing import keyid
from assay.errors import ServiceError, SignatureInvalid, Unavailable
from assay.ledger import Record
from assay.policy import OpaWasm
from tests.unit.custody.conftest import Candidate, registered
from tests.unit.custody.examples import example_files
from tests.unit.custody.memory import MemoryVault
from tests.unit.custody.world import POLICY, World, digest_of


def verified(candidate: Candidate, rollout: Record, **changed: object) -> VerifiedPackage:
    world = candidate.world
    given = {
        "rollout": rollout.digest,
        "files": candidate.files,
        "signature": candidate.signature,
        "now_ns": world.now_ns(),
    }
    return verify(world.follower, world.root, world.policy, **{**given, **changed})  # type: ignore[arg-type]


def test_a_whole_chain_gives_the_very_bytes(candidate: Candidate) -> None:
    rollout = candidate.world.rollout(candidate.approved())
    package = verified(candidate, rollout)
    assert package.digest == package_digest(candidate.files) == package_digest(package.files)
    assert package.rollout.endpoint == "credit"
    assert package.version.number == 1
    assert [approval.person for approval in package.judgement.approvals] == ["p-amir", "p-bea"]


def test_only_verify_makes_a_verified_package(candidate: Candidate) -> None:
    package = verified(candidate, candidate.world.rollout(candidate.approved()))
    with pytest.raises(TypeError):
        VerifiedPackage(
            package.files, package.digest, package.version, package.rollout, package.judgement, object()
        )


def test_what_was_verified_cannot_change_afterwards(candidate: Candidate) -> None:
    files = dict(candidate.files)
    package = verified(candidate, candidate.world.rollout(candidate.approved()), files=files)
    files["model.onnx"] = b"other"
    assert package.files["model.onnx"] == b"weights"
    with pytest.raises(TypeError):
        package.files["model.onnx"] = b"other"  # type: ignore[index]


@pytest.mark.parametrize("path", ["model.onnx", "MLmodel", "card.json"])
def test_one_flipped_bit_is_refused(candidate: Candidate, path: str) -> None:
    rollout = candidate.world.rollout(candidate.approved())
    flipped = {**candidate.files, path: bytes([candidate.files[path][0] ^ 1]) + candidate.files[path][1:]}
    with pytest.raises(ServiceError) as refused:
        verified(candidate, rollout, files=flipped)
    assert isinstance(refused.value, SignatureInvalid)


def test_files_added_or_missing_are_refused(candidate: Candidate) -> None:
    rollout = candidate.world.rollout(candidate.approved())
    with pytest.raises(SignatureInvalid):
        verified(candidate, rollout, files={**candidate.files, "more.json": b"{}"})
    with pytest.raises(NoModelCard):
        verified(candidate, rollout, files={"model.onnx": b"weights"})


def test_another_signature_over_the_same_bytes_is_refused(candidate: Candidate) -> None:
    rollout = candidate.world.rollout(candidate.approved())
    again = sign_package(candidate.world.vault, candidate.files)
    with pytest.raises(WrongSubject):
        verified(candidate, rollout, signature=again)


def test_signed_bytes_that_are_not_the_versions_package_are_refused(candidate: Candidate) -> None:
    """A version that names one package and the signature of another gives neither."""
    world, true = candidate.world, candidate.files
    other = {**true, "model.onnx": b"other weights"}
    package = package_digest(true)
    version, signature = world.version(candidate.run, "epoch-3", other, package=package)
    swapped = replace(candidate, version=version, signature=signature)
    rollout = world.rollout(swapped.approved())
    with pytest.raises(WrongSubject, match="bytes are not those"):
        verified(swapped, rollout, files=other)
    with pytest.raises(SignatureInvalid):
        verified(swapped, rollout)


def test_a_package_signed_by_another_key_is_refused(world: World) -> None:
    features = world.feature_set(world.batch())
    files = example_files((features.digest,))
    run = world.run(features, {"epoch-3": package_digest(files)})
    evaluation = world.evaluation(run, package_digest(files), features)
    true, world.vault = world.vault, _with_another_signing_key(world.vault)
    version, signature = world.version(run, "epoch-3", files)
    world.vault = true
    candidate = Candidate(world, files, features, run, evaluation, version, signature)
    with pytest.raises(SignatureInvalid, match="key"):
        verified(candidate, world.rollout(candidate.approved()))


def _with_another_signing_key(vault: MemoryVault) -> MemoryVault:
    other = MemoryVault()
    other._keys = {name: key for name, key in vault._keys.items() if name != "model-signing"}
    return other


def test_the_same_bytes_under_another_name_are_refused(candidate: Candidate) -> None:
    world = candidate.world
    renamed, signature = world.version(candidate.run, "epoch-3", candidate.files, model="credit-premium")
    with pytest.raises(WrongSubject, match="credit-premium"):
        chain(world.follower, renamed.digest)
    judgement = candidate.approved()
    rollout = world.rollout(judgement, model="credit-premium", version=renamed.digest)
    with pytest.raises(WrongSubject):
        verified(candidate, rollout, signature=signature)


def test_the_same_bytes_under_another_number_need_approvals_of_their_own(candidate: Candidate) -> None:
    world = candidate.world
    judgement = candidate.approved()
    second, signature = world.version(candidate.run, "epoch-3", candidate.files)
    rollout = world.rollout(judgement, number=2, version=second.digest)
    with pytest.raises(ServiceError):
        verified(candidate, rollout, signature=signature)
    assert world.judge(second, candidate.files).approvals == ()


def test_a_number_that_is_not_the_place_in_the_chain_is_refused(candidate: Candidate) -> None:
    jumped, _ = candidate.world.version(candidate.run, "epoch-3", candidate.files, number=7)
    with pytest.raises(WrongSubject, match="place"):
        chain(candidate.world.follower, jumped.digest)


def test_a_rollout_that_says_another_package_is_refused(candidate: Candidate) -> None:
    rollout = candidate.world.rollout(candidate.approved(), package="f" * 64)
    with pytest.raises(WrongSubject):
        verified(candidate, rollout)


def test_a_swapped_approval_is_refused(candidate: Candidate) -> None:
    """The rollout lists another version's approvals: real ones, about something else."""
    world = candidate.world
    approved = candidate.approved()
    files = example_files((candidate.features.digest,), weights=b"others")
    run = world.run(candidate.features, {"epoch-4": package_digest(files)}, run="run-2")
    world.evaluation(run, package_digest(files), candidate.features)
    second, signature = world.version(run, "epoch-4", files)
    judged = world.judge(second, files)
    listed = [approval.record.digest for approval in approved.approvals]
    rollout = world.rollout(judged, approvals=listed)
    with pytest.raises(GateNotMet):
        verified(candidate, rollout, files=files, signature=signature)


@pytest.mark.parametrize("kept", [0, 1])
def test_a_rollout_without_enough_approvals_is_refused(candidate: Candidate, kept: int) -> None:
    approved = candidate.approved()
    listed = [approval.record.digest for approval in approved.approvals[:kept]]
    with pytest.raises(GateNotMet):
        verified(candidate, candidate.world.rollout(approved, approvals=listed))


def test_one_approval_listed_twice_counts_once(candidate: Candidate) -> None:
    approved = candidate.approved()
    listed = [approved.approvals[0].record.digest] * 2
    with pytest.raises(GateNotMet):
        verified(candidate, candidate.world.rollout(approved, approvals=listed))


def test_evidence_must_be_exactly_what_stands_behind_the_version(candidate: Candidate) -> None:
    approved = candidate.approved()
    fewer = [[d for d in approved.evidence if d != left_out] for left_out in approved.evidence]
    for evidence in (*fewer, [], [*approved.evidence, "f" * 64]):
        with pytest.raises((WrongSubject, GateNotMet)):
            verified(candidate, candidate.world.rollout(approved, evidence=evidence))


def test_a_rollout_of_dev_does_not_open_prod(candidate: Candidate) -> None:
    judged = candidate.judged(Environment.DEV)
    assert judged.verdict.passed
    assert verified(candidate, candidate.world.rollout(judged)).judgement.environment is Environment.DEV
    with pytest.raises(ServiceError):
        candidate.world.rollout(judged, endpoint="other")


def test_an_evaluation_on_rows_the_run_had_is_none(world: World) -> None:
    features = world.feature_set(world.batch())
    files = example_files((features.digest,))
    run = world.run(features, {"epoch-3": package_digest(files)})
    said = world.evaluation(run, package_digest(files), features)
    cheating = dict(said.fact.body) | {"rows": features.fact.body["splits"]["train"]}
    world.say(said.kind, said.about, cheating)
    version, _ = world.version(run, "epoch-3", files)
    assert [r.digest for r in chain(world.follower, version.digest).evaluations] == [said.digest]


def test_an_evaluation_of_another_run_with_equal_bytes_is_none(candidate: Candidate) -> None:
    world = candidate.world
    other = world.run(candidate.features, {"epoch-3": package_digest(candidate.files)}, run="run-2")
    version, _ = world.version(other, "epoch-3", candidate.files)
    assert chain(world.follower, version.digest).evaluations == ()


@pytest.mark.parametrize("missing", ["run", "feature set", "batch"])
def test_a_chain_with_a_missing_link_is_refused(world: World, missing: str) -> None:
    batch = world.batch()
    features = world.feature_set(batch)
    files = example_files((features.digest,))
    if missing == "batch":
        body = dict(features.fact.body) | {"facts": ["f" * 64]}
        features = world.say(features.kind, "feature-set/demo/fs-2", body)
    run = world.run(features, {"epoch-3": package_digest(files)})
    if missing == "feature set":
        body = dict(run.fact.body)
        body["buildDefinition"] = dict(body["buildDefinition"]) | {"resolvedDependencies": []}
        run = world.say(run.kind, "run/run-1", body, subjects=run.fact.subjects)
    changed = {"run": "f" * 64} if missing == "run" else {}
    version, _ = world.version(run, "epoch-3", files, **changed)
    with pytest.raises(ChainBroken):
        chain(world.follower, version.digest)


@pytest.mark.parametrize("of", ["run", "evaluation", "features"])
def test_a_chain_with_another_tenants_fact_in_it_is_refused(candidate: Candidate, of: str) -> None:
    """The log keeps names apart; a loader does not take another tenant's data or measures for its own."""
    world, foreign = candidate.world, getattr(candidate, of)

    class Edited:
        def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - the follower's own
            return getattr(world.follower, name)

        def record(self, digest: str) -> Record | None:
            return _moved(world.follower.record(digest))

        def records(self, *asked: Any) -> list[Record]:  # noqa: ANN401
            return [found for one in world.follower.records(*asked) if (found := _moved(one)) is not None]

    def _moved(record: Record | None) -> Record | None:
        if record is None or record.digest != foreign.digest:
            return record
        fact = replace(record.fact, tenant="acme")  # its digest stays: the payload is the parsed one's
        return replace(record, signed=replace(record.signed, fact=fact))

    chain(world.follower, candidate.version.digest)
    with pytest.raises(WrongSubject, match="belongs to another tenant"):
        chain(Edited(), candidate.version.digest)


def test_a_package_the_run_did_not_make_is_refused(candidate: Candidate) -> None:
    other = example_files((candidate.features.digest,), weights=b"others")
    version, _ = candidate.world.version(candidate.run, "epoch-3", other)
    with pytest.raises(WrongSubject, match="made no"):
        chain(candidate.world.follower, version.digest)


def test_a_card_about_another_model_or_other_data_is_refused(world: World) -> None:
    for card in (example_files((digest_of("x"),)), example_files((), model="other")):
        fresh = World(_folder(world, package_digest(card)[:8]))
        candidate = _with_files(fresh, card)
        with pytest.raises(SignatureInvalid):
            verified(candidate, fresh.rollout(candidate.approved()))


def _folder(world: World, name: str) -> Path:
    folder = world.folder / name
    folder.mkdir()
    return folder


def _with_files(world: World, files: dict[str, bytes]) -> Candidate:
    features = world.feature_set(world.batch())
    if b'"datasets":[]' in files["card.json"]:
        files = {**files, "card.json": example_files((features.digest,), model="other")["card.json"]}
    run = world.run(features, {"epoch-3": package_digest(files)})
    evaluation = world.evaluation(run, package_digest(files), features)
    version, signature = world.version(run, "epoch-3", files)
    return Candidate(world, files, features, run, evaluation, version, signature)


def _revocations(candidate: Candidate) -> dict[str, str]:
    whole = chain(candidate.world.follower, candidate.version.digest)
    world = candidate.world
    return {
        "version": candidate.version.digest,
        "run": candidate.run.digest,
        "evaluation": candidate.evaluation.digest,
        "feature set": candidate.features.digest,
        "batch": whole.batches[0].digest,
        "contributor": revoked_person("p-dana"),
        "approver": revoked_person("p-amir"),
        "run's identity": revoked_identity("run/run-1"),
        "dependency": revoked_dependency("ray@2.60"),
        "key of the run fact": revoked_key(candidate.run.signed.keyid),
        "model-signing key": revoked_key(keyid(world.root.services["model-signing"])),
    }


REVOKED = [
    "version",
    "run",
    "evaluation",
    "feature set",
    "batch",
    "contributor",
    "approver",
    "run's identity",
    "dependency",
    "key of the run fact",
    "model-signing key",
]


@pytest.mark.parametrize("what", REVOKED)
def test_whatever_is_revoked_stops_the_chain(candidate: Candidate, what: str) -> None:
    rollout = candidate.world.rollout(candidate.approved())
    verified(candidate, rollout)
    candidate.world.revoke(_revocations(candidate)[what], what)
    with pytest.raises(ChainRevoked):
        verified(candidate, rollout)


def test_a_revoked_version_before_takes_nothing_from_the_next(candidate: Candidate) -> None:
    world = candidate.world
    second, signature = world.version(candidate.run, "epoch-3", candidate.files)
    later = Candidate(
        world, candidate.files, candidate.features, candidate.run, candidate.evaluation, second, signature
    )
    world.revoke(candidate.version.digest, "version 1")
    assert verified(later, world.rollout(later.approved())).version.number == 2


def test_a_running_rollout_outlives_the_end_of_its_approvals(candidate: Candidate) -> None:
    """Expiry ends the right to promote; how long a rollout runs is the tier's rule: 180 days."""
    world = candidate.world
    rollout = world.rollout(candidate.approved())
    later = world.now_ns() + 179 * 86_400 * 1_000_000_000
    card = card_digest(candidate.files)
    judged = judge_move(
        world.follower, world.root, world.policy, move=rollout.digest, card=card, now_ns=later
    )
    assert judged.verdict.passed


def test_a_rollout_that_claims_a_time_before_its_approvals_is_refused(candidate: Candidate) -> None:
    world = candidate.world
    approved = candidate.approved()
    world.start = world.start.replace(year=world.start.year - 1)
    rollout = world.rollout(approved)
    world.start = world.start.replace(year=world.start.year + 1)
    with pytest.raises(ChainBroken, match="cannot be"):
        verified(candidate, rollout)


def test_a_policy_that_does_not_answer_is_no_yes(candidate: Candidate) -> None:
    world = candidate.world
    rollout = world.rollout(candidate.approved())
    world.policy = OpaWasm(POLICY, expected=lambda: "another revision")
    with pytest.raises(Unavailable):
        verified(candidate, rollout)


@pytest.mark.parametrize("pick", [lambda c: c.run, lambda c: c.evaluation, lambda c: c.version])
def test_a_chain_starts_at_a_rollout(candidate: Candidate, pick: Callable[[Candidate], Record]) -> None:
    with pytest.raises(ChainBroken):
        verified(candidate, pick(candidate))


def test_bytes_that_only_look_like_bytes_are_copied_first(candidate: Candidate) -> None:
    held = {path: bytearray(data) for path, data in candidate.files.items()}
    package = verified(candidate, candidate.world.rollout(candidate.approved()), files=MappingProxyType(held))
    held["model.onnx"][0] ^= 1
    assert package.files["model.onnx"] == b"weights"


def test_a_later_contributor_list_cannot_leave_anybody_out(world: World) -> None:
    """The registry's own list is added to what run, features and data say; it replaces nothing."""
    candidate = registered(world, contributors=("dana", "bea"))
    assert candidate.version.fact.body["contributors"] == ["p-dana"]
    assert candidate.judged().chain.contributors == {"p-dana", "p-bea"}
