"""Another policy on the whole running platform: who activates it is shown the endpoint it stops, and then it stops.

The stricter policy asks for auditors where the one in force asks for approvers: nobody is one.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest

from assay.client.sign_in import passkey_of
from assay.errors import ServiceError
from assay.policy.bundle import PolicyBundle, packed
from assay.policy.preview import stopped
from assay_laptop.demo.thread import ENDPOINT, ENVIRONMENT, MODEL
from assay_laptop.genesis.people import FOUNDERS
from assay_laptop.genesis.policy import author_key
from tests.conftest import Running
from tests.support.policy import renamed

HANG_SECONDS = 90.0
STANDING = f"endpoint/{ENVIRONMENT}/{ENDPOINT}"


def activate(running: Running, archive: bytes, *by: str) -> PolicyBundle:
    """Hand a bundle in, look at what it stops, sign exactly that."""
    ada = running.thread.sessions["ada"]
    bundle = ada.policy.take(archive)
    passkeys = [passkey_of(ada.platform, name) for name in by]
    ada.policy.activate(bundle, ada.policy.preview(bundle), passkeys)
    return bundle


def stricter(running: Running) -> bytes:
    """Return the policy in force, but for one word, signed by the policy author."""
    files = dict(running.thread.sessions["ada"].policy.in_force().files)
    return packed(renamed(b"approver", b"auditors", files), author_key(running.platform.home))


def predicts(running: Running) -> bool:
    try:
        running.thread.sessions["dana"].endpoints.predict(ENVIRONMENT, ENDPOINT, running.thread.rows())
    except ServiceError:
        return False
    return True


def until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + HANG_SECONDS
    while not true():
        assert time.monotonic() < end, "it did not come to be"
        time.sleep(0.2)


@pytest.fixture
def before(running: Running) -> Iterator[PolicyBundle]:
    """The policy in force, which is in force again afterwards."""
    ada = running.thread.sessions["ada"]
    found = ada.policy.in_force()
    assert predicts(running)
    yield found
    if ada.policy.in_force().revision != found.revision:
        activate(running, found.archive, *FOUNDERS)
    until(lambda: predicts(running))


def test_a_policy_that_stops_a_standing_endpoint_is_shown_signed_and_followed_and_the_next_one_too(
    running: Running, before: PolicyBundle
) -> None:
    ada = running.thread.sessions["ada"]
    archive = stricter(running)
    preview = ada.policy.preview(ada.policy.take(archive))
    assert STANDING in {each["about"] for each in stopped(preview)}
    assert predicts(running), "looking changes nothing"

    activate(running, archive, *FOUNDERS)
    until(lambda: not predicts(running))
    assert ada.endpoints.get(ENVIRONMENT, ENDPOINT)["state"] == "stopped"
    until(lambda: "auditors" in _why_nothing_is_rolled_out(running))

    activate(running, before.archive, *FOUNDERS)
    until(lambda: predicts(running))
    assert ada.policy.in_force().digest == before.digest


def _why_nothing_is_rolled_out(running: Running) -> str:
    """Ask for what answered until now, again; return why not."""
    ada = running.thread.sessions["ada"]
    number = int(ada.endpoints.get(ENVIRONMENT, ENDPOINT)["number"])
    try:
        ada.endpoints.roll_out(ENVIRONMENT, ENDPOINT, MODEL, number, reason="once more")
    except ServiceError as refusal:
        return refusal.detail
    return ""


def test_one_administrator_puts_no_policy_in_force_and_a_stranger_signs_none(
    running: Running, before: PolicyBundle
) -> None:
    with pytest.raises(ServiceError):
        activate(running, stricter(running), FOUNDERS[0])
    ada = running.thread.sessions["ada"]
    assert ada.policy.in_force().digest == before.digest
    assert predicts(running)
