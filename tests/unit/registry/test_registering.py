from __future__ import annotations

import pickle
from collections.abc import Callable
from dataclasses import replace

import pytest

from assay.contracts import Fact, Version, body_of
from assay.custody import package_digest, sign_package, verify_package
from assay.custody.errors import ChainRevoked, PackageRefused, WrongSubject
from assay.custody.signing import KEY
from assay.errors import BadRequest, NotFound, SignatureInvalid
from assay.ledger import Record
from assay.ledger.errors import KeyReplaced
from assay.ledger.in_force import root_in_force
from services.registry.errors import PackageDiffers, UnknownCheckpoint, UnknownPackage, UnknownRun
from tests.unit.custody.test_rotated_keys import next_root
from tests.unit.custody.world import MODEL
from tests.unit.registry.desk import Desk


def test_a_checkpoint_becomes_version_one_signed_and_kept(desk: Desk) -> None:
    run = desk.trained()
    version = body_of(desk.register().fact, Version)
    files = desk.registry.packages.files(version.package)
    assert (version.number, version.run, version.package) == (1, run.digest, package_digest(files))
    verify_package(
        files, desk.registry.packages.signature(version.signature), desk.world.root.services["model-signing"]
    )


def test_the_number_is_the_place_in_the_chain(desk: Desk) -> None:
    desk.trained("epoch-1", "epoch-2", "epoch-3")
    numbers = [body_of(desk.register(f"epoch-{n}").fact, Version).number for n in (1, 2, 3)]
    assert numbers == [1, 2, 3]


def test_a_run_may_be_named_by_its_fact(desk: Desk) -> None:
    run = desk.trained()
    assert body_of(desk.register(run=run.digest).fact, Version).run == run.digest


def test_registering_again_gives_the_same_version_and_fetches_nothing(registered: Desk) -> None:
    first = registered.register()
    asked = registered.runs.asked
    assert registered.register().digest == first.digest
    assert registered.runs.asked == asked


def test_bytes_signed_once_keep_their_signature(registered: Desk) -> None:
    again = registered.registering.register(
        MODEL, run="run-1", checkpoint="epoch-3", tier="high", by=registered.person("dana")
    )
    first, second = body_of(registered.register().fact, Version), body_of(again.fact, Version)
    assert (second.number, second.signature) == (2, first.signature)


def test_who_registers_contributes(desk: Desk) -> None:
    desk.trained()
    assert "p-ada" in body_of(desk.register(by="ada").fact, Version).contributors


def test_everybody_of_the_chain_contributes(desk: Desk) -> None:
    desk.trained(contributors=("dana", "amir"))
    assert set(body_of(desk.register().fact, Version).contributors) == {"p-dana", "p-amir"}


@pytest.mark.parametrize("run", ["run-9", "f" * 64, "../run-1", ""])
def test_an_unknown_run_is_refused(registered: Desk, run: str) -> None:
    with pytest.raises(UnknownRun):
        registered.register(run=run)


def test_a_fact_that_is_no_run_is_refused(registered: Desk) -> None:
    with pytest.raises(UnknownRun):
        registered.register(run=registered.register().digest)


def test_an_unknown_checkpoint_is_refused(registered: Desk) -> None:
    with pytest.raises(UnknownCheckpoint):
        registered.register("epoch-9")


def test_signed_bytes_are_not_renamed(registered: Desk) -> None:
    with pytest.raises(WrongSubject, match="not renamed"):
        registered.register(model="credit-premium")


@pytest.mark.parametrize("name", ["Credit", "a/b", "", "x" * 64, "../x"])
def test_a_name_that_is_none_is_refused(registered: Desk, name: str) -> None:
    with pytest.raises(BadRequest):
        registered.register(model=name)


def test_other_bytes_than_the_run_names_are_refused(desk: Desk) -> None:
    desk.trained()
    desk.runs.given["run-1", "epoch-3"]["README.md"] = b"other"
    with pytest.raises(PackageDiffers):
        desk.register()
    assert desk.world.log.head("model/demo/credit-default") is None


def test_a_pickle_in_disguise_is_refused_even_when_the_run_names_it(desk: Desk) -> None:
    world = desk.world
    features = world.feature_set(world.batch())
    desk.trained()
    files = {**desk.runs.given["run-1", "epoch-3"], "model.onnx": pickle.dumps({"w": 1})}
    desk.runs.given["run-2", "epoch-1"] = files
    world.run(features, {"epoch-1": package_digest(files)}, run="run-2")
    with pytest.raises(PackageRefused):
        desk.register("epoch-1", run="run-2")
    with pytest.raises(UnknownPackage):
        desk.registry.packages.manifest(package_digest(files))


