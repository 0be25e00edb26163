"""A ledger's operator with every key of the ledger cannot change what somebody has already seen."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from shutil import copytree
from typing import Any

import pytest

from assay.errors import ServiceError, SignatureInvalid, Stale
from assay.ledger import (
    CheckpointMemory,
    Follower,
    LedgerClient,
    LogForked,
    LogTruncated,
    bundle,
    memory,
    read_bundle,
)
from assay.ledger.checkpoint import Checkpoint, open_note, sign_note
from assay.ledger.lease import Lease
from services.ledger.log import Log
from tests.contract.ledger.test_memory import copied
from tests.support.asgi import Through
from tests.support.ledger import House, revocation, run


@pytest.fixture
def house(tmp_path: Path) -> House:
    (tmp_path / "house").mkdir()
    return House(tmp_path / "house")


@pytest.fixture
def log(house: House) -> Iterator[Log]:
    with house.open() as opened:
        house.found(opened)
        yield opened


@pytest.fixture
def whole(house: House, log: Log) -> dict[str, Any]:
    """A bundle that proves two facts, a revocation and the absence of another, and two heads."""
    one, two = (log.append(house.signer.sign(run(name))) for name in ("r-1", "r-2"))
    for key in ("0" * 64, "a" * 64, "c" * 64):
        log.append(house.signer.sign(revocation(key)))
    with house.client(log, "/svc/core/training") as client:
        found = client.proof_bundle(
            [one.digest, two.digest], revocation_keys=["a" * 64, "1" * 64], heads=["run/r-1", "run/none"]
        )
    read_bundle(found, house.root)
    return found


def swapped(name: str) -> Callable[[dict[str, Any]], object]:
    """Give one entry's member to the other."""

    def bend(made: dict[str, Any]) -> None:
        one, two = made["entries"][:2]
        one[name], two[name] = two[name], one[name]

    return bend


BENT: dict[str, Callable[[dict[str, Any]], object]] = {
    "envelopes swapped": swapped("envelope"),
    "paths swapped": swapped("path"),
    "places swapped": swapped("index"),
    "place of the root": lambda made: made["entries"][0].update(index=0),
    "place beyond the end": lambda made: made["entries"][0].update(index=10_000),
    "place below nothing": lambda made: made["entries"][0].update(index=-1),
    "path too long": lambda made: made["entries"][0]["path"].append(made["entries"][0]["path"][0]),
    "path too short": lambda made: made["entries"][0]["path"].pop(),
    "no path": lambda made: made["entries"][0].update(path=[]),
    "path of zeros": lambda made: made["entries"][0].update(
        path=["A" * 43 + "="] * len(made["entries"][0]["path"])
    ),
    "revocation left out": lambda made: made["revocations"][0].update(proof=made["revocations"][1]["proof"]),
    "revocation of another": lambda made: made["revocations"][0].update(key="c" * 64),
    "head of another": lambda made: made["heads"][0].update(about="run/r-2"),
    "head left out": lambda made: made["heads"][0].update(proof=made["heads"][1]["proof"]),
    "no entries": lambda made: made.update(entries=[]),
    "size changed": lambda made: made.update(checkpoint=_line(made["checkpoint"], 1, "3")),
    "root changed": lambda made: made.update(checkpoint=_line(made["checkpoint"], 2, "A" * 43 + "=")),
    "origin changed": lambda made: made.update(checkpoint=_line(made["checkpoint"], 0, "evil.test/log")),
    "note cut": lambda made: made.update(checkpoint=made["checkpoint"].split("\n\n")[0] + "\n\n"),
}


def _line(note: str, number: int, text: str) -> str:
    lines = note.split("\n")
    lines[number] = text
    return "\n".join(lines)


@pytest.mark.threat("T-SIG-01")
@pytest.mark.parametrize("bend", BENT.values(), ids=BENT.keys())
def test_a_proof_of_something_else_proves_nothing(
    house: House, whole: dict[str, Any], bend: Callable[[dict[str, Any]], object]
) -> None:
    bend(whole)
    with pytest.raises(SignatureInvalid):
        read_bundle(whole, house.root)


