"""Ways to have an unapproved model answer, each a function of the stand; `test_unapproved` tries them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest

from assay.contracts import Alias, Environment, FactKind, canonical, sha256_hex
from assay.custody import sign_package
from assay.custody.chain import revoked_key, revoked_person
from assay.errors import ServiceError
from assay.ledger import Record
from services.predictor.adapters.custody import RegistryCustody
from services.registry.adapters.notes import SqlNotes
from services.registry.naming import Naming
from tests.attacks.stand import PLACE, Stand
from tests.unit.custody.world import MODEL, TENANT
from tests.unit.registry.desk import PROD

Attack = Callable[[Stand], object]


# ---- rows of the registry's database


def row(edit: str) -> Attack:
    """Edit a row, then roll out what the registry says its champion is."""

    def attack(stand: Stand) -> None:
        stand.desk.execute(edit)
        moved = stand.desk.registry.believed.alias(PROD, MODEL, "champion")
        stand.roll_out(number=moved.fact.body["number"])

    return attack


def words_row(stand: Stand) -> None:
    """Write the approvals of version 1 into the table as those of version 2, and ask for the champion."""
    stand.desk.execute("UPDATE word SET number = 2")
    stand.desk.promote(2)
    stand.roll_out(alias="champion")


def version_row(stand: Stand) -> None:
    """Have row 1 name version 2, promote and roll out version 1 by the row."""
    second = stand.version(2)
    stand.desk.execute("DELETE FROM version WHERE number = 2")
    stand.desk.execute(
        f"UPDATE version SET fact = '{second.digest}', package = '{second.fact.body['package']}' WHERE number = 1"  # noqa: S608 - the attack
    )
    stand.desk.promote(1)
    stand.roll_out(alias="champion")


def notes_row(stand: Stand) -> None:
    """Write tags that look like the platform's."""
    drafts = SqlNotes(stand.desk.database)
    drafts.note(MODEL, 2, {"assay.tier": "low", "approval": "approved", "stage": "Production"}, by="p-dana")
    stand.roll_out(number=2)


def position_row(stand: Stand) -> None:
    """Have the tables forget where they were, and be filled by what they are told again."""
    stand.desk.execute("UPDATE applied_index SET next = next - 3")
    stand.desk.execute("UPDATE alias SET number = 2")
    moved = stand.desk.registry.believed.alias(PROD, MODEL, "champion")
    stand.roll_out(number=moved.fact.body["number"])


# ---- bytes in the object store


def _overwrite(stand: Stand, place: str, data: bytes) -> None:
    path = stand.desk.folder / "objects" / place
    path.write_bytes(data)


def file_swapped(stand: Stand) -> None:
    """Put other bytes where a file of version 1 lies, and roll it out again."""
    package = stand.version(1).fact.body["package"]
    (entry,) = [e for e in stand.desk.registry.packages.manifest(package) if e["path"] == "README.md"]
    _overwrite(stand, f"sealed/{package}/{entry['sha256']}", b"other bytes")
    stand.roll_out(number=1)


def manifest_swapped(stand: Stand) -> None:
    """Put the manifest of version 2 where that of version 1 lies."""
    first, second = (stand.version(n).fact.body["package"] for n in (1, 2))
    other = stand.desk.registry.packages.manifest(second)
    for entry in other:
        sealed = stand.desk.objects.get(f"sealed/{second}/{entry['sha256']}")
        _overwrite(stand, f"sealed/{first}/{entry['sha256']}", sealed)
    _overwrite(stand, f"sha256/{first[:2]}/{first}", canonical(other))
    stand.say_rollout()


def swapped_after_verifying(stand: Stand) -> None:
    """Change the bytes between verification and loading."""
    verified = RegistryCustody.verified

    def late(self: RegistryCustody, rollout: Record) -> Any:  # noqa: ANN401 - a verified package
        package = verified(self, rollout)
        place = f"sealed/{package.digest}/{sha256_hex(package.files['README.md'])}"
        _overwrite(stand, place, b"changed after it was verified")
        return package

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(RegistryCustody, "verified", late)
        stand.say_rollout(reason="again")
        stand.rollouts.step()


