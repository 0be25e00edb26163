"""Policy on a running platform: bundles handed in, what one would change, activation over exactly that."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from assay.contracts import sha256_hex
from assay.policy.bundle import PolicyBundle
from assay.policy.preview import preview_digest
from assay.web.client import call
from tests.integration.identity.lab import Lab
from tests.integration.identity.test_next_root import statement
from tests.integration.identity.world import World
from tests.support.policy import Author, swapped


@pytest.fixture
def world(lab: Lab, tmp_path: Path) -> World:
    folder = tmp_path / "world"
    folder.mkdir()
    return World(lab, folder)


@pytest.fixture
def ada(world: World) -> Iterator[httpx.Client]:
    with world.log_in("ada").client(world.url, expect="identity") as http:
        yield http


def handed_in(ada: httpx.Client, archive: bytes) -> dict[str, Any]:
    return dict(call(ada.post("/v1/policy/bundles", content=archive)).json())


def previewed(ada: httpx.Client, bundle: str) -> dict[str, Any]:
    return dict(call(ada.post("/v1/policy/previews", json={"bundle": bundle})).json())


def signed(world: World, ada: httpx.Client, bundle: str, preview: str) -> dict[str, Any]:
    terms = {"bundle": bundle, "preview": preview}
    statement = call(ada.post("/v1/policy", json=terms)).json()["statement"]
    by = [world.people[name].assert_(statement).model_dump(mode="json") for name in ("ada", "grace")]
    return {**terms, "assertions": by}


def activated(world: World, ada: httpx.Client, archive: bytes) -> PolicyBundle:
    taken = handed_in(ada, archive)
    preview = preview_digest(previewed(ada, taken["bundle"]))
    call(ada.post("/v1/policy", json=signed(world, ada, taken["bundle"], preview)))
    return PolicyBundle.verified(archive, world.author.public_pem)


def test_a_policy_is_put_in_force_by_two_administrators_over_its_preview(
    world: World, ada: httpx.Client
) -> None:
    bundle = activated(world, ada, world.author.archive())
    assert world.log.policy_revision() == bundle.revision
    said = call(ada.get("/v1/policy")).json()
    assert (said["revision"], said["bundle"]) == (bundle.revision, bundle.digest)
    assert call(ada.get(f"/v1/policy/bundles/{bundle.digest}")).content == bundle.archive


def test_one_administrator_does_not_put_a_policy_in_force(world: World, ada: httpx.Client) -> None:
    taken = handed_in(ada, world.author.archive())
    body = signed(world, ada, taken["bundle"], preview_digest(previewed(ada, taken["bundle"])))
    answer = ada.post("/v1/policy", json={**body, "assertions": body["assertions"][:1]})
    assert answer.json()["title"] == "NotEnoughAdministrators"
    assert world.log.policy_revision() == ""


def test_a_bundle_by_another_key_is_not_taken_and_so_never_activated(world: World, ada: httpx.Client) -> None:
    strange = Author().archive()
    answer = ada.post("/v1/policy/bundles", content=strange)
    assert (answer.status_code, answer.json()["title"]) == (422, "PolicySignatureInvalid")
    for path in ("/v1/policy/previews", "/v1/policy"):
        body = {"bundle": sha256_hex(strange)} | ({} if path.endswith("s") else {"preview": "0" * 64})
        answer = ada.post(path, json=body)
        assert (answer.status_code, answer.json()["title"]) == (404, "PolicyBundleMissing")


def test_the_preview_says_which_rights_change(world: World, ada: httpx.Client) -> None:
    activated(world, ada, world.author.archive())
    preview = previewed(ada, handed_in(ada, world.author.archive(swapped()))["bundle"])
    changed = {(each["action"], each["caller"]): (each["now"], each["then"]) for each in preview["decisions"]}
    assert changed["ledger/search", "person with approver"] == (True, False)
    assert changed["ledger/append", "person with approver"] == (False, True)
    assert {action for action, _ in changed} == {"ledger/search", "ledger/append"}
    again = previewed(ada, handed_in(ada, world.author.archive())["bundle"])
    assert again["decisions"] == []


def test_a_preview_of_another_state_is_refused_and_a_new_one_is_not(world: World, ada: httpx.Client) -> None:
    first, second = world.author.archive(), world.author.archive(swapped())
    taken = handed_in(ada, second)["bundle"]
    early = signed(world, ada, taken, preview_digest(previewed(ada, taken)))
    activated(world, ada, first)
    answer = ada.post("/v1/policy", json=early)
    assert (answer.status_code, answer.json()["title"]) == (409, "PreviewMoved")
    activated(world, ada, second)
    assert world.log.policy_revision() == PolicyBundle.verified(second, world.author.public_pem).revision


def test_an_activation_is_said_once(world: World, ada: httpx.Client) -> None:
    first, second = world.author.archive(), world.author.archive(swapped())
    taken = handed_in(ada, first)["bundle"]
    said = signed(world, ada, taken, preview_digest(previewed(ada, taken)))
    call(ada.post("/v1/policy", json=said))
    activated(world, ada, second)
    assert ada.post("/v1/policy", json=said).status_code in {409, 422}
    assert world.log.policy_revision() == PolicyBundle.verified(second, world.author.public_pem).revision


@pytest.mark.threat("T-SIG-07")
def test_after_a_next_root_another_author_signs_policy_and_the_one_before_none(
    world: World, ada: httpx.Client
) -> None:
    """What the old author signed stays in force until the next policy; the positive control is the last line."""
    first, second, later = world.author.archive(), world.author.archive(swapped()), Author()
    activated(world, ada, first)
    waiting = handed_in(ada, second)["bundle"]
    early = signed(world, ada, waiting, preview_digest(previewed(ada, waiting)))
    founders = [world.people[name] for name in ("ada", "grace")]
    said = statement(world.log.root, services={**world.log.root.services, "policy": later.public_pem})
    world.identity.successions.open(said, by="p-x")
    for founder in founders:
        world.identity.successions.sign(founder.assert_(said))
    assert world.log.root.services["policy"] == later.public_pem
    for answer in (
        ada.post("/v1/policy", json=early),
        ada.post("/v1/policy/bundles", content=first),
        ada.post("/v1/policy/previews", json={"bundle": waiting}),
    ):
        assert (answer.status_code, answer.json()["title"]) == (422, "PolicySignatureInvalid")
    in_force = call(ada.get("/v1/policy")).json()
    assert call(ada.get(f"/v1/policy/bundles/{in_force['bundle']}")).content == first
    world.author = later
    activated(world, ada, later.archive(swapped()))
    assert world.log.policy_revision() == later.signed(swapped()).revision
