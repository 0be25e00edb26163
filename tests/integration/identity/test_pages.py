from __future__ import annotations

import pytest

from tests.integration.identity.world import World
from tests.support.people import peopled, surfer
from tests.support.surfer import COOKIE, Surfer

__all__ = ["peopled", "surfer"]


def test_a_passkey_opens_a_session_and_signing_out_ends_it(peopled: World, surfer: Surfer) -> None:
    answer = surfer.sign_in(peopled.browser_passkey("dana"))
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    said = answer.headers["set-cookie"]
    assert said.startswith(f"{COOKIE}=")
    assert {"Secure", "HttpOnly", "Path=/", "SameSite=lax"} <= set(said.split("; "))
    assert "dana" in surfer.http.get("/").text
    kept = surfer.http.cookies[COOKIE]
    assert surfer.http.post("/sign-out").headers["location"] == "/signed-out"
    again = surfer.http.get("/", headers={"cookie": f"{COOKIE}={kept}"})
    assert again.headers["location"] == "/sign-in?next=%2F"


def test_without_a_session_a_page_sends_to_the_sign_in_page_and_back(peopled: World, surfer: Surfer) -> None:
    answer = surfer.http.get("/sessions")
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in?next=%2Fsessions")
    on = surfer.sign_in(peopled.browser_passkey("dana"), go_on="/sessions")
    assert on.headers["location"] == "/sessions"


@pytest.mark.parametrize("elsewhere", ["//evil.example/", "https://evil.example/", "/\\evil.example", "x"])
def test_nobody_is_sent_to_another_site_after_signing_in(
    peopled: World, surfer: Surfer, elsewhere: str
) -> None:
    answer = surfer.sign_in(peopled.browser_passkey("dana"), go_on=elsewhere)
    assert answer.headers["location"] == "/"


def test_a_name_that_nobody_has_is_answered_like_one_that_somebody_has(
    peopled: World, surfer: Surfer
) -> None:
    peopled.browser_passkey("dana")
    shapes = []
    for name in ("dana", "nobody"):
        given = [surfer.http.post("/sign-in/challenge", data={"name": name}).json() for _ in range(2)]
        assert given[0]["credentials"] == given[1]["credentials"]
        shapes.append([len(each) for each in given[0]["credentials"]])
    assert shapes[0] == shapes[1]


def test_a_passkey_that_was_revoked_ends_its_sessions_at_the_next_request(
    peopled: World, surfer: Surfer
) -> None:
    surfer.sign_in(peopled.browser_passkey("dana"))
    assert surfer.http.get("/").status_code == 200
    peopled.revoke(f"person/{peopled.people['dana'].person}")
    assert surfer.http.get("/").headers["location"].startswith("/sign-in")
    assert peopled.identity.site.sessions.of(peopled.people["dana"].person) == []


def test_a_session_is_listed_and_ended_from_another_one(peopled: World, surfer: Surfer) -> None:
    other = peopled.surfer()
    passkey = peopled.browser_passkey("dana")
    surfer.sign_in(passkey)
    other.sign_in(passkey)
    (handle,) = [
        one.handle for one in peopled.identity.site.sessions.of(passkey.person) if one.csrf == surfer.csrf()
    ]
    other.http.post(f"/sessions/{handle}/end", data={"csrf": other.csrf()})
    assert surfer.http.get("/").status_code == 303
    assert other.http.get("/").status_code == 200
    other.close()


def test_pages_carry_a_strict_policy_and_cannot_be_framed(surfer: Surfer) -> None:
    for path in ("/sign-in", "/nonesuch", "/static/0/assay.css"):
        headers = surfer.http.get(path).headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert headers["x-frame-options"] == "DENY"
        assert headers["x-content-type-options"] == "nosniff"


def test_a_refusal_is_a_page_with_name_status_and_fix(surfer: Surfer) -> None:
    answer = surfer.http.get("/nonesuch")
    assert answer.status_code == 404
    assert "NotFound" in answer.text
    assert "What to do" in answer.text


def test_no_route_of_the_service_stands_on_the_people_listener(peopled: World, surfer: Surfer) -> None:
    for path in ("/v1/people", "/v1/login/challenge", "/v1/roles"):
        assert surfer.http.get(path).status_code == 404
        assert surfer.http.post(path, data={}).status_code == 404
    dana = peopled.log_in("dana")
    with dana.client(f"https://127.0.0.1:{peopled.people_port}", expect="identity") as with_certificate:
        assert with_certificate.get("/v1/people").status_code == 404


def test_the_other_name_of_this_host_is_refused(peopled: World, surfer: Surfer) -> None:
    answer = surfer.http.get("/sign-in", headers={"host": f"127.0.0.1:{peopled.people_port}"})
    assert answer.status_code == 421
    assert peopled.people_origin in answer.text


def test_the_sign_in_page_may_lead_on_to_pages_that_people_are_sent_back_to_and_to_no_others(
    peopled: World, surfer: Surfer
) -> None:
    """Browsers hold `form-action` against the redirects that follow the form: back to another service's pages."""
    policy = surfer.http.get("/sign-in").headers["content-security-policy"]
    (allowed,) = [part for part in policy.split("; ") if part.startswith("form-action")]
    assert allowed.split()[1:] == ["'self'", peopled.registry_pages, peopled.tracking_pages]
    other = surfer.http.get("/signed-out").headers["content-security-policy"]
    assert "form-action 'self';" in other