def test_a_card_about_other_data_is_refused(desk: Desk) -> None:
    world = desk.world
    desk.trained()
    files = desk.runs.given["run-1", "epoch-3"]
    other = world.feature_set(world.batch("2005-06"), name="fs-other")
    desk.runs.given["run-2", "epoch-1"] = files
    world.run(other, {"epoch-1": package_digest(files)}, run="run-2")
    with pytest.raises(WrongSubject, match="card"):
        desk.register("epoch-1", run="run-2")


@pytest.mark.parametrize("what", ["run", "features", "batch"])
def test_nothing_is_registered_on_what_was_revoked(desk: Desk, what: str) -> None:
    run = desk.trained()
    heads = {"run": run.about, "features": "feature-set/demo/fs-run-1", "batch": "dataset/demo/statements"}
    head = desk.world.log.head(heads[what])
    assert head is not None
    desk.world.revoke(head.digest)
    with pytest.raises(ChainRevoked):
        desk.register()


def test_after_a_race_the_next_number_is_taken(desk: Desk) -> None:
    """Another replica takes number 1 between our reading the head and our append."""
    desk.trained("epoch-1", "epoch-2")
    raced = desk.raced_by(lambda: desk.register("epoch-2"))
    second = replace(desk.registering, registry=raced)
    made = second.register(MODEL, run="run-1", checkpoint="epoch-1", tier="limited", by=desk.person("dana"))
    assert body_of(made.fact, Version).number == 2


def test_two_replicas_registering_one_checkpoint_make_one_version(desk: Desk) -> None:
    desk.trained()
    first: list[str] = []
    raced = desk.raced_by(lambda: first.append(desk.register().digest))
    second = replace(desk.registering, registry=raced)
    made = second.register(MODEL, run="run-1", checkpoint="epoch-3", tier="limited", by=desk.person("dana"))
    assert [made.digest] == first


def test_every_stored_byte_is_checked_on_every_read(registered: Desk) -> None:
    package = body_of(registered.register().fact, Version).package
    for entry in registered.registry.packages.manifest(package):
        digest = entry["sha256"]
        path = registered.folder / "objects" / "sealed" / package / digest
        data = path.read_bytes()
        path.write_bytes(bytes([data[0] ^ 1]) + data[1:])
        with pytest.raises(SignatureInvalid):
            registered.registry.packages.file(package, entry["path"])
        path.write_bytes(data)
    manifest = registered.folder / "objects" / "sha256" / package[:2] / package
    manifest.write_bytes(manifest.read_bytes().replace(b"model.onnx", b"other.onnx"))
    with pytest.raises(SignatureInvalid):
        registered.registry.packages.manifest(package)


def test_training_that_does_not_know_the_package_is_passed_on(desk: Desk) -> None:
    desk.trained()
    desk.runs.given.clear()
    with pytest.raises(NotFound):
        desk.register()


def test_the_signature_is_vaults_and_no_other(desk: Desk) -> None:
    desk.trained()
    files = desk.runs.given["run-1", "epoch-3"]
    assert sign_package(desk.world.vault, files) != sign_package(desk.world.vault, files)
    version = body_of(desk.register().fact, Version)
    assert desk.registry.of_package(version.package).signature == version.signature


class NextRootFirst:
    """A ledger that a next root reaches before the first fact: its key has been replaced."""

    def __init__(self, desk: Desk, earlier: Callable[[], object]) -> None:
        self.log = desk.world.log
        self.earlier: list[Callable[[], object]] = [earlier]

    def append(self, fact: Fact) -> Record:
        """Append, but the first time."""
        while self.earlier:
            self.earlier.pop()()
            raise KeyReplaced("a next root came in between")
        return self.log.append(fact)


def test_a_version_that_met_a_next_root_is_signed_anew_with_its_bytes(desk: Desk) -> None:
    desk.trained()
    late = NextRootFirst(desk, lambda: next_root(desk.world, KEY))
    root = root_in_force(lambda: desk.world.follower.root)
    registry = replace(desk.registry, root=root, ledger=late)  # type: ignore[arg-type]
    desk.registering = replace(desk.registering, registry=registry)
    record = desk.register()
    version = body_of(record.fact, Version)
    files = desk.registry.packages.files(version.package)
    signature = desk.registry.packages.signature(version.signature)
    verify_package(files, signature, root.service_key(KEY, record.index))
    assert root.version == 2
