from __future__ import annotations

from pathlib import Path

import httpx
import pytest
from pydantic import ValidationError

from assay.errors import HeadMoved, NotFound, ServiceError, Unavailable
from assay.web.client import call
from assay.web.settings import ServiceSettings

REQUEST = httpx.Request("GET", "https://registry.test/v1/x")


def answer(status: int, body: bytes, kind: str = "application/problem+json; charset=utf-8") -> httpx.Response:
    return httpx.Response(status, content=body, headers={"content-type": kind}, request=REQUEST)


def test_an_answer_is_passed_on() -> None:
    assert call(answer(201, b"{}", "application/json")).status_code == 201


def test_a_refusal_there_is_the_same_refusal_here() -> None:
    body = HeadMoved("version 3 moved", head="abc").problem()
    with pytest.raises(HeadMoved) as refused:
        call(
            httpx.Response(
                409, json=body, headers={"content-type": "application/problem+json"}, request=REQUEST
            )
        )
    assert (refused.value.detail, refused.value.extra) == ("version 3 moved", {"head": "abc"})


def test_a_refusal_of_an_unknown_name_keeps_its_name_and_status() -> None:
    with pytest.raises(ServiceError) as refused:
        call(answer(418, b'{"title": "Teapot", "status": 418, "detail": "short and stout"}'))
    assert (type(refused.value).__name__, refused.value.status) == ("Teapot", 418)


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"<html>bad gateway</html>", "text/html"),
        (b"[]", "application/problem+json"),
        (b"{", "application/problem+json"),
        (b'{"title": "NotFound"}', "application/json"),
    ],
)
def test_a_failure_that_does_not_say_why_is_unavailable(body: bytes, kind: str) -> None:
    with pytest.raises(Unavailable):
        call(answer(502, body, kind))


def test_a_missing_setting_is_named_and_no_secret_has_a_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASSAY_SERVICE", "registry")
    with pytest.raises(ValidationError) as refused:
        ServiceSettings.from_environment()
    missing = {error["loc"][0] for error in refused.value.errors()}
    assert {"vault_wrapped_secret_id", "root_path", "port"} <= missing


def test_settings_are_read_frozen_and_know_every_service(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ServiceSettings.model_fields:
        monkeypatch.setenv(f"ASSAY_{name.upper()}", "1")
    settings = ServiceSettings.from_environment()
    assert settings.run_dir == Path("1")
    assert "vault_wrapped_secret_id" not in repr(settings)
    assert settings.url_of("evaluator") == "1"
    with pytest.raises(NotFound):
        settings.url_of("vault")
    with pytest.raises(ValidationError):
        settings.port = 2  # type: ignore[misc]