# ---- facts, with the keys of the services stolen


def rollout_unapproved(stand: Stand) -> None:
    stand.say_rollout(**stand.names(2), approvals=[])


def rollout_with_the_others_approvals(stand: Stand) -> None:
    stand.say_rollout(**stand.names(2))


def rollout_of_another_package(stand: Stand) -> None:
    """Name version 1 with its approvals, and the package of version 2."""
    stand.say_rollout(package=stand.names(2)["package"])


def rollout_of_another_number(stand: Stand) -> None:
    stand.say_rollout(**{**stand.names(2), "number": 1})


def rollout_of_other_evidence(stand: Stand) -> None:
    """List the evidence of version 1 for version 2."""
    stand.say_rollout(**{**stand.names(2), "evidence": stand.standing.fact.body["evidence"]}, approvals=[])


def alias_by_the_registry(stand: Stand) -> None:
    """Move the champion with the registry's key, and have serving roll it out."""
    world = stand.desk.world
    body = Alias(
        model=MODEL,
        alias="champion",
        number=2,
        version=stand.version(2).digest,
        approvals=(),
        evidence=(),
        policy=world.policy.revision,
    )
    world.say(FactKind.ALIAS, f"alias/prod/{MODEL}@champion", body.model_dump(mode="json"), environment=PROD)
    stand.roll_out(alias="champion")


def free_alias(stand: Stand) -> None:
    """Point the challenger at it, as anybody may, and roll the challenger out."""
    desk = stand.desk
    naming = Naming(desk.registry, desk.registering, desk.stating, SqlNotes(desk.database))
    naming.point(MODEL, "challenger", 2, by=desk.person("dana"))
    stand.roll_out(alias="challenger")


def approvals_of_another_environment(stand: Stand) -> None:
    """Have both approve for dev, and roll out in prod on that."""
    world = stand.desk.world
    judged = stand.desk.registry.judged(MODEL, 2, Environment.DEV)
    said = [world.approve(judged, name) for name in ("amir", "bea")]
    stand.say_rollout(**stand.names(2), approvals=[one.digest for one in said])


def renamed_version(stand: Stand) -> None:
    """Say that version 3 is the run, number and signature of version 1 with the bytes of version 2."""
    world = stand.desk.world
    first, second = stand.version(1), stand.version(2)
    body = {**first.fact.body, "number": 3, "package": second.fact.body["package"]}
    third = world.say(
        FactKind.VERSION, first.about, body, subjects=((MODEL, str(second.fact.body["package"])),)
    )
    stand.say_rollout(number=3, version=third.digest, package=second.fact.body["package"])


def signed_by_another_key(stand: Stand) -> None:
    """Approve honestly what another key signed."""
    desk = stand.desk
    desk.approved(2)
    files = desk.registry.packages.files(stand.version(2).fact.body["package"])
    true = desk.world.vault._keys.pop("model-signing")
    signature = sign_package(desk.world.vault, files, name=MODEL)
    desk.world.vault._keys["model-signing"] = true
    digest = desk.registry.packages.keep_signature(signature)
    body = {**stand.version(2).fact.body, "number": 3, "signature": digest}
    desk.world.say(FactKind.VERSION, f"model/{TENANT}/{MODEL}", body, subjects=((MODEL, body["package"]),))
    desk.approved(3)
    stand.roll_out(number=3)


# ---- people


def starter_approves(stand: Stand) -> None:
    """Have who started the run approve it beside one other person."""
    desk = stand.desk
    desk.world.grant_role("dana", "approver", by=("ada", "grace"))
    for name in ("dana", "bea"):
        with suppress(ServiceError):
            desk.say(name, 2)
    stand.roll_out(number=2)


