"""The Open Inference Protocol over mutual TLS: unchanged clients get answers, and wrong requests clear refusals."""

from __future__ import annotations

import asyncio
import ssl
from typing import Any

import httpx
import numpy as np
import pytest
import requests
from kserve import InferenceRESTClient, InferInput, InferRequest, InferResponse, RESTConfig

from assay.contracts import canonical, sha256_hex
from assay.contracts.bodies import Revocation
from assay.journal import Draft, Tensor, commitment
from assay.ledger import tree
from services.predictor.errors import NotServing
from tests.integration.predictor.conftest import WEIGHTS, Served, answering
from tests.integration.predictor.models import dividing, logistic

INFER = "/v2/models/credit-default/infer"
ROWS = [[1.0, 2.0, 3.0], [0.0, 1.0, -1.0]]


def _body(**changed: object) -> dict[str, Any]:
    tensor = {"name": "x", "shape": [2, 3], "datatype": "FP32", "data": ROWS, **changed}
    return {"inputs": [tensor]}


def _expected(weights: tuple[float, ...] = WEIGHTS) -> list[float]:
    scores = np.array(ROWS, "f4") @ np.array(weights, "f4")
    return [float(p) for p in 1 / (1 + np.exp(-scores))]


def test_a_plain_client_gets_an_answer_with_a_receipt(served: Served) -> None:
    answer = served.client().post(INFER, json=_body())
    assert answer.status_code == 200
    document = answer.json()
    probability, label = document["outputs"]
    assert (probability["name"], probability["shape"], probability["datatype"]) == (
        "probability",
        [2, 1],
        "FP32",
    )
    assert probability["data"] == pytest.approx(_expected(), abs=1e-6)
    assert (label["datatype"], label["data"]) == ("INT64", [1, 0])
    assert (document["model_name"], document["model_version"]) == ("credit-default", "1")
    assert set(document["parameters"]) == {"assay_receipt", "assay_salt"}


def test_requests_with_a_client_certificate_works_unchanged(served: Served) -> None:
    person = served.workload("/people/p-dana")
    session = requests.Session()
    session.trust_env = False
    answer = session.post(
        served.url + INFER,
        json=_body(),
        cert=str(person.combined_path),
        verify=str(person.ca_path),
        timeout=30,
    )
    session.close()
    assert answer.json()["outputs"][0]["data"] == pytest.approx(_expected(), abs=1e-6)


@pytest.mark.parametrize("binary", [False, True])
def test_kserves_own_client_works_unchanged(served: Served, *, binary: bool) -> None:
    tensor = InferInput("x", [2, 3], "FP32")
    tensor.set_data_from_numpy(np.array(ROWS, "f4"), binary_data=binary)
    parameters = {"binary_data_output": True} if binary else None
    request = InferRequest("credit-default", [tensor], request_id="q-1", parameters=parameters)
    ready, answer = asyncio.run(_with_kserve(served, request))
    assert ready is True
    assert answer.id == "q-1"
    assert answer.outputs[0].as_numpy().ravel() == pytest.approx(_expected(), abs=1e-6)
    assert answer.parameters["assay_receipt"].startswith("r-")


async def _with_kserve(served: Served, request: InferRequest) -> tuple[bool, InferResponse]:
    person = served.workload("/people/p-dana")
    context = ssl.create_default_context(cafile=str(person.ca_path))
    context.load_cert_chain(person.combined_path)
    client = InferenceRESTClient(RESTConfig(protocol="v2", verify=context))
    try:
        ready = await client.is_server_ready(served.url)
        answer = await client.infer(served.url, request, model_name="credit-default")
    finally:
        await client.close()
    return ready, answer


def test_metadata_names_the_tensors_the_model_takes_and_gives(served: Served) -> None:
    http = served.client()
    metadata = http.get("/v2/models/credit-default").json()
    assert metadata["inputs"] == [{"name": "x", "datatype": "FP32", "shape": [-1, 3]}]
    assert metadata["versions"] == ["1"]
    assert http.get("/v2/models").json() == {"models": ["credit-default"]}
    assert http.get("/v2").json()["extensions"] == ["binary_tensor_data"]
    assert http.get("/v2/health/live").json() == {"live": True}
    assert http.get("/v2/health/ready").json() == {"ready": True}
    assert http.get("/v2/models/credit-default/versions/1/ready").json()["ready"] is True


def test_only_the_outputs_asked_for_come_back(served: Served) -> None:
    answer = served.client().post(INFER, json={**_body(), "outputs": [{"name": "label"}]})
    assert [output["name"] for output in answer.json()["outputs"]] == ["label"]


