"""The real witness beside the real ledger: what it cosigns, what it refuses, and what that stops."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from assay.errors import ServiceError, SignatureInvalid, Stale, Unavailable
from assay.ledger import CheckpointMemory, Follower, LedgerClient, LogForked, LogTruncated, Record
from assay.ledger.checkpoint import Checkpoint, open_note
from assay.ledger.cosignature import cosign, open_checkpoint
from assay.ledger.errors import NotWitnessed
from assay.ledger.known import Maps
from assay.ledger.tree import Tree, leaf_hash
from services.ledger.errors import NotOutstanding, StoreFailed
from services.ledger.log import Log
from services.ledger.store import open_store
from services.witness.adapters.folder import Folder
from services.witness.errors import BackDated, ClocksApart, NoWitness, StateLost
from services.witness.usecases import Following
from services.witness.witnessing import Witnessing
from tests.integration.witness.lying import SECONDS, Shown, lied_to
from tests.support.ledger import House, run


@contextmanager
def opened(house: House) -> Iterator[Log]:
    with house.open() as log:
        house.found(log)
        yield log


@contextmanager
def store_at(house: House, folder: Path) -> Iterator[Log]:
    """Open a copy of the store with the very same keys, as a thief of both would."""
    url = f"sqlite:///{folder / 'ledger.db'}"
    with open_store(url, house.root, lambda data: house.keys.sign("log", data)) as log:
        yield log


def cosigned(witness: Witnessing, log: Log) -> Checkpoint:
    """Let a witness follow a log to its end; return what is published then."""
    size = log.tree.size
    while witness.last is None or witness.last.size < size:
        witness.step(SECONDS)
    return log.publisher.covering(size, SECONDS).checkpoint


# ---- what is published


def test_nothing_is_published_before_the_quorum_cosigned_and_then_at_once(house: House) -> None:
    with opened(house) as log, house.witness(log) as witness:
        assert log.publisher.signed_after(0).result(SECONDS).checkpoint.size > 0
        with pytest.raises(Unavailable):
            log.publisher.newest()
        shown = cosigned(witness, log)
        assert open_checkpoint(shown.note, house.root).same_log(shown)


def test_a_client_and_a_follower_take_a_checkpoint_with_the_quorum_and_none_without(house: House) -> None:
    with opened(house) as log, house.watched(log), house.client(log, "/svc/core/training") as client:
        record = client.append(run("r-1"))
        assert client.fact(record.digest) == record
        follower = Follower(client, house.root, lease_seconds=60)
        assert follower.catch_up() == record.index + 1
    demanding = replace(
        house.root,
        authority=replace(house.root.authority, quorum=2),  # a root that asks for one more
    )
    with house.open(create=False) as log, house.watched(log), house.http(log, "/people/p-dana") as http:
        log.publisher.covering(1, SECONDS)
        with pytest.raises(NotWitnessed):
            LedgerClient(http, demanding, CheckpointMemory()).checkpoint()


def test_a_lease_ends_while_the_witness_is_gone_and_goes_on_when_it_is_back(house: House) -> None:
    now = [time.time()]
    with opened(house) as log, house.client(log, "/svc/core/training") as client:
        follower = Follower(
            client, house.root, lease_seconds=5, clock=lambda: now[0], monotonic=lambda: now[0]
        )
        with house.watched(log):
            log.publisher.covering(log.tree.size, SECONDS)
            follower.catch_up()
            follower.fresh()
        now[0] += 6
        log.append(house.signer.sign(run("r-1")))
        with pytest.raises(Stale):
            follower.fresh()
        with house.watched(log):
            log.publisher.covering(log.tree.size, SECONDS)
            now[0] = time.time()
            assert follower.catch_up() == log.tree.size
            follower.fresh()


def test_two_of_three_witnesses_are_enough_and_one_is_not(tmp_path: Path) -> None:
    house = House(tmp_path, witnesses=3, quorum=2)
    with opened(house):
        pass
    with house.open(create=False) as log:
        with house.witness(log, 0) as first, house.witness(log, 2) as third:
            first.step(SECONDS)
            with pytest.raises(Unavailable):
                log.publisher.newest()
            shown = cosigned(third, log)
        assert [line.split(" ")[1] for line in shown.note.split("\n\n")[1].split("\n")[:-1]] == [
            house.root.log_origin,
            "witness-0",
            "witness-2",
        ]
        assert open_checkpoint(shown.note, house.root).size == log.tree.size
        with house.watched(log):  # all three at once, and appends between
            for n in range(5):
                log.append(house.signer.sign(run(f"r-{n}")))
                newest = log.publisher.covering(log.tree.size, SECONDS).checkpoint
                assert open_checkpoint(newest.note, house.root).size == log.tree.size


# ---- whose cosignature counts


def test_only_the_witness_reaches_its_routes(house: House) -> None:
    with opened(house) as log:
        for path in ("/svc/core/registry", "/people/p-ada", "/svc/prod/predictor/credit"):
            with house.http(log, path) as http:
                answers = [
                    http.get("/v1/witness/checkpoint"),
                    http.post("/v1/witness/cosignatures", json={"time_ms": 1, "line": "x"}),
                    http.post("/v1/witness/last", json={"note": "x"}),
                ]
            assert [answer.status_code for answer in answers] == [403, 403, 403]


def test_the_ledger_takes_no_cosignature_that_does_not_verify(house: House, tmp_path: Path) -> None:
    stranger = Folder.make(tmp_path / "stranger")
    with opened(house) as log:
        signed = log.publisher.signed_after(0).result(SECONDS).checkpoint
        me = house.root.authority.witnesses[0]
        mine = Folder(house.folder / "witness-0")
        other = replace(signed, size=signed.size + 1)
        lines = [
            cosign(signed, me, stranger.sign, 1),
            cosign(signed, replace(me, public_key=stranger.public_key()), stranger.sign, 1),
            cosign(other, me, mine.sign, 1),
            cosign(signed, me, mine.sign, 1) * 2,
            "",
            "— witness-0 AAAA\n",
        ]
        for line in lines:
            with pytest.raises(SignatureInvalid):
                log.publisher.cosigned(signed.time_ms, line)
        with pytest.raises(NotOutstanding):
            log.publisher.cosigned(signed.time_ms + 1, lines[2])
        with pytest.raises(Unavailable):
            log.publisher.newest()
        log.publisher.cosigned(signed.time_ms, cosign(signed, me, mine.sign, 1))
        assert log.publisher.newest().checkpoint.time_ms == signed.time_ms


def test_a_witness_the_root_does_not_name_with_this_key_does_not_start(house: House, tmp_path: Path) -> None:
    shutil.rmtree(house.folder / "witness-0")
    Folder.make(house.folder / "witness-0")
    with opened(house) as log, pytest.raises(NoWitness), house.witness(log):
        pass


# ---- what it refuses


@pytest.fixture
def older(house: House, tmp_path: Path) -> Path:
    """A copy of the store from before what the witness cosigned last."""
    with opened(house):
        pass
    shutil.copytree(house.folder, tmp_path / "older")
    with house.open(create=False) as log, house.witness(log) as witness:
        log.append(house.signer.sign(run("r-1")))
        cosigned(witness, log)
    return tmp_path / "older"


def test_a_restored_older_store_gets_no_checkpoint_and_takes_no_more_entries(
    house: House, older: Path
) -> None:
    with store_at(house, older) as log, house.watched(log) as (following,):
        said = refused(following)
        assert said == "LogTruncated"
        with pytest.raises(Unavailable):
            log.publisher.newest()
        with pytest.raises(StoreFailed, match="a witness cosigned"):
            log.append(house.signer.sign(run("r-2")))


def test_without_a_witness_a_restored_older_store_goes_another_way_unnoticed(tmp_path: Path) -> None:
    """The control: what the witness stops does happen where the root asks for none."""
    alone = House(tmp_path / "alone")
    with opened(alone):
        pass
    shutil.copytree(alone.folder, tmp_path / "older")
    with alone.open(create=False) as log:
        log.append(alone.signer.sign(run("r-1")))
    with store_at(alone, tmp_path / "older") as log:
        log.append(alone.signer.sign(run("another")))
        assert log.publisher.covering(log.tree.size, SECONDS)


@pytest.mark.parametrize("more", [1, 3])
def test_a_store_that_went_another_way_is_refused_as_a_fork(house: House, older: Path, more: int) -> None:
    with store_at(house, older) as log:
        for n in range(more):
            log.append(house.signer.sign(run(f"other-{n}")))
        with house.watched(log) as (following,):
            assert refused(following) == "LogForked"
            with pytest.raises(Unavailable):
                log.publisher.newest()


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"root": b"x" * 32}, LogForked),
        ({"heads": b"x" * 32}, LogForked),
        ({"revocations": b"x" * 32}, LogForked),
        ({"size": 10_000}, LogTruncated),
        ({"size": 3}, LogForked),
        ({"origin": "assay.demo/other"}, SignatureInvalid),
        ({"time_ms": 1}, ClocksApart),
        ({"time_ms": 9_999_999_999_999}, ClocksApart),
    ],
)
def test_what_the_entries_do_not_say_is_not_cosigned(
    house: House, changes: dict[str, object], refusal: type[ServiceError]
) -> None:
    with opened(house) as log:
        shown = Shown(log, house)
        shown.says(**changes)
        witness = lied_to(house, shown)
        with pytest.raises(refusal):
            witness.step(0)
        assert (shown.handed_in, witness.last) == ([], None)
        shown.says(time_ms=int(time.time() * 1000))  # the truth is cosigned after that
        assert witness.step(0)


def test_a_back_dated_checkpoint_is_refused_and_the_next_true_one_is_not(house: House) -> None:
    with opened(house) as log:
        shown = Shown(log, house)
        witness = lied_to(house, shown)
        assert witness.step(0)
        assert witness.last is not None
        last_ms = witness.last.time_ms
        shown.says(time_ms=last_ms - 1)
        with pytest.raises(BackDated):
            witness.step(0)
        shown.says(time_ms=last_ms)
        assert not witness.step(0)  # the very one it cosigned
        shown.says(time_ms=last_ms + 1)
        assert witness.step(0)
        assert len(shown.handed_in) == 2


def test_two_checkpoints_of_one_size_are_a_fork(house: House) -> None:
    with opened(house) as log:
        shown = Shown(log, house)
        witness = lied_to(house, shown)
        witness.step(0)
        shown.says(root=b"x" * 32, time_ms=int(time.time() * 1000) + 5)
        with pytest.raises(LogForked, match="two different"):
            witness.step(0)


def test_an_entry_that_does_not_count_is_not_cosigned_though_the_log_signed_it(house: House) -> None:
    forged = replace(house.signer.sign(run("r-forged")), signature=house.keys.sign("fact-version", b"else"))
    with opened(house) as log:
        shown = Shown(log, house)
        honest = log.entries(0, 1000)
        shown.more = [Record(len(honest), forged)]
        tree = Tree(leaf_hash(one.signed.to_bytes()) for one in [*honest, *shown.more])
        maps = Maps().after([*honest, *shown.more])
        shown.says(size=tree.size, root=tree.root(), heads=maps.heads.root)
        with pytest.raises(LogForked, match="does not count"):
            lied_to(house, shown).step(0)
        assert shown.handed_in == []


# ---- its own state


def test_after_a_restart_it_goes_on_from_what_it_kept(house: House) -> None:
    with opened(house) as log:
        with house.witness(log) as witness:
            before = cosigned(witness, log)
        log.append(house.signer.sign(run("r-1")))
        with house.witness(log) as again:
            assert again.last is not None
            assert again.last.same_log(before)
            assert cosigned(again, log).size == before.size + 1


def test_what_was_cosigned_is_kept_before_it_is_handed_in(house: House) -> None:
    with opened(house) as log:
        shown = Shown(log, house)
        shown.deaf = Unavailable("the answer is lost")
        witness = lied_to(house, shown)
        with pytest.raises(Unavailable):
            witness.step(0)
        kept = Folder(house.folder / "witness-0").last()
        assert kept is not None
        assert kept.startswith(shown.note)
        shown.deaf = None
        assert not witness.step(0)  # nothing newer; but what was lost arrives
        assert shown.note + shown.handed_in[0] == kept


@pytest.mark.parametrize("lost", ["gone", "empty", "other"])
def test_a_witness_that_lost_its_state_does_not_start_until_it_is_told_to_begin(
    house: House, lost: str
) -> None:
    state = house.folder / "witness-0" / "state.json"
    with opened(house) as log:
        with house.witness(log) as witness:
            cosigned(witness, log)
        if lost == "gone":
            state.unlink()
        else:
            state.write_text("" if lost == "empty" else '{"cosigned": 7}')
        with pytest.raises(StateLost), house.witness(log):
            pass
        Folder(house.folder / "witness-0").begin()
        with house.witness(log) as anew:
            assert anew.step(SECONDS)


def test_a_state_it_did_not_cosign_is_not_believed(house: House) -> None:
    with opened(house) as log:
        shown = log.publisher.signed_after(0).result(SECONDS).checkpoint
        Folder(house.folder / "witness-0").keep(shown.note)
        with pytest.raises(SignatureInvalid, match="did not cosign"), house.witness(log):
            pass


def test_its_folder_is_its_owners_alone(house: House) -> None:
    folder = house.folder / "witness-0"
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}


# ---- how it is said


def refused(following: Following) -> str:
    """Return the first refusal a witness says."""
    end = time.monotonic() + SECONDS
    while not following.refusal and time.monotonic() < end:
        time.sleep(0.01)
    return following.refusal


def test_a_refusal_is_said_once_and_so_is_its_end(house: House) -> None:
    said: list[str] = []
    with opened(house) as log:
        shown = Shown(log, house)
        shown.says(root=b"x" * 32)
        following = Following(lied_to(house, shown), lambda name, _detail: said.append(name), pause=0.01)
        following.start()
        assert refused(following) == "LogForked"
        shown.says(time_ms=int(time.time() * 1000))
        end = time.monotonic() + SECONDS
        while following.refusal and time.monotonic() < end:
            time.sleep(0.01)
        following.close()
    assert said == ["LogForked", ""]


def test_a_note_with_the_logs_signature_alone_is_no_checkpoint(house: House) -> None:
    with opened(house) as log:
        note = log.publisher.signed_after(0).result(SECONDS).checkpoint.note
        assert open_note(note, house.root.log_origin, house.root.log_key_pem).size
        with pytest.raises(NotWitnessed):
            open_checkpoint(note, house.root)
