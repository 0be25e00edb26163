"""The registry's pages, read by somebody without a screen."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from assay.contracts import FactKind
from assay.custody.pack import verify_pack
from assay.custody.pack_page import read_page
from tests.integration.registry.platform import Platform
from tests.support.surfer import Surfer
from tests.unit.custody.world import MODEL


@pytest.fixture
def reader(platform: Platform) -> Surfer:
    """An approver's browser; version 1 is registered."""
    platform.desk.register()
    return platform.surfer("amir")


@pytest.fixture
def spoiled(tmp_path: Path) -> Iterator[Platform]:
    """A registry with version 1, for somebody to spoil."""
    made = Platform(tmp_path)
    made.desk.trained()
    made.desk.register()
    yield made
    made.close()


def test_the_pages_list_models_versions_and_what_each_gate_lacks(reader: Surfer) -> None:
    assert "Nothing waits for you." in reader.http.get("/").text
    assert "/models/credit-default/1" in reader.http.get("/models").text
    model = reader.http.get("/models/credit-default").text
    assert "version 1" in model
    version = reader.http.get("/models/credit-default/1").text
    assert "approvals by role approver" in version


def test_who_is_not_signed_in_is_sent_to_sign_in_and_back(platform: Platform) -> None:
    stranger = platform.surfer("amir")
    stranger.http.cookies.clear()
    for path in ("/", "/models", "/models/credit-default", "/models/credit-default/1"):
        answer = stranger.http.get(path)
        assert (answer.status_code, answer.headers["location"][:14]) == (303, "/sign-in?next=")
    asked = stranger.http.get("/sign-in?next=%2Fmodels").headers["location"]
    assert "/authorize?client=registry" in asked


def test_who_holds_no_role_sees_nothing(platform: Platform) -> None:
    platform.world.enrol_by("eve", "guest", by=("ada", "grace"))
    assert platform.surfer("eve").http.get("/models").status_code == 403


def test_what_does_not_exist_is_a_page_that_says_so(reader: Surfer) -> None:
    for path in ("/models/nonesuch", "/models/credit-default/99", "/nonesuch"):
        answer = reader.http.get(path)
        assert answer.status_code == 404
        assert "What to do" in answer.text


def test_no_route_of_the_service_stands_on_the_people_listener(reader: Surfer) -> None:
    for path in ("/v1/models", "/v1/packages/" + "0" * 64, "/api/2.0/mlflow/registered-models/search"):
        assert reader.http.get(path).status_code == 404


def test_a_revoked_version_is_shown_with_why_and_no_gate_lets_it_in(spoiled: Platform) -> None:
    (version,) = spoiled.world.follower.records(FactKind.VERSION)
    spoiled.world.revoke(version.digest, "version 1")
    shown = spoiled.surfer("amir").http.get("/models/credit-default/1")
    assert shown.status_code == 200
    assert "Revoked." in shown.text
    assert "ChainRevoked" in shown.text
    assert "may enter" not in shown.text


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE version SET tier = 'low'",
        "UPDATE version SET package = fact",
        "UPDATE version SET number = 7",
        "DELETE FROM version",
    ],
)
def test_a_page_over_an_edited_row_is_refused_and_shows_nothing_of_it(spoiled: Platform, change: str) -> None:
    reader = spoiled.surfer("amir")
    assert reader.http.get("/models/credit-default/1").status_code == 200
    with sqlite3.connect(spoiled.folder / "served.db") as rows:
        assert rows.execute(change).rowcount == 1
    shown = reader.http.get("/models/credit-default/1")
    assert shown.status_code == 409
    assert "ProjectionTampered" in shown.text


def test_a_card_whose_bytes_were_changed_is_not_shown(spoiled: Platform) -> None:
    package = spoiled.service.registry.believed.version("credit-default", 1).fact.body["package"]
    card = spoiled.service.registry.packages.card(package)
    (kept,) = (spoiled.folder / "objects").rglob(card)
    sealed = kept.read_bytes()
    kept.write_bytes(sealed[:-1] + bytes([sealed[-1] ^ 1]))
    shown = spoiled.surfer("amir").http.get("/models/credit-default/1")
    assert shown.status_code >= 400
    assert "SignatureInvalid" in shown.text


def test_the_navigation_names_only_pages_that_exist(reader: Surfer) -> None:
    page = reader.http.get("/models").text
    for path in ("/models", "/endpoints", "/history", "/audit", "/receipts", "/people"):
        if f'href="{path}"' in page:
            assert reader.http.get(path).status_code == 200


def test_the_evidence_pack_is_a_file_to_keep_that_verifies(platform: Platform, reader: Surfer) -> None:
    answer = reader.http.get("/models/credit-default/1/pack.html")
    assert answer.headers["content-disposition"] == 'attachment; filename="credit-default-1.html"'
    root = platform.world.root
    assert verify_pack(read_page(answer.content), root, now=time.time()).chain.body.number == 1
    with platform.client(platform.person("amir")) as http:
        same = http.get("/v1/models/credit-default/versions/1/pack")
    assert verify_pack(read_page(same.content), root, now=time.time()).size > 0


def test_a_free_alias_is_taken_off_on_the_page_by_who_may_and_a_protected_one_by_nobody(
    platform: Platform, reader: Surfer
) -> None:
    assert reader.http.get(f"/models/{MODEL}").status_code == 200  # a version is there
    dana = platform.desk.person("dana")
    moved = platform.service.naming.point(MODEL, "challenger", 1, by=dana)
    surfer, path = platform.surfer("dana"), f"/models/{MODEL}/aliases/remove"
    page = surfer.http.get(f"/models/{MODEL}").text
    assert page.count(f'action="{path}"') == 1
    assert path not in platform.surfer("amir").http.get(f"/models/{MODEL}").text
    form = {"alias": "challenger", "environment": "prod", "seen": moved.digest, "csrf": surfer.csrf()}
    refused = [
        surfer.http.post(path, data=form | {"alias": "champion"}).status_code,
        surfer.http.post(path, data=form | {"seen": "0" * 64}).status_code,
        surfer.http.post(path, data=form | {"csrf": "x"}).status_code,
        platform.surfer("amir").http.post(path, data=form).status_code,
    ]
    assert refused == [403, 409, 403, 403]
    assert surfer.http.post(path, data=form).status_code == 303
    assert path not in surfer.http.get(f"/models/{MODEL}").text