@pytest.mark.parametrize(
    ("body", "status", "title"),
    [
        (b"", 400, "NotOIP"),
        (b"not json", 400, "NotOIP"),
        (b"[]", 400, "NotOIP"),
        (b'{"inputs": 7}', 400, "NotOIP"),
        (b'{"inputs": [{"name": "x"}]}', 400, "NotOIP"),
        (b'{"inputs": [{"name": "x", "shape": [1, 3], "datatype": 5, "data": [1]}]}', 400, "NotOIP"),
        (b'{"inputs": [{"name": "x", "shape": [1, 3], "datatype": "FP32"}]}', 400, "NotOIP"),
        (
            b'{"inputs": [{"name": "x", "shape": [1, 3], "datatype": "FP32", "data": [1, NaN, 2]}]}',
            400,
            "NotOIP",
        ),
        (b'{"id": 7, "inputs": []}', 400, "NotOIP"),
        (b'{"inputs": []}', 422, "WrongTensor"),
        (
            b'{"inputs": [{"name": "y", "shape": [1, 3], "datatype": "FP32", "data": [1, 2, 3]}]}',
            422,
            "WrongTensor",
        ),
        (
            b'{"inputs": [{"name": "x", "shape": [3], "datatype": "FP32", "data": [1, 2, 3]}]}',
            422,
            "WrongShape",
        ),
        (
            b'{"inputs": [{"name": "x", "shape": [1, 3], "datatype": "INT8", "data": [1, 2, 3]}]}',
            422,
            "WrongDatatype",
        ),
        (
            b'{"inputs": [{"name": "x", "shape": [1, 3], "datatype": "FP32", "data": [1, 2, 1e99]}]}',
            422,
            "NotFinite",
        ),
        (
            b'{"inputs": [{"name": "x", "shape": [51, 3], "datatype": "FP32", "data": []}]}',
            413,
            "TooManyRows",
        ),
    ],
)
def test_a_wrong_request_is_refused_by_name_with_a_fix(
    served: Served, body: bytes, status: int, title: str
) -> None:
    answer = served.client().post(INFER, content=body, headers={"content-type": "application/json"})
    assert (answer.status_code, answer.json()["title"]) == (status, title)
    assert answer.json()["fix"]


@pytest.mark.parametrize(
    ("path", "changed"),
    [("/v2/models/other/infer", {}), ("/v2/models/credit-default/versions/2/infer", {})],
)
def test_another_model_or_version_is_not_found(served: Served, path: str, changed: dict[str, Any]) -> None:
    answer = served.client().post(path, json=_body(**changed))
    assert (answer.status_code, answer.json()["title"]) == (404, "UnknownModel")


def test_an_unknown_output_is_refused(served: Served) -> None:
    answer = served.client().post(INFER, json={**_body(), "outputs": [{"name": "secret"}]})
    assert answer.json()["title"] == "WrongTensor"


@pytest.mark.parametrize("length", ["-1", "x", "99999999999999999999", "²"])
def test_a_wrong_binary_header_is_refused(served: Served, length: str) -> None:
    headers = [(b"inference-header-content-length", length.encode())]
    answer = served.client().post(INFER, content=b"{}", headers=headers)
    assert answer.status_code == 400


def test_binary_data_shorter_than_its_shape_is_refused(served: Served) -> None:
    head = b'{"inputs":[{"name":"x","shape":[2,3],"datatype":"FP32","parameters":{"binary_data_size":24}}]}'
    answer = served.client().post(
        INFER,
        content=head + bytes(12),
        headers={"inference-header-content-length": str(len(head))},
    )
    assert answer.status_code == 400


def test_a_model_that_gives_an_infinity_answers_nothing(served: Served) -> None:
    served.endpoint.answer(answering(dividing()))
    answer = served.client().post(INFER, json=_body(data=[[1, 2, 3], [1, 0, 1]]))
    assert (answer.status_code, answer.json()["title"]) == (422, "ModelFailed")


def test_a_body_over_the_limit_is_refused(served: Served) -> None:
    answer = served.client().post(INFER, content=b" " * ((1 << 20) + 1))
    assert answer.status_code == 413


def test_a_stale_lease_stops_every_answer(served: Served) -> None:
    http = served.client()
    served.known.stale = True
    answer = http.post(INFER, json=_body())
    assert (answer.status_code, answer.json()["title"]) == (503, "Stale")
    served.known.stale = False
    assert http.post(INFER, json=_body()).status_code == 200


def test_a_policy_that_is_no_longer_in_force_decides_nothing(served: Served) -> None:
    served.known.revision = "0" * 64
    answer = served.client().post(INFER, json=_body())
    assert answer.status_code == 503


def test_a_stopped_endpoint_says_why(served: Served) -> None:
    served.endpoint.stop(NotServing("approval 1f was revoked"))
    answer = served.client().post(INFER, json=_body())
    assert (answer.status_code, answer.json()["detail"]) == (503, "approval 1f was revoked")


def test_a_swap_changes_version_and_answer_in_one_step(served: Served) -> None:
    http = served.client()
    served.endpoint.answer(answering(logistic((-1.0, 0.0, 1.0)), number=2))
    document = http.post(INFER, json=_body()).json()
    assert document["model_version"] == "2"
    assert document["outputs"][0]["data"] == pytest.approx(_expected((-1.0, 0.0, 1.0)), abs=1e-6)


