"""In which tenant a request acts: chosen by a header, bound by grant, run and endpoint."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.integration.identity.lab import Lab
from tests.integration.identity.test_grants import granted, transit
from tests.integration.identity.transit import TransitKey

__all__ = ["transit"]
HEADER = "Assay-Tenant"


def where(lab: Lab, peer: str, *headers: tuple[str, str], grant: str | None = None) -> tuple[int, Any]:
    with lab.workload(peer).client(lab.url, expect="registry", grant=grant) as http:
        answer = http.get("/v1/where", headers=list(headers))
    return answer.status_code, answer.json()


def test_a_request_acts_in_the_tenant_it_chooses_and_else_in_the_platforms_own(lab: Lab) -> None:
    status, said = where(lab, "/people/p-dana")
    assert (status, said["tenant"], said["platform"]) == (200, "demo", True)
    status, said = where(lab, "/people/p-dana", (HEADER, "acme"))
    assert (status, said["tenant"], said["platform"]) == (200, "acme", False)


def test_roles_are_those_of_the_chosen_tenant(lab: Lab) -> None:
    lab.edge.follower.held["p-dana"] = frozenset({"data-scientist"})
    with lab.workload("/people/p-dana").client(lab.url, expect="registry") as http:
        assert http.get("/v1/who").json()["roles"] == ["data-scientist"]
        assert http.get("/v1/who", headers={HEADER: "acme"}).json()["roles"] == []


@pytest.mark.parametrize("name", ["", "Demo", "a/b", "..", "x" * 33, "demo,acme"])
def test_what_is_no_tenants_name_is_refused(lab: Lab, name: str) -> None:
    assert where(lab, "/people/p-dana", (HEADER, name))[0] == 400


def test_a_request_acts_in_one_tenant(lab: Lab) -> None:
    assert where(lab, "/people/p-dana", (HEADER, "demo"), (HEADER, "demo"))[0] == 400


def test_a_grant_counts_in_its_tenant_and_looks_like_nothing_elsewhere(lab: Lab, transit: TransitKey) -> None:
    token = granted(transit, tenant="acme")
    assert where(lab, "/svc/core/training", grant=token)[1]["tenant"] == "acme"
    assert where(lab, "/svc/core/training", (HEADER, "acme"), grant=token)[0] == 200
    status, problem = where(lab, "/svc/core/training", (HEADER, "demo"), grant=token)
    assert (status, problem["title"]) == (404, "OtherTenant")


@pytest.mark.parametrize("tenant", [None, 1, "", "Acme", "x" * 33])
def test_a_grant_without_a_tenant_is_none(lab: Lab, transit: TransitKey, tenant: object) -> None:
    assert where(lab, "/svc/core/training", grant=granted(transit, tenant=tenant))[0] == 401


def test_a_run_acts_in_the_tenant_its_name_says(lab: Lab) -> None:
    run = "/run/run-acme-0123456789abcdef"
    assert where(lab, run)[1]["tenant"] == "acme"
    assert where(lab, run, (HEADER, "demo"))[0] == 404
    assert where(lab, "/run/run-0123456789abcdef")[1]["tenant"] == "demo"
    assert where(lab, "/run/run-0123456789abcdef", (HEADER, "acme"))[0] == 404
    assert where(lab, "/run/run-big-bank-0123456789abcdef")[1]["tenant"] == "big-bank"


def test_a_predictor_acts_in_the_tenant_of_its_endpoint(lab: Lab) -> None:
    lab.edge.follower.owned["endpoint/prod/credit"] = "acme"
    assert where(lab, "/svc/prod/predictor/credit")[1]["tenant"] == "acme"
    assert where(lab, "/svc/prod/predictor/credit", (HEADER, "demo"))[0] == 404
    assert where(lab, "/svc/prod/predictor/other")[1]["tenant"] == "demo"


def test_when_a_person_signed_in_is_what_their_certificate_says(lab: Lab, transit: TransitKey) -> None:
    said = where(lab, "/people/p-dana")[1]
    assert said["signed_in"] <= time.time()
    assert where(lab, "/svc/core/training", grant=granted(transit))[1]["signed_in"] is None
    assert where(lab, "/svc/core/training")[1]["signed_in"] is None