@pytest.mark.threat("T-SIG-01")
def test_a_client_that_asked_for_one_fact_takes_no_other(house: House, log: Log) -> None:
    one, two = (log.append(house.signer.sign(run(name))) for name in ("r-1", "r-2"))
    with house.http(log, "/svc/core/training") as http:
        through = http._transport
        assert isinstance(through, Through)
        with house.http(log, "/svc/core/training") as other:
            answer = other.post("/v1/proofs", json={"digests": [two.digest]}).content
        through.tamper = lambda request, body: answer if request.method == "POST" else body
        with pytest.raises(SignatureInvalid):
            LedgerClient(http, house.root, CheckpointMemory()).fact(one.digest)


@pytest.mark.control("T-SIG-01")
@pytest.mark.parametrize("name", ["paths swapped", "path of zeros", "no path"])
def test_control_without_its_path_any_entry_would_be_in_the_log(
    house: House, whole: dict[str, Any], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    BENT[name](whole)
    monkeypatch.setattr(bundle, "verify_inclusion", lambda *_: None)
    assert len(read_bundle(whole, house.root).records) >= 2


# ---- what was seen, by whoever holds the ledger's store and log key


@pytest.fixture
def older(house: House, tmp_path: Path) -> tuple[Path, CheckpointMemory]:
    """A copy of the store, and what a client remembers of the entries after it."""
    seen = CheckpointMemory(tmp_path / "client" / "checkpoint")
    with house.open() as log:
        house.found(log)
    copytree(house.folder, tmp_path / "older")
    with house.open(create=False) as log, house.client(log, "/svc/core/training", seen) as client:
        client.append(run("r-1"))
        client.head("run/r-1")
    return tmp_path / "older", seen


@pytest.mark.threat("T-SIG-05")
@pytest.mark.parametrize("more", [0, 1, 2, 7])
def test_a_log_that_was_cut_and_goes_on_another_way_is_refused(
    house: House, older: tuple[Path, CheckpointMemory], more: int
) -> None:
    store, seen = older
    with copied(house, store) as log, house.client(log, "/svc/core/training", seen) as client:
        for number in range(more):
            log.append(house.signer.sign(run(f"other-{number}")))
        log.publisher.covering(len(log.entries(0, 1000)), 30)
        with pytest.raises((LogTruncated, LogForked)):
            client.checkpoint()


@pytest.mark.threat("T-SIG-05")
def test_two_clients_that_were_shown_two_logs_notice_when_they_compare(
    house: House, older: tuple[Path, CheckpointMemory], tmp_path: Path
) -> None:
    store, seen = older
    told = CheckpointMemory(tmp_path / "told")
    with copied(house, store) as log, house.client(log, "/svc/core/training", told) as client:
        log.append(house.signer.sign(run("split")))
        client.checkpoint()
        log.publisher.covering(len(log.entries(0, 1000)), 30)
        shown = client.checkpoint()
        with pytest.raises(LogForked):
            seen.admit(shown, house.root, client.consistency)


@pytest.mark.control("T-SIG-05")
@pytest.mark.parametrize("more", [0, 1])
def test_control_a_client_without_memory_is_told_anything(
    house: House, older: tuple[Path, CheckpointMemory], more: int
) -> None:
    store, _ = older
    with copied(house, store) as log, house.client(log, "/svc/core/training") as client:
        for number in range(more):
            log.append(house.signer.sign(run(f"other-{number}")))
        assert client.checkpoint().size > 0


@pytest.mark.control("T-SIG-05")
def test_control_a_memory_that_asks_for_no_proof_is_told_anything(
    house: House, older: tuple[Path, CheckpointMemory], monkeypatch: pytest.MonkeyPatch
) -> None:
    store, seen = older
    monkeypatch.setattr(memory, "verify_consistency", lambda *_: None)
    with copied(house, store) as log, house.client(log, "/svc/core/training", seen) as client:
        monkeypatch.setattr(client, "consistency", lambda *_: [])
        for number in range(3):
            log.append(house.signer.sign(run(f"other-{number}")))
        log.publisher.covering(len(log.entries(0, 1000)), 30)
        assert client.checkpoint().size > 0


# ---- time: a checkpoint that was signed long ago, or will be


def dated(house: House, log: Log, seconds: float) -> Checkpoint:
    """Return today's checkpoint as if it had been signed at another time, by the log's own key."""
    newest = log.publisher.newest().checkpoint
    said = Checkpoint(
        newest.origin, newest.size, newest.root, newest.revocations, newest.heads, int(seconds * 1000)
    )
    note = sign_note(said, house.root.log_key_pem, lambda data: house.keys.sign("log", data))
    return open_note(note, house.root.log_origin, house.root.log_key_pem)


NOW, LEASE = 1_800_000_000.0, 60


@pytest.mark.threat("T-SIG-03")
@pytest.mark.parametrize("back", [61, 3600, 86_400 * 365], ids=lambda seconds: f"{seconds} s")
def test_a_back_dated_or_kept_checkpoint_is_no_lease(house: House, log: Log, back: float) -> None:
    lease = Lease(LEASE, lambda: NOW, lambda: 0.0)
    lease.renew(dated(house, log, NOW - back))
    with pytest.raises(Stale):
        lease.require()


@pytest.mark.threat("T-SIG-03")
def test_the_same_checkpoint_shown_for_ever_ends_with_its_lease(house: House, log: Log) -> None:
    clocks = [NOW, 0.0]
    lease, kept = Lease(LEASE, lambda: clocks[0], lambda: clocks[1]), dated(house, log, NOW)
    lease.renew(kept)
    lease.require()
    clocks[1] += LEASE + 1
    lease.renew(kept)
    with pytest.raises(Stale):
        lease.require()


@pytest.mark.control("T-SIG-03")
def test_control_a_lease_without_an_end_takes_what_was_kept(house: House, log: Log) -> None:
    lease = Lease(float("inf"), lambda: NOW, lambda: 0.0)
    lease.renew(dated(house, log, NOW - 86_400))
    lease.require()


# ---- whoever follows recomputes what is signed


class Lying:
    """A ledger that signs what its entries do not say."""

    acknowledged = 0

    def __init__(self, house: House, log: Log, change: Callable[[Checkpoint], Checkpoint]) -> None:
        self._house, self._log, self._change = house, log, change

    def checkpoint(self) -> Checkpoint:
        """Return a checkpoint signed by the right key over the wrong thing."""
        said = self._change(self._log.publisher.newest().checkpoint)
        note = sign_note(said, self._house.root.log_key_pem, lambda data: self._house.keys.sign("log", data))
        return open_note(note, self._house.root.log_origin, self._house.root.log_key_pem)

    def next_checkpoint(self, after_ms: int, seconds: float) -> Checkpoint:  # noqa: ARG002 - the port's
        """Return it again."""
        return self.checkpoint()

    def entries(self, start: int, limit: int = 1000) -> list[Any]:
        """Return the real entries."""
        return self._log.entries(start, limit)


ROOTS = ("root", "revocations", "heads")


@pytest.mark.threat("T-SIG-05")
@pytest.mark.parametrize("member", ROOTS)
def test_a_follower_believes_no_root_it_did_not_compute(house: House, log: Log, member: str) -> None:
    log.publisher.covering(len(log.entries(0, 1000)), 30)

    def bend(said: Checkpoint) -> Checkpoint:
        roots: dict[str, Any] = {
            name: b"\1" * 32 if name == member else getattr(said, name) for name in ROOTS
        }
        return Checkpoint(said.origin, said.size, **roots, time_ms=said.time_ms)

    with pytest.raises(LogForked):
        Follower(Lying(house, log, bend), house.root, lease_seconds=60).catch_up()


@pytest.mark.control("T-SIG-05")
def test_control_a_follower_of_an_honest_ledger_follows(house: House, log: Log) -> None:
    log.publisher.covering(len(log.entries(0, 1000)), 30)
    assert Follower(Lying(house, log, lambda said: said), house.root, lease_seconds=60).catch_up() > 0


def test_what_is_refused_here_is_always_a_refusal_of_ours() -> None:
    assert issubclass(LogForked, ServiceError)
