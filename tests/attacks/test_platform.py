"""Every refusal of the demonstration as a promise of its own; where somebody's name was on it, it is journaled."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from assay.errors import Conflict, Forbidden, ServiceError, SignatureInvalid, Unauthenticated, Unavailable
from tests.conftest import Running

LANDED_SECONDS = 30.0


@pytest.fixture(scope="module", autouse=True)
def _signed_in_just_now(running: Running) -> None:
    """However long the suite has run: an old sign-in would be refused for its age."""
    running.thread.log_in()


@contextmanager
def journaled(running: Running, service: str, caller: str, *, action: str) -> Iterator[None]:
    """Demand that a service's journal holds one refusal more of somebody (a person's name, or a service)."""
    before = refusals(running, service, caller, action)
    yield
    until = time.monotonic() + LANDED_SECONDS
    while refusals(running, service, caller, action) <= before:
        assert time.monotonic() < until, f"{service} journaled no refusal of {action} by {caller}"
        time.sleep(0.2)


def refusals(running: Running, service: str, caller: str, action: str) -> int:
    """Count a caller's refusals at a service: entries, and repeats that an entry counts."""
    sessions = running.thread.sessions
    who = (
        {"person": str(sessions[caller].identity.person)}
        if caller in sessions
        else {"identity": f"spiffe://{sessions['ada'].platform.trust_domain}/svc/core/{caller}"}
    )
    audit, found = sessions["ada"].audit, 0
    for shown in audit.accesses(sessions["ada"].service(service), outcome="refused", action=action, **who):
        found += int(shown["entry"].get("count", 1))
    return found


@pytest.mark.threat("T-SIG-02")
def test_a_package_with_one_flipped_byte_is_refused(running: Running) -> None:
    with (
        journaled(running, "registry", "dana", action="registry/read-package"),
        pytest.raises(SignatureInvalid),
    ):
        running.refusals.one_byte_of_the_package()


@pytest.mark.threat("T-REG-12")
def test_an_approval_cannot_be_swapped_to_another_version(running: Running) -> None:
    with journaled(running, "registry", "bea", action="registry/approve"), pytest.raises(ServiceError):
        running.refusals.a_swapped_approval()


@pytest.mark.threat("T-REG-10")
def test_signed_bytes_are_not_registered_under_another_name(running: Running) -> None:
    with (
        journaled(running, "registry", "dana", action="registry/register"),
        pytest.raises(ServiceError, match="renamed"),
    ):
        running.refusals.renamed_signed_bytes()


@pytest.mark.threat("T-REG-09")
def test_an_edited_alias_row_is_noticed_and_refused(running: Running) -> None:
    with journaled(running, "registry", "ada", action="registry/read"), pytest.raises(ServiceError):
        running.refusals.an_edited_database()


@pytest.mark.threat("T-REG-09")
def test_an_alias_cannot_be_moved_from_a_stale_head(running: Running) -> None:
    with journaled(running, "ledger", "registry", action="ledger/append"), pytest.raises(Conflict):
        running.refusals.a_stale_head()


@pytest.mark.threat("T-IAM-05")
def test_a_call_without_a_certificate_ends_in_the_handshake(running: Running) -> None:
    with pytest.raises(Unauthenticated):
        running.refusals.no_certificate()


@pytest.mark.threat("T-REG-05")
def test_a_service_that_may_not_is_forbidden_with_its_own_certificate(running: Running) -> None:
    with journaled(running, "registry", "ingestion", action="registry/promote"), pytest.raises(Forbidden):
        running.refusals.a_service_that_may_not()


@pytest.mark.threat("T-SRV-08")
def test_a_header_that_claims_an_identity_changes_nothing(running: Running) -> None:
    with journaled(running, "registry", "dana", action="registry/revoke"), pytest.raises(Forbidden):
        running.refusals.a_spoofed_header()


@pytest.mark.threat("T-IAM-03")
def test_a_control_route_is_refused_while_opa_is_down(running: Running) -> None:
    with journaled(running, "registry", "ada", action="registry/gate"), pytest.raises(Unavailable):
        running.refusals.opa_down()


@pytest.mark.threat("T-REG-12")
def test_whoever_started_the_pipeline_cannot_approve_its_model(running: Running) -> None:
    with (
        journaled(running, "registry", "dana", action="registry/read-statement"),
        pytest.raises(ServiceError, match="contribut"),
    ):
        running.refusals.the_contributor_approves()


@pytest.mark.threat("T-SIG-03")
def test_an_endpoint_stops_when_an_approval_it_stands_on_is_revoked(running: Running) -> None:
    with pytest.raises(ServiceError):
        running.refusals.a_revoked_approval()
    running.thread.roll_out(2)
    running.thread.predict(2)
