from __future__ import annotations

import time

import jwt
import pytest

from assay.contracts import PersonId
from assay.identity.grants import HEADER, mint
from tests.integration.identity.lab import Lab, spiffe
from tests.integration.identity.transit import TransitKey

IDENTITY = spiffe("/svc/core/identity")
TRAINING = spiffe("/svc/core/training")


@pytest.fixture
def transit(lab: Lab) -> TransitKey:
    made = TransitKey()
    lab.edge.root.services["grant"] = made.public_pem
    lab.edge.follower.held["p-dana"] = frozenset({"data-scientist"})
    return made


def granted(transit: TransitKey, **changed: object) -> str:
    terms = {
        "issuer": IDENTITY,
        "person": PersonId("p-dana"),
        "tenant": "demo",
        "service": TRAINING,
        "audience": ["registry"],
        "actions": ["lab/who"],
        "now": int(time.time()),
        "seconds": 60,
    }
    return mint(transit, **{**terms, **changed})  # type: ignore[arg-type]


def ask(lab: Lab, token: str, peer: str = "/svc/core/training") -> tuple[int, dict[str, object]]:
    with lab.workload(peer).client(lab.url, expect="registry", grant=token) as http:
        answer = http.get("/v1/who")
    return answer.status_code, answer.json()


def test_a_grant_adds_its_person_to_the_service_that_holds_it(lab: Lab, transit: TransitKey) -> None:
    status, answer = ask(lab, granted(transit))
    assert status == 200
    assert answer == {"identity": str(TRAINING), "person": "p-dana", "roles": ["data-scientist"]}


def test_a_grant_used_by_another_service_is_refused(lab: Lab, transit: TransitKey) -> None:
    assert ask(lab, granted(transit), peer="/svc/core/serving")[0] == 401


@pytest.mark.parametrize(
    "changed",
    [
        {"audience": ["ingestion"]},
        {"now": int(time.time()) - 3600},
        {"now": int(time.time()) + 3600},
        {"issuer": TRAINING},
        {"person": PersonId("../p-ada")},
    ],
)
def test_a_grant_for_others_ended_or_not_by_identity_is_refused(
    lab: Lab, transit: TransitKey, changed: dict[str, object]
) -> None:
    assert ask(lab, granted(transit, **changed))[0] == 401


def test_a_grant_covers_the_actions_it_names_only(lab: Lab, transit: TransitKey) -> None:
    status, problem = ask(lab, granted(transit, actions=["lab/other"]))
    assert (status, problem["title"]) == (403, "Forbidden")


def test_a_grant_by_another_key_is_refused(lab: Lab, transit: TransitKey) -> None:
    assert ask(lab, granted(TransitKey()))[0] == 401


def test_forged_algorithms_are_refused(lab: Lab, transit: TransitKey) -> None:
    claims = jwt.decode(granted(transit), options={"verify_signature": False})
    header = {"typ": "assay-grant+jwt"}
    none = jwt.encode(claims, "", algorithm="none", headers=header)
    confused = jwt.api_jws.encode(b"{}", b"k" * 32, algorithm="HS256", headers=header)
    untyped = granted(transit).split(".")
    for token in (none, confused, ".".join(untyped[:2]) + ".", "", "x.y.z"):
        if token:
            assert ask(lab, token)[0] == 401


def test_a_token_of_another_type_is_no_grant(lab: Lab, transit: TransitKey) -> None:
    claims = jwt.decode(granted(transit), options={"verify_signature": False})
    token = jwt.encode(claims, transit.key, algorithm="ES256", headers={"typ": "JWT"})
    assert ask(lab, token)[0] == 401


def test_two_grants_are_refused(lab: Lab, transit: TransitKey) -> None:
    with lab.workload("/svc/core/training").client(lab.url, expect="registry") as http:
        answer = http.get("/v1/who", headers=[(HEADER, granted(transit)), (HEADER, granted(transit))])
    assert answer.status_code == 401


def test_a_person_may_hand_over_their_own_grant_for_this_service(lab: Lab, transit: TransitKey) -> None:
    here = granted(transit, service=spiffe("/svc/core/registry"), audience=["ledger"])
    assert ask(lab, here, peer="/people/p-dana")[0] == 200
    assert lab.edge.policy.asked[-1][1].handed == here  # type: ignore[attr-defined]
    assert ask(lab, here, peer="/people/p-other")[0] == 401
    assert ask(lab, granted(transit), peer="/people/p-dana")[0] == 401


def test_the_trust_domain_is_the_roots(lab: Lab, transit: TransitKey) -> None:
    token = granted(transit)
    lab.edge.root.trust_domain = "other.test"
    assert ask(lab, token)[0] == 401
