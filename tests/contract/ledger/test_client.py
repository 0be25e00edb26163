"""What a client of the ledger may rely on, over the real application."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from assay.contracts import sha256_hex
from assay.errors import BadRequest, Forbidden, HeadMoved, NotFound, SignatureInvalid, Unavailable
from assay.ledger import CheckpointMemory, LedgerClient, read_bundle
from services.ledger.log import Log
from services.ledger.proofs import PATIENCE_SECONDS
from tests.support.asgi import Through
from tests.support.ledger import House, revocation, run


def test_what_was_appended_is_read_back_at_once(training: LedgerClient) -> None:
    record = training.append(run("r-1"))
    assert training.fact(record.digest) == record
    assert training.head("run/r-1") == record
    assert training.entries(record.index) == [record]
    assert training.checkpoint().size == training.acknowledged == record.index + 1


def test_the_same_fact_twice_is_the_same_record(training: LedgerClient) -> None:
    first = training.append(run("r-1"))
    moved = training.append(run("r-1", previous=first.digest))
    assert training.append(run("r-1")) == first
    assert training.head("run/r-1") == moved


def test_a_stale_previous_is_a_409_that_names_the_head_and_moves_nothing(training: LedgerClient) -> None:
    first = training.append(run("r-1"))
    with pytest.raises(HeadMoved) as refusal:
        training.append(run("r-1", time="2026-01-02T03:04:06Z"))
    assert refusal.value.extra["head"] == first.digest
    assert refusal.value.status == 409
    assert training.head("run/r-1") == first


def test_nothing_is_about_what_nobody_said(training: LedgerClient) -> None:
    assert training.head("run/r-9") is None
    with pytest.raises(NotFound):
        training.fact("0" * 64)


def test_a_service_appends_its_own_kinds_only(registry: LedgerClient) -> None:
    with pytest.raises(Forbidden):
        registry.append(run("r-1"))


@pytest.mark.parametrize(
    "path", ["/people/p-ada", "/run/run-1", "/svc/dev/predictor/credit", "/svc/core/opa"]
)
def test_whom_the_root_does_not_list_appends_nothing(house: House, log: Log, path: str) -> None:
    with house.client(log, path) as client, pytest.raises(Forbidden):
        client.append(run("r-1"))
    assert log.head("run/r-1") is None


def test_a_client_without_a_signer_reads(house: House, log: Log) -> None:
    log.publisher.covering(log.tree.size, PATIENCE_SECONDS)  # what others appended is shown a moment later
    with house.http(log, "/people/p-dana") as http:
        reader = LedgerClient(http, house.root, CheckpointMemory())
        assert reader.head("policy")
        with pytest.raises(BadRequest):
            reader.append(run("r-1"))


def test_a_bundle_proves_facts_heads_and_that_nothing_is_revoked(
    house: House, registry: LedgerClient
) -> None:
    gone, standing, ended = "a" * 64, "b" * 64, "c" * 64
    revoking = registry.append(revocation(gone))
    first = registry.append(revocation(ended))
    registry.append(revocation(ended, ended=True, previous=first.digest))
    bundle = registry.proof_bundle(
        [first.digest], revocation_keys=[gone, standing, ended], heads=["policy", "run/none"]
    )
    proven = read_bundle(json.loads(json.dumps(bundle)), house.root)
    assert proven.records[first.digest] == first
    assert proven.revocations[standing] is None
    assert proven.revocations[ended] is None
    said = proven.revocations[gone]
    assert said is not None
    assert said.reason == "a drill"
    assert proven.records[revoking.digest] == revoking
    assert proven.heads["run/none"] is None
    assert proven.records[str(proven.heads["policy"])].about == "policy"


def _first_entry(change: Callable[[dict[str, Any]], object]) -> Callable[[dict[str, Any]], object]:
    return lambda bundle: change(bundle["entries"][0])


@pytest.mark.parametrize(
    "change",
    [
        _first_entry(lambda entry: entry.update(index=entry["index"] + 1)),
        _first_entry(lambda entry: entry.update(path=entry["path"][1:])),
        _first_entry(lambda entry: entry["envelope"]["signatures"][0].update(sig="AAAA")),
        lambda bundle: bundle.update(checkpoint=bundle["checkpoint"].replace("time 1", "time 2")),
        lambda bundle: bundle.update(checkpoint=bundle["checkpoint"].replace("\nheads ", "\nheads  ")),
        lambda bundle: bundle["revocations"][0]["proof"].update(leaf=None),
        lambda bundle: bundle["heads"][0].update(about="root"),
        lambda bundle: bundle["heads"][0].update(proof=bundle["revocations"][0]["proof"]),
        lambda bundle: bundle.pop("heads"),
        lambda bundle: bundle.update(entries=bundle["entries"][:-1]),
    ],
)
def test_a_changed_bundle_proves_nothing(
    house: House, registry: LedgerClient, change: Callable[[dict[str, Any]], object]
) -> None:
    revoked = registry.append(revocation("a" * 64))
    bundle = registry.proof_bundle([revoked.digest], revocation_keys=["a" * 64], heads=["policy"])
    read_bundle(bundle, house.root)
    change(bundle)
    with pytest.raises(SignatureInvalid):
        read_bundle(bundle, house.root)


def test_an_answer_that_was_changed_on_its_way_is_not_believed(house: House, log: Log) -> None:
    record = log.append(house.signer.sign(run("r-1")))
    with house.http(log, "/svc/core/training") as http:
        reader = LedgerClient(http, house.root, CheckpointMemory())
        through = http._transport
        assert isinstance(through, Through)
        through.tamper = lambda _, body: body.replace(b'"index":%d' % record.index, b'"index":1')
        with pytest.raises(SignatureInvalid):
            reader.fact(record.digest)
        through.tamper = lambda request, body: b"{}" if request.method == "POST" else body
        with pytest.raises(SignatureInvalid):
            reader.fact(record.digest)


def test_an_acknowledgement_of_another_fact_is_not_believed(house: House, log: Log) -> None:
    with house.http(log, "/svc/core/training") as http:
        writer = LedgerClient(http, house.root, CheckpointMemory(), house.signer)
        through = http._transport
        assert isinstance(through, Through)
        through.tamper = lambda _, body: body.replace(run("r-1").digest.encode(), b"0" * 64)
        with pytest.raises(SignatureInvalid):
            writer.append(run("r-1"))


def test_a_lost_answer_is_asked_for_again_and_appends_once(house: House, log: Log) -> None:
    with house.http(log, "/svc/core/training") as http:
        through = http._transport
        assert isinstance(through, Through)
        lost: list[bytes] = []

        def lose_the_first(request: httpx.Request, body: bytes) -> bytes:
            if not lost:
                lost.append(body)
                raise httpx.ReadError("the connection ended", request=request)
            return body

        through.tamper = lose_the_first
        record = LedgerClient(http, house.root, CheckpointMemory(), house.signer).append(run("r-1"))
    assert lost
    assert log.entries(record.index, 10) == [record]


def test_a_ledger_that_is_down_is_unavailable(house: House) -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused", request=request)

    with httpx.Client(transport=httpx.MockTransport(refuse), base_url="https://ledger") as http:
        client = LedgerClient(http, house.root, CheckpointMemory(), house.signer)
        with pytest.raises(Unavailable):
            client.append(run("r-1"))
        with pytest.raises(Unavailable):
            client.checkpoint()


def test_a_revoked_person_reads_nothing_more(house: House, log: Log, registry: LedgerClient) -> None:
    registry.append(revocation(sha256_hex(b"person/p-bea")))
    with house.client(log, "/people/p-bea") as client, pytest.raises(Forbidden):
        client.checkpoint()
