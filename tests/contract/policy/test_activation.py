"""Each OPA server takes a new signed bundle up while it runs, and answers by nothing that is not verified."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from assay.errors import Forbidden, Unavailable
from assay.policy import OpaHttp
from assay.policy.asking import Asking
from assay.policy.bundle import PolicyBundle
from assay.policy.decisions import RIGHTS
from assay_laptop.opa.launch import find_opa
from tests.contract.policy.world import AUTHOR, Server, serving, wait_for_policy
from tests.support.policy import Author, swapped

DANA = Asking.at("/people/p-dana", person="p-dana", role="data-scientist")
OLD, NEW = AUTHOR.signed(), AUTHOR.signed(swapped())
SEARCH, APPEND = "ledger/search", "ledger/append"
PATIENCE = 120.0  # a hang, not a promise


@pytest.fixture(params=["built-in", "opa"])
def server(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Server]:
    opa = find_opa() if request.param == "opa" else None
    if request.param == "opa" and opa is None:
        pytest.skip("no `opa` on the PATH or in ASSAY_BIN")
    with serving(opa, tmp_path / "server") as running:
        yield running


@contextmanager
def asked(server: Server) -> Iterator[OpaHttp]:
    policy = server.engine()
    try:
        yield policy
    finally:
        policy.close()


def until(policy: OpaHttp, revision: str) -> None:
    """Return when the server answers by a revision; what it says until then is by OLD or NEW and by nothing else."""
    end = time.monotonic() + PATIENCE
    while (found := policy.ask(RIGHTS, {}).revision) != revision:
        assert found in {OLD.revision, NEW.revision}
        assert time.monotonic() < end, "the bundle was not taken up"
        time.sleep(0.1)


def refused(policy: OpaHttp, action: str) -> bool:
    try:
        policy.require(action, DANA)
    except Forbidden:
        return True
    return False


def test_a_new_bundle_is_taken_up_without_a_restart(server: Server) -> None:
    with asked(server) as policy:
        policy.require(SEARCH, DANA)
        assert refused(policy, APPEND)
        server.feed.offer(NEW)
        until(policy, NEW.revision)
        policy.require(APPEND, DANA)
        assert refused(policy, SEARCH)
        server.feed.offer(OLD)
        until(policy, OLD.revision)
        policy.require(SEARCH, DANA)
    assert server.process.poll() is None


def test_a_server_restarted_during_an_activation_comes_back_on_the_new_policy(server: Server) -> None:
    server.feed.offer(NEW)
    server.process.terminate()
    server.process.wait(timeout=60)
    with asked(server) as policy, pytest.raises(Unavailable):
        policy.require(SEARCH, DANA)
    again = subprocess.Popen(
        server.argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=dict(os.environ)
    )
    try:
        patient(server)
        with asked(server) as policy:
            assert policy.ask(RIGHTS, {}).revision == NEW.revision
    finally:
        again.terminate()
        again.wait(timeout=60)


def test_a_bundle_by_another_key_is_not_taken_up_whatever_the_launcher_offers(server: Server) -> None:
    stranger = Author()
    forged = stranger.archive(swapped())
    server.feed.offer(PolicyBundle.verified(forged, stranger.public_pem))
    with asked(server) as policy:
        for _ in range(30):
            assert policy.ask(RIGHTS, {}).revision == OLD.revision
            assert refused(policy, APPEND)
            time.sleep(0.1)
        server.feed.offer(NEW)
        until(policy, NEW.revision)


def test_the_feed_gives_its_bundle_to_opa_alone(server: Server) -> None:
    own = server.authority.issue("/svc/core/opa").context()
    assert httpx.get(f"{server.feed.url}/policy.tar.gz", verify=own).content == OLD.archive
    tag = httpx.get(f"{server.feed.url}/policy.tar.gz", verify=own).headers["etag"]
    headers = {"If-None-Match": tag}
    assert httpx.get(f"{server.feed.url}/policy.tar.gz", verify=own, headers=headers).status_code == 304
    for path in ("/svc/core/registry", "/people/p-ada"):
        other = server.authority.issue(path).context()
        assert httpx.get(f"{server.feed.url}/policy.tar.gz", verify=other).status_code == 401
    assert httpx.get(f"{server.feed.url}/etc/passwd", verify=own).status_code == 401


def patient(server: Server) -> None:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        try:
            wait_for_policy(server)
        except httpx.TransportError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError("the server did not come back")
