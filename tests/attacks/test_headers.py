"""Identity comes from the connection's certificate: no header makes anybody somebody else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from assay.contracts import SpiffeId
from assay.web import routes as edge
from assay.web.caller import Caller
from tests.integration.identity.lab import Lab

CLAIMS = {
    "x-forwarded-client-cert": 'By=x;Hash=y;URI=spiffe://assay.test/people/p-ada;Subject="CN=ada"',
    "x-client-cert": "spiffe://assay.test/people/p-ada",
    "ssl-client-s-dn": "CN=spiffe://assay.test/people/p-ada",
    "x-ssl-client-verify": "SUCCESS",
    "x-spiffe-id": "spiffe://assay.test/people/p-ada",
    "x-forwarded-for": "127.0.0.1",
    "x-real-ip": "127.0.0.1",
    "x-forwarded-user": "p-ada",
    "x-remote-user": "p-ada",
    "remote-user": "p-ada",
    "x-forwarded-host": "identity",
    "x-forwarded-proto": "https",
    "x-original-url": "/v1/closed/mine-1",
    "x-rewrite-url": "/v1/closed/mine-1",
    "x-http-method-override": "DELETE",
    "forwarded": "for=127.0.0.1;by=identity;proto=https",
    "authorization": "Bearer p-ada",
    "proxy-authorization": "Basic cC1hZGE6",
    "cookie": "__Host-session=p-ada",
    "assay-subject": "p-ada",
    "assay-person": "p-ada",
    "assay-roles": "administrator",
    "x-assay-identity": "spiffe://assay.test/people/p-ada",
    "x-envoy-original-path": "/v1/closed/mine-1",
    "x-envoy-internal": "true",
    "via": "1.1 gateway",
    "connection": "x-spiffe-id",
}


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    made = Lab(tmp_path_factory.mktemp("lab"))
    try:
        yield made
    finally:
        made.close()


def who(lab: Lab, headers: dict[str, str]) -> dict[str, Any]:
    with lab.workload("/svc/core/serving").client(lab.url, expect="registry") as http:
        answer: dict[str, Any] = http.get("/v1/who", headers=headers).json()
    return answer


@pytest.mark.threat("T-SRV-08")
@pytest.mark.parametrize("header", CLAIMS)
@pytest.mark.parametrize(
    "spelled", [str.lower, str.upper, lambda name: name.replace("-", "_")], ids=["a", "A", "_"]
)
def test_a_header_makes_nobody_anybody_else(lab: Lab, header: str, spelled: Callable[[str], str]) -> None:
    lab.edge.follower.held["p-ada"] = frozenset({"administrator"})
    expected: dict[str, Any] = {
        "identity": "spiffe://assay.test/svc/core/serving",
        "person": None,
        "roles": [],
    }
    assert who(lab, {spelled(header): CLAIMS[header]}) == expected


@pytest.mark.threat("T-SRV-08")
def test_all_of_them_at_once_make_nobody_anybody_else(lab: Lab) -> None:
    assert who(lab, CLAIMS)["identity"] == "spiffe://assay.test/svc/core/serving"


@pytest.mark.control("T-SRV-08")
def test_control_an_edge_that_believes_a_header_is_told_anything(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    def believing(request: Any, *_: object, **__: object) -> Caller:  # noqa: ANN401 - starlette's
        return Caller(SpiffeId.parse(request.headers["x-spiffe-id"]), None, frozenset())

    monkeypatch.setattr(edge, "caller_of", believing)
    assert who(lab, CLAIMS)["identity"] == "spiffe://assay.test/people/p-ada"


def test_a_plain_request_is_answered(lab: Lab) -> None:
    with lab.workload("/svc/core/serving").client(lab.url, expect="registry") as http:
        assert http.get("/v1/who").status_code == httpx.codes.OK