def replayed_approval(stand: Stand) -> None:
    """Say again what was said once and withdrawn, with the registry's key."""
    desk = stand.desk
    desk.say("bea", 2)
    said = desk.say("amir", 2)
    withdrawn = desk.say("amir", 2, verb="withdraw")
    desk.world.log.append(
        replace(said.fact, previous=withdrawn.digest, time=desk.world.time(), _payload=None)
    )
    desk.world.follower.catch_up()
    stand.roll_out(number=2)


def forged_approval(stand: Stand) -> None:
    """Put one person's signature under another's name."""
    desk = stand.desk
    desk.say("bea", 2)
    mine, other = desk.signed("amir", 2), desk.signed("bea", 2, changed={"person": "p-amir", "nonce": "n"})
    desk.deciding.hand_in(mine.model_copy(update={"signature": other.signature}), by=desk.person("amir"))
    stand.roll_out(number=2)


# ---- back to what was taken back


def _approved_and_revoked(stand: Stand, what: Callable[[Record], str] = lambda record: record.digest) -> None:
    """Approve and roll out version 2, then revoke version 1: only version 2 may answer from here on."""
    desk = stand.desk
    desk.approved(2)
    stand.roll_out(number=2)
    stand.allowed = {stand.version(2).fact.body["package"]}
    desk.world.revoke(what(stand.version(1)))


def downgrade(stand: Stand) -> None:
    _approved_and_revoked(stand)
    stand.roll_out(number=1)


def downgrade_by_rolling_back(stand: Stand) -> None:
    _approved_and_revoked(stand)
    stand.serving.roll_back(PLACE, "a test", by=stand.desk.person("ada"))


def downgrade_by_the_old_fact(stand: Stand) -> None:
    """Say the first rollout again with serving's key."""
    _approved_and_revoked(stand)
    stand.say_rollout()


def downgrade_after_its_run_was_revoked(stand: Stand) -> None:
    _approved_and_revoked(stand, lambda record: str(record.fact.body["run"]))
    stand.say_rollout()


def revoked_approver(stand: Stand) -> None:
    """Roll out again what a person approved who is revoked by now."""
    stand.desk.world.revoke(revoked_person("p-amir"))
    stand.allowed = set()
    stand.say_rollout()


def revoked_while_it_is_verified(stand: Stand) -> None:
    """Revoke an approval after serving judged and before the predictor does."""
    desk = stand.desk
    desk.approved(2)
    stand.allowed = {stand.version(1).fact.body["package"]}
    ensure = stand.ensure
    amir = desk.world.log.head(f"approval/{MODEL}/2/prod/p-amir")
    assert amir is not None

    def late(place: Any) -> None:  # noqa: ANN401 - a place
        desk.world.revoke(amir.digest)
        ensure(place)

    stand.__dict__["ensure"] = late
    stand.roll_out(number=2)


def revoked_model_key(stand: Stand) -> None:
    """Say the first rollout again after the key that signed its version fact was revoked."""
    key = revoked_key(stand.version(1).signed.keyid)
    stand.desk.world.revoke(key)
    stand.allowed = set()
    stand.say_rollout()


def measured_on_its_own_rows(stand: Stand) -> None:
    """Approve version 3, which nobody measured but on the rows it was trained on."""
    desk = stand.desk
    desk.trained(run="run-3", evaluated=False)
    third = desk.register(run="run-3")
    run = desk.world.follower.record(third.fact.body["run"])
    features = desk.world.log.head("feature-set/demo/fs-run-3")
    assert run is not None
    assert features is not None
    desk.world.say(
        FactKind.EVALUATION,
        f"evaluation/{third.fact.body['package']}",
        {
            "package": third.fact.body["package"],
            "run": run.digest,
            "feature_set": features.digest,
            "rows": features.fact.body["splits"]["train"],
            "metrics": {"auc": 0.99, "f1": 0.9, "brier": 0.1, "ece": 0.01, "threshold": 0.5, "n": 6000.0},
            "slices": {},
            "calibration": [],
        },
    )
    desk.approved(3)
    stand.roll_out(number=3)
