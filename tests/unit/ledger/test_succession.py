"""The next root: said by the old founders and the new, counting from the entry after its own, provable offline."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from assay.contracts import Fact, FactKind, SignedFact
from assay.errors import SignatureInvalid
from assay.ledger import Follower, Root, keyid_of, read_bundle
from assay.ledger.errors import KeyReplaced
from assay.ledger.next_root import NextRoot
from assay.ledger.succession import succeeded
from services.ledger.log import Log
from tests.support.ledger import TIME, House, Keys, run

BOTH = ("p-ada", "p-grace")


def next_root(house: House, log: Log, said_by: Sequence[str] = BOTH, **changes: Any) -> Fact:  # noqa: ANN401
    """Return the fact of a next root with the keys as they are now."""
    changes = {"version": log.root.version + 1, "previous": log.root.fingerprint, **changes}
    head = log.head("root")
    assert head is not None
    body = json.loads(house.root_json(said_by, **changes))
    return Fact(kind=FactKind.ROOT, about="root", tenant="", time=TIME, body=body, previous=head.digest)


def rotated(house: House, log: Log, said_by: Sequence[str] = BOTH, **changes: Any) -> int:  # noqa: ANN401
    """Rotate the key of runs and append the root that lists its new version; return where it stands."""
    house.keys.rotate("fact-run")
    return log.append(house.signer.sign(next_root(house, log, said_by, **changes))).index


def test_a_new_key_version_counts_after_the_next_roots_entry_and_an_old_one_before_it(
    house: House, log: Log
) -> None:
    old = house.signer.sign(run("r-late"))
    first = log.append(house.signer.sign(run("r-1")))
    house.keys.rotate("fact-run")
    too_early = house.signer.sign(run("r-early"))
    with pytest.raises(SignatureInvalid, match="does not let key"):
        log.append(too_early)
    index = log.append(house.signer.sign(next_root(house, log))).index
    with pytest.raises(SignatureInvalid, match="does not let key"):
        log.append(old)
    second = log.append(too_early)
    assert (log.root.version, log.successions()) == (2, [index])
    assert log.root.verify(first.signed, first.index).until == index + 1
    assert log.root.verify(second.signed, second.index).from_index == index + 1


def test_a_client_and_a_follower_with_the_old_root_follow_the_chain(house: House, log: Log) -> None:
    with house.client(log, "/svc/core/training") as client:
        before = client.append(run("r-1"))
        index = rotated(house, log)
        after = client.append(run("r-2"))
        assert client.fact(before.digest) == before
        assert client.fact(after.digest) == after
        bundle = client.proof_bundle([before.digest, after.digest], revocation_keys=[])
        proven = read_bundle(bundle, house.root)
        assert (proven.root.version, [one["index"] for one in bundle["roots"]]) == (2, [index])
        follower = Follower(client, house.root, lease_seconds=60)
        follower.catch_up()
        assert follower.root.version == 2
    for roots in ([], [bundle["entries"][0]], [*bundle["roots"], *bundle["roots"]]):
        with pytest.raises(SignatureInvalid):
            read_bundle({**bundle, "roots": roots}, house.root)


def test_the_chain_goes_on_and_outlives_a_restart(house: House) -> None:
    with house.open() as log:
        house.found(log)
        records = [log.append(house.signer.sign(run("r-0")))]
        for n in (1, 2):
            rotated(house, log)
            records.append(log.append(house.signer.sign(run(f"r-{n}"))))
    with house.open(create=False) as again, house.client(again, "/people/p-dana") as client:
        assert again.root.version == 3
        for record in records:
            assert client.fact(record.digest) == record


def test_who_holds_the_root_in_force_reads_what_who_holds_the_first_one_reads(house: House, log: Log) -> None:
    with house.client(log, "/svc/core/training") as client:
        facts = [client.append(run("r-0"))]
        for n in (1, 2):
            rotated(house, log)
            facts.append(client.append(run(f"r-{n}")))
        bundle = client.proof_bundle([one.digest for one in facts], revocation_keys=[])
        follower = Follower(client, house.root, lease_seconds=60)
        follower.catch_up()
    proven = [read_bundle(bundle, root) for root in (house.root, follower.root)]
    assert [one.root.version for one in proven] == [3, 3]
    assert proven[0].records == proven[1].records == {one.digest: one for one in facts}


@pytest.mark.parametrize("said_by", [("p-ada",), ("p-ada", "p-ada"), ("p-amir", "p-bea"), ()])
def test_too_few_founders_of_the_old_root_make_no_next_one(
    house: House, log: Log, said_by: tuple[str, ...]
) -> None:
    with pytest.raises(SignatureInvalid):
        rotated(house, log, said_by)
    assert log.root.version == 1


def test_the_new_founders_alone_make_no_next_root_and_with_the_old_ones_they_do(
    house: House, log: Log
) -> None:
    new = [
        json.loads(house.credential(one).model_dump_json(exclude={"assertions"}))
        for one in ("p-amir", "p-bea")
    ]
    with pytest.raises(SignatureInvalid):
        rotated(house, log, ("p-amir", "p-bea"), admins=new)
    with pytest.raises(SignatureInvalid):
        rotated(house, log, BOTH, admins=new)
    with pytest.raises(SignatureInvalid):
        rotated(house, log, ("p-ada", "p-amir", "p-bea"), admins=new)
    rotated(house, log, ("p-ada", "p-grace", "p-amir", "p-bea"), admins=new)
    assert [one.person for one in log.root.founders] == ["p-amir", "p-bea"]
    with pytest.raises(SignatureInvalid):
        rotated(house, log, BOTH)


@pytest.mark.parametrize(
    "changes",
    [
        {"version": 3},
        {"version": 1, "previous": None},
        {"previous": "0" * 64},
        {"trust_domain": "other.demo", "signers": []},
        {"rp_id": "elsewhere"},
        {"witnesses": [], "quorum": 1},
        {"threshold": 1, "version": 9},
    ],
)
def test_a_next_root_that_does_not_follow_is_refused(house: House, log: Log, changes: dict[str, Any]) -> None:
    with pytest.raises(SignatureInvalid):
        rotated(house, log, **changes)


def test_a_forged_next_root_is_refused_even_by_who_reads_the_bundle(house: House, log: Log) -> None:
    forger = House(house.folder / "forger", keys=house.keys)
    fact = next_root(forger, log)
    with pytest.raises(SignatureInvalid):
        succeeded(house.root, fact, 20)
    with pytest.raises(SignatureInvalid):
        log.append(house.signer.sign(fact))


def test_a_root_of_a_later_version_says_what_it_follows(house: House) -> None:
    with pytest.raises(Exception, match="version 1"):
        Root.parse(house.root_json(BOTH, version=2))


def test_only_the_key_of_roots_carries_one(house: House, log: Log) -> None:
    fact = next_root(house, log)
    by_run = SignedFact(
        fact, house.signer.sign(run("x")).keyid, house.keys.sign("fact-run", SignedFact.pae(fact.payload()))
    )
    with pytest.raises(SignatureInvalid, match="does not let key"):
        log.append(by_run)


class TwoVersions(Keys):
    """Keys that go on signing with the version before until they are told of the next root."""

    def __init__(self) -> None:
        super().__init__()
        self.looks = 0
        self._before: dict[str, tuple[str, Callable[[bytes], bytes]]] = {}

    def rotate(self, key: str) -> None:
        """Make a new version beside the one that signs."""
        pem, private = self.public_key(key), self._key(key)
        assert isinstance(private, ec.EllipticCurvePrivateKey)
        self._before[key] = (pem, lambda data: private.sign(data, ec.ECDSA(hashes.SHA256())))
        super().rotate(key)

    def sign(self, key: str, data: bytes) -> bytes:
        """Sign with the version before, at the first look."""
        self.looks += key in self._before
        return self._before[key][1](data) if self._late(key) else super().sign(key, data)

    def public_key(self, key: str) -> str:
        """Return whose signature `sign` gave."""
        return self._before[key][0] if self._late(key) else super().public_key(key)

    def _late(self, key: str) -> bool:
        return key in self._before and self.looks < 2


def test_a_fact_that_met_a_next_root_on_its_way_is_signed_anew_and_nobody_is_told(tmp_path: Path) -> None:
    house = House(tmp_path, keys=(keys := TwoVersions()))
    with house.open() as log, house.client(log, "/svc/core/training") as client:
        house.found(log)
        keys.rotate("fact-run")
        keys.looks = 2
        log.append(house.signer.sign(next_root(house, log)))
        keys.looks = 0
        record = client.append(run("r-1"))
    assert (keys.looks, record.signed.keyid) == (2, keyid_of(keys.public_key("fact-run")))


def test_a_key_counts_for_what_comes_next_until_a_root_replaces_it(house: House, log: Log) -> None:
    before = house.keys.public_key("fact-run")
    assert log.root.counts_now(before)
    rotated(house, log)
    assert log.root.counts_now(house.keys.public_key("fact-run"))
    assert log.root.counts_now(house.keys.public_key("log"))
    assert not log.root.counts_now(before)
    with pytest.raises(KeyReplaced):
        log.root.signer_for(run("x"), keyid_of(before), 99)


def test_founders_read_in_words_what_a_draft_changes(house: House, log: Log) -> None:
    before = keyid_of(house.keys.public_key("fact-run"))[:16]
    house.keys.rotate("fact-run")
    after = keyid_of(house.keys.public_key("fact-run"))[:16]
    statement = next_root(house, log, threshold=1).body["payload"]
    drafted = NextRoot.drafted(log.root, statement)
    said = [str(each) for each in drafted.changes()]
    assert said[0] == f"key of run facts by /svc/core/training: {before} -> {after}"
    assert said[1:] == ["founders that must say the one after: 2 -> 1"]
    assert Root.parse(house.root_json(BOTH, **statement), before=log.root).fingerprint == drafted.digest