def test_a_journal_without_room_stops_every_answer(served: Served) -> None:
    served.journal.append_all([Draft(b"{}")] * 1000)
    http = served.client()
    assert http.post(INFER, json=_body()).json()["title"] == "JournalFull"
    served.lander.land()
    assert http.post(INFER, json=_body()).status_code == 200


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/people/p-dana", 200),
        ("/people/p-bea", 403),  # an approver asks for no predictions
        ("/people/p-nobody", 403),
        ("/svc/core/serving", 403),
        ("/run/r-1", 403),
        ("/svc/prod/predictor/credit", 403),
    ],
)
def test_policy_says_who_may_ask(served: Served, path: str, status: int) -> None:
    assert served.client(path).post(INFER, json=_body()).status_code == status


def test_a_revoked_person_is_refused(served: Served) -> None:
    http = served.client()
    key = sha256_hex(b"person/p-dana")
    served.known.gone[key] = Revocation(revokes=key, what="person", reason="left", by="p-ada")
    assert http.post(INFER, json=_body()).status_code == 403


def test_no_header_makes_anybody_somebody_else(served: Served) -> None:
    spoofed = {"x-forwarded-client-cert": "URI=spiffe://assay.test/people/p-dana", "x-user": "p-dana"}
    assert served.client("/people/p-bea").post(INFER, json=_body(), headers=spoofed).status_code == 403


def test_without_a_certificate_nothing_answers(served: Served) -> None:
    context = ssl.create_default_context(cadata=served.authority.ca_pem)
    with (
        httpx.Client(base_url=served.url, verify=context, trust_env=False) as http,
        pytest.raises(httpx.TransportError),
    ):
        http.get("/v2/health/live")


def test_a_receipt_proves_its_place_and_opens_with_the_salt(served: Served) -> None:
    http = served.client()
    document = http.post(INFER, json=_body()).json()
    served.lander.land()
    found = http.get(f"/v1/receipts/{document['parameters']['assay_receipt']}").json()
    receipt = found["receipt"]
    x = Tensor("x", "FP32", (2, 3), np.array(ROWS, "<f4").tobytes())
    outputs = [
        Tensor(o["name"], o["datatype"], o["shape"], np.array(o["data"], t).tobytes())
        for o, t in zip(document["outputs"], ("<f4", "<i8"), strict=True)
    ]
    salt = bytes.fromhex(document["parameters"]["assay_salt"])
    assert receipt["input"] == commitment(salt, "input", [x])
    assert receipt["output"] == commitment(salt, "output", outputs)
    assert receipt["caller"] == "spiffe://assay.test/people/p-dana"
    assert receipt["policy"] == served.known.revision
    assert set(receipt) == {
        "type", "id", "endpoint", "environment", "model", "number", "package", "rollout",
        "caller", "time", "policy", "input", "output",
    }  # fmt: skip
    fact = next(r.fact for r in served.log.records if r.digest == found["journal"])
    _require_included(found, bytes.fromhex(fact.body["root"]))


def _require_included(found: dict[str, Any], root: bytes) -> None:
    leaf = tree.leaf_hash(canonical(found["receipt"]))
    path = [bytes.fromhex(node) for node in found["path"]]
    tree.verify_inclusion(leaf, found["index"], found["size"], path, root)


def test_the_salt_is_kept_nowhere(served: Served) -> None:
    salt = served.client().post(INFER, json=_body()).json()["parameters"]["assay_salt"]
    stored = b"".join(path.read_bytes() for path in served.folder.glob("journal.db*"))
    assert salt.encode() not in stored
    assert bytes.fromhex(salt) not in stored


def test_a_receipt_that_has_not_landed_says_so(served: Served) -> None:
    http = served.client()
    name = http.post(INFER, json=_body()).json()["parameters"]["assay_receipt"]
    answer = http.get(f"/v1/receipts/{name}")
    assert (answer.status_code, answer.json()["title"]) == (404, "NotLandedYet")
    assert http.get("/v1/receipts/r-unknown").json()["title"] == "NoReceipt"


def test_refusals_reach_the_journal_without_what_was_asked(served: Served) -> None:
    http = served.client("/people/p-bea")
    for _ in range(20):
        http.post(INFER, json=_body())
    served.lander.land()
    rows = [path.read_bytes() for path in served.folder.glob("journal.db*")]
    assert any(b"assay-refusal/v1" in row and b"POST /v2/models/{model}/infer" in row for row in rows)
    assert sum(record.fact.body["count"] for record in served.log.records) == 2


def test_state_names_version_rollout_and_reason(served: Served) -> None:
    http = served.client("/svc/core/serving")
    state = http.get("/v1/state").json()
    assert (state["state"], state["model"], state["number"]) == ("answering", "credit-default", 1)
    served.endpoint.stop(NotServing("revoked"))
    state = http.get("/v1/state").json()
    assert (state["state"], state["reason"]["detail"], state["rollout"]) == ("stopped", "revoked", None)
