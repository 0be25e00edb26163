"""A real predictor process: started by serving, verifying for itself, answering, journaling, renewing, stopping."""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Iterator
from hashlib import sha256

import httpx
import pytest

from assay.contracts import Environment, FactKind, PersonId, SpiffeId, canonical
from assay.ledger import tree
from assay.web.caller import Caller
from assay.web.client import call
from services.serving.domain import Place
from services.serving.usecases import Wanted
from tests.integration.predictor.chain import Registered
from tests.integration.serving.platform import Platform
from tests.support.data import running_vault
from tests.unit.custody.world import DOMAIN, MODEL

PROD = Place(Environment.PROD, "credit")
INFER = f"/v2/models/{MODEL}/infer"
BODY = {"inputs": [{"name": "x", "shape": [1, 3], "datatype": "FP32", "data": [1.0, 2.0, 3.0]}]}
HANG = 60.0


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    folder = tmp_path_factory.mktemp("platform")
    with running_vault(folder) as vault:
        made = Platform(folder, vault)
        try:
            yield made
        finally:
            made.close()


@pytest.fixture(scope="module")
def versions(platform: Platform) -> tuple[Registered, Registered]:
    return platform.approved((0.5, -1.0, 2.0)), platform.approved((1.0, 1.0, 1.0))


@pytest.fixture(scope="module")
def http(platform: Platform, versions: tuple[Registered, Registered]) -> httpx.Client:
    """Roll version 1 out and return a client of its predictor."""
    view = platform.endpoints.roll_out(PROD, Wanted(MODEL, 1), "first", by=_dana(platform))
    assert (view["state"], view["number"]) == ("answering", 1)
    dana = f"/people/{platform.world.person('dana')}"
    return platform.client(dana, view["url"], expect="/svc/prod/predictor/credit")


def _dana(platform: Platform) -> Caller:
    person = platform.world.person("dana")
    return Caller(
        SpiffeId(DOMAIN, f"/people/{person}"),
        PersonId(person),
        frozenset({"data-scientist", "operator"}),
        tenant="demo",
        platform=True,
        signed_in=time.time(),
    )


def _until(true: Callable[[], object]) -> None:
    until = time.monotonic() + HANG
    while time.monotonic() < until:
        if true():
            return
        time.sleep(0.1)
    raise AssertionError("it did not come to be")


def _infer(http: httpx.Client) -> httpx.Response:
    _until(lambda: http.post(INFER, json=BODY).json().get("title") != "NotServing")  # KServe's types arrive
    return http.post(INFER, json=BODY)


def test_a_rollout_starts_a_process_that_verifies_and_answers(http: httpx.Client) -> None:
    answer = _infer(http)
    assert answer.status_code == 200, answer.text
    assert answer.json()["outputs"][0]["data"] == pytest.approx([1 / (1 + 2.718281828**-4.5)], abs=1e-6)


def test_its_receipt_reaches_the_ledger_and_proves_its_place(platform: Platform, http: httpx.Client) -> None:
    name = _infer(http).json()["parameters"]["assay_receipt"]
    found = call(http.get(f"/v1/receipts/{name}")).json()
    fact = platform.log.entry(platform.log.index(found["journal"])).fact
    assert (fact.kind, fact.about) == (FactKind.JOURNAL, "journal/svc/prod/predictor/credit")
    tree.verify_inclusion(
        tree.leaf_hash(canonical(found["receipt"])),
        found["index"],
        found["size"],
        [bytes.fromhex(node) for node in found["path"]],
        bytes.fromhex(fact.body["root"]),
    )


def test_the_second_version_takes_over_and_is_rolled_back(platform: Platform, http: httpx.Client) -> None:
    _infer(http)
    platform.endpoints.roll_out(PROD, Wanted(MODEL, 2), "second", by=_dana(platform))
    assert _infer(http).json()["model_version"] == "2"
    platform.endpoints.roll_back(PROD, "back", by=_dana(platform))
    assert _infer(http).json()["model_version"] == "1"


def test_its_certificate_is_renewed_without_dropping_an_answer(
    platform: Platform, http: httpx.Client
) -> None:
    _infer(http)
    before = _certificate(http)
    statuses = set()

    def renewed() -> bool:
        statuses.add(http.post(INFER, json=BODY).status_code)
        return _certificate(http) != before

    _until(renewed)
    assert statuses == {200}


def test_one_that_is_killed_comes_back_at_its_address_with_its_receipts(
    platform: Platform, http: httpx.Client
) -> None:
    name = _infer(http).json()["parameters"]["assay_receipt"]
    control = platform.endpoints.control
    child = control._children[PROD]  # type: ignore[attr-defined]
    child.kill()
    child.wait()
    _until(lambda: _answers(http))
    assert call(http.get(f"/v1/receipts/{name}")).json()["receipt"]["id"] == name


def test_what_is_revoked_stops_answering_by_name(
    platform: Platform, http: httpx.Client, versions: tuple[Registered, Registered]
) -> None:
    _infer(http)
    platform.world.revoke(versions[0].record.digest)
    platform.copy()
    _until(lambda: not _answers(http))
    assert http.post(INFER, json=BODY).json()["title"] == "ChainRevoked"
    assert platform.endpoints.view(PROD)["state"] == "stopped"


def test_without_the_ledger_it_stops_with_its_lease(platform: Platform, http: httpx.Client) -> None:
    platform.endpoints.roll_out(PROD, Wanted(MODEL, 2), "again", by=_dana(platform))
    assert _infer(http).status_code == 200
    platform.stop_ledger()
    _until(lambda: not _answers(http))
    assert http.post(INFER, json=BODY).json()["title"] in {"Stale", "JournalLate"}


def _answers(http: httpx.Client) -> bool:
    try:
        return http.post(INFER, json=BODY).status_code == 200
    except httpx.TransportError:
        return False


def _certificate(http: httpx.Client) -> bytes:
    """Return the digest of the certificate a new connection is shown."""
    url = http.base_url
    pem = ssl.get_server_certificate((url.host, url.port or 443))
    return sha256(pem.encode()).digest()
