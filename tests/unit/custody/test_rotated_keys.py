"""Packages and receipts once keys were rotated: an old key counts for what stands before, and for nothing later."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from assay.contracts import Fact, FactKind
from assay.custody import export, package_digest, sign_package, verify_bundle
from assay.custody.card import Card
from assay.custody.chain import chain, revoked_key
from assay.custody.errors import ChainRevoked
from assay.custody.signing import KEY, keyid
from assay.custody.verify import check_bytes
from assay.errors import SignatureInvalid
from assay.ledger import Root, root_payload
from assay.ledger.root import root_document
from assay_laptop.genesis.people import FOUNDERS
from tests.unit.custody.conftest import Candidate, registered
from tests.unit.custody.examples import example_files
from tests.unit.custody.receipts import journaled_receipt
from tests.unit.custody.world import World


def next_root(world: World, *keys: str) -> Root:
    """Rotate services' keys and have the founders say the root that lists the new ones; return it as followed."""
    for key in keys:
        world.vault.rotate(key)
    old, head = world.follower.root, world.log.head("root")
    assert head is not None
    payload = root_payload(
        trust_domain=old.trust_domain,
        demonstration=old.demonstration,
        rp_id=old.rp_id,
        origins=old.origins,
        threshold=old.threshold,
        expires=old.expires,
        admins=old.founders,
        signers=[one for one in old.signers if one.until is None],
        log_origin=old.log_origin,
        log_public_key=old.log_key_pem,
        services={**old.services, **{key: world.vault.public_key(key) for key in keys}},
        version=old.version + 1,
        previous=old.fingerprint,
    )
    said = root_document(payload, [world.people[name].passkey.assert_(payload) for name in FOUNDERS])
    fact = Fact(FactKind.ROOT, "root", "", world.time(), json.loads(said), previous=head.digest)
    world.log.append(fact)
    world.follower.catch_up()
    world.root = world.follower.root
    return world.root


def another(world: World, first: Candidate) -> Candidate:
    """Register a second version of a run of its own."""
    files = example_files((first.features.digest,), weights=b"other weights")
    package = package_digest(files)
    run = world.run(first.features, {"last": package}, run="run-2")
    evaluation = world.evaluation(run, package, first.features)
    version, signature = world.version(run, "last", files)
    return Candidate(world, files, first.features, run, evaluation, version, signature)


def checked(of: Candidate, signature: bytes | None = None) -> Card:
    """Check a version's bytes and model signature against the root in force."""
    whole = chain(of.world.follower, of.version.digest)
    return check_bytes(whole, of.files, signature or of.signature, of.world.follower.root)


@pytest.fixture
def candidate(tmp_path: Path) -> Candidate:
    return registered(World(tmp_path))


def test_before_and_after_a_rotation_versions_verify_each_by_the_key_of_its_time(
    candidate: Candidate,
) -> None:
    world = candidate.world
    pinned = world.root
    root = next_root(world, KEY)
    second = another(world, candidate)
    third_root = next_root(world, KEY)
    keys = [third_root.service_key(KEY, of.version.index) for of in (candidate, second)]
    assert keys == [pinned.services[KEY], root.services[KEY]]
    assert len({*keys, third_root.services[KEY]}) == 3
    for of in (candidate, second):
        assert checked(of).model == "credit-default"


def test_after_a_rotation_the_old_key_signs_no_package_any_more(candidate: Candidate) -> None:
    world = candidate.world
    old = dict(world.vault._keys)
    next_root(world, KEY)
    newest = world.vault._keys[KEY]
    world.vault._keys[KEY] = old[KEY]
    late = another(world, candidate)
    world.vault._keys[KEY] = newest
    with pytest.raises(SignatureInvalid):
        checked(late)
    assert late.signature != sign_package(world.vault, late.files)


def test_a_receipt_from_before_verifies_offline_with_the_first_root_after_the_rotation(
    candidate: Candidate,
) -> None:
    world = candidate.world
    pinned = world.root
    part = journaled_receipt(world, world.rollout(candidate.approved()))
    next_root(world, KEY, "grant")
    bundle = json.loads(json.dumps(export(part, world.log, world.follower)))
    now = world.log.checkpoint().time_ms / 1000
    assert verify_bundle(bundle, pinned, now=now).receipt == part["receipt"]


def test_a_revoked_old_key_takes_its_packages_along_and_leaves_the_newer_ones(candidate: Candidate) -> None:
    world = candidate.world
    before = world.root.services[KEY]
    next_root(world, KEY)
    second = another(world, candidate)
    for name in ("amir", "bea"):
        world.approve(second.judged(), name)
    world.revoke(revoked_key(keyid(before)), "a key")
    assert second.judged().verdict.passed
    with pytest.raises(ChainRevoked):
        candidate.judged()


def test_a_root_without_a_rotation_retires_nothing(candidate: Candidate) -> None:
    assert next_root(candidate.world).retired == ()
    assert replace(candidate.world.root, retired=()).services == candidate.world.root.services
