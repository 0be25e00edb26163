from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from assay.errors import Forbidden, ServiceError, Unavailable
from assay.vault.errors import LoginEnded, VaultRefused
from assay.vault.renewal import Renewal
from assay.vault.session import connect

HANG_SECONDS = 10
SHORT = 0.02


def answering(*answers: float | ServiceError) -> tuple[Callable[[], float], threading.Event]:
    """Return a `renew` that gives these answers in turn, and an event set when the last one was given."""
    left, done = list(answers), threading.Event()

    def renew() -> float:
        answer = left.pop(0)
        if not left:
            done.set()
            left.append(answer)
        if isinstance(answer, ServiceError):
            raise answer
        return answer

    return renew, done


def test_it_renews_again_and_again_until_closed() -> None:
    renew, done = answering(SHORT, SHORT, 3600.0)
    renewal = Renewal(renew, SHORT)
    assert done.wait(HANG_SECONDS)
    assert not renewal.lost
    renewal.close()


def test_a_vault_that_is_down_for_a_while_is_asked_again() -> None:
    renew, done = answering(Unavailable("down"), Unavailable("down"), 3600.0)
    renewal = Renewal(renew, SHORT)
    assert done.wait(HANG_SECONDS)
    assert not renewal.lost
    renewal.close()


@pytest.mark.parametrize("refusal", [Forbidden("no"), VaultRefused("no"), LoginEnded("no")])
def test_a_refusal_means_the_login_is_lost(refusal: ServiceError) -> None:
    renew, done = answering(refusal)
    renewal = Renewal(renew, SHORT)
    assert done.wait(HANG_SECONDS)
    renewal._thread.join(HANG_SECONDS)
    assert renewal.lost
    renewal.close()


def test_whoever_asked_hears_of_the_loss_once() -> None:
    renew, _ = answering(LoginEnded("no"))
    renewal, told = Renewal(renew, SHORT), threading.Event()
    heard: list[str] = []
    renewal.on_loss(lambda: heard.append("early"))
    renewal.on_loss(told.set)
    assert told.wait(HANG_SECONDS)
    renewal.on_loss(lambda: heard.append("late"))
    renewal.lose()
    assert heard == ["early", "late"]
    renewal.close()


def test_before_vault_has_a_certificate_it_is_unavailable(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="certificate"):
        connect("https://127.0.0.1:1", tmp_path / "missing.pem")
