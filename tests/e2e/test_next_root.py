"""The next root of the whole running platform, under load: drafted, said by founders, in force; nothing restarts."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from assay.client import Session
from assay.client.sign_in import passkey_of
from assay.contracts import FactKind
from assay.errors import ServiceError
from assay.ledger import Root
from assay.policy.bundle import PolicySignatureInvalid, packed
from assay_laptop.demo.thread import ENDPOINT, ENVIRONMENT, MODEL
from assay_laptop.genesis.people import FOUNDERS
from assay_laptop.genesis.policy import author_key, author_path
from tests.conftest import Running
from tests.e2e.test_commands import assay
from tests.e2e.test_rotate_ca import Asking
from tests.support.policy import Author

HANG_SECONDS = 90.0


class Changing(Asking):
    """People who ask, and administrators who change things: each time a new fact is signed."""

    def asked(self, running: Running) -> list[Callable[[], object]]:
        """Predict and read as before; grant a role and end it."""
        ada = running.thread.sessions["ada"]
        somebody = ada.people.invite("somebody of the next root")["person"]
        passkeys = [passkey_of(ada.platform, each) for each in FOUNDERS]
        return [
            *super().asked(running),
            lambda: [
                ada.people.change_role(somebody, "risk", passkeys, ended=ended) for ended in (False, True)
            ],
        ]


def signing(running: Running, *arguments: str) -> str:
    done = assay(running.platform.home.path, "rotate", "signing", "--as", "ada", *arguments)
    return done.stdout if done.returncode == 0 else done.stderr


def test_the_next_root_comes_in_force_while_people_work_and_no_request_fails(
    running: Running, record_property: Callable[[str, object], None]
) -> None:
    running.thread.log_in()
    home, ada = running.platform.home, running.thread.sessions["ada"]
    processes = {part.name: part.process for part in running.platform.parts.values()}
    pinned = Root.load(home.root)
    assert "NotFound" in signing(running, "--status")
    assert "digest" in signing(running)
    assert "withdrawn" in signing(running, "--withdraw")
    asking = Changing(running)
    with asking.going_on():
        drafted = signing(running)
        digest = drafted.partition("digest ")[2].split()[0]
        assert "key of run facts by /svc/core/training" in drafted
        assert "0 of 2 signed, waits for" in drafted
        assert "1 of 2 signed, waits for" in signing(running, "--sign", "ada")
        assert digest in signing(running, "--status")
        assert ada.follower.catch_up() > 0
        assert ada.follower.root.version == pinned.version
        before = asking.answers
        assert "is in force" in signing(running, "--sign", "grace")
        end = time.monotonic() + HANG_SECONDS
        while asking.answers < before + 100 and not asking.failures:
            assert time.monotonic() < end, "nobody is answered any more"
            time.sleep(0.1)
    assert asking.failures == []
    record_property("requests while the next root came in force", asking.answers)
    assert {part.name: part.process for part in running.platform.parts.values()} == processes
    ada.follower.catch_up()
    assert (ada.follower.root.version, ada.follower.root.fingerprint) == (2, digest)
    (at,) = [one.index for one in ada.follower.records(FactKind.ROOT) if one.index]
    after = {one.signed.keyid for one in ada.follower.records() if one.index > at}
    assert after.isdisjoint(one.keyid for one in pinned.signers)


def test_everything_after_it_is_signed_with_the_new_keys_and_the_first_root_proves_it(
    running: Running,
) -> None:
    pinned = Root.load(running.platform.home.root)
    dana, ada = running.thread.sessions["dana"], running.thread.sessions["ada"]
    running.thread.approve(1)
    ada.models.move_alias(MODEL, "champion", 1, ENVIRONMENT)
    ada.endpoints.roll_out(ENVIRONMENT, ENDPOINT, MODEL, 1, reason="once more, under the next root")
    running.thread.predict(1)
    running.thread.export_receipt()
    assert running.thread.verify() is not None
    assert dana.grant("training", ["features/build-feature-set"])
    assert pinned.version == 1
    assert "NotFound" in signing(running, "--status")


def test_another_policy_author_named_by_a_next_root_signs_the_policy_and_opa_takes_it_up(
    running: Running, tmp_path: Path
) -> None:
    """The one before signs none from then on; what they signed answers until the next policy."""
    ada, home, later = running.thread.sessions["ada"], running.platform.home, Author()
    earlier = author_key(home)
    before = ada.policy.in_force()
    (tmp_path / "author.pem").write_text(later.public_pem)
    assert "key of policy" in signing(running, "--policy-author", str(tmp_path / "author.pem"))
    author_path(home).write_bytes(later.private_pem)
    assert "is in force" in signing(running, *(f"--sign={each}" for each in FOUNDERS))
    assert ada.policy.in_force().digest == before.digest
    assert running.thread.predict(1)
    with pytest.raises(PolicySignatureInvalid):
        ada.policy.take(packed(dict(before.files), earlier))
    restarts = running.platform.parts["opa"].process
    bundle = ada.policy.take(later.archive(dict(before.files)))
    passkeys = [passkey_of(ada.platform, each) for each in FOUNDERS]
    ada.policy.activate(bundle, ada.policy.preview(bundle), passkeys)
    end = time.monotonic() + HANG_SECONDS
    while running.platform.parts["opa"].process is restarts or not _reads(ada):
        assert time.monotonic() < end, "OPA does not take up what the next author signed"
        time.sleep(0.2)
    assert ada.policy.in_force().digest == bundle.digest
    assert running.thread.predict(1)


def _reads(session: Session) -> bool:
    try:
        return bool(session.models.version(MODEL, 1))
    except (ServiceError, httpx.HTTPError):
        return False
