"""Whoever cannot prove who they are costs a number: counted, said now and then, and never an entry."""

from __future__ import annotations

import json
import socket
import ssl
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from assay.identity.holder import anonymous_client
from assay.web.app import build_app
from assay.web.handshakes import Strangers
from assay.web.routes import PUBLIC, Routes
from tests.integration.journal.conftest import Journaled
from tests.unit.identity.authority import DOMAIN, Authority

MANY = 100
PATIENCE_SECONDS = 20.0


def connected(url: str) -> socket.socket:
    where = urlsplit(url)
    assert where.hostname is not None
    return socket.create_connection((where.hostname, where.port or 0), timeout=10)


def handshake(url: str, context: ssl.SSLContext) -> None:
    """Try to be believed; TLS 1.3 tells a client of its refusal when it reads."""
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with suppress(OSError), connected(url) as raw, context.wrap_socket(raw) as tls:
        tls.sendall(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
        tls.recv(1)


def without_certificate(url: str, _: Path) -> None:
    handshake(url, ssl.create_default_context())


def old_protocol(url: str, _: Path) -> None:
    context = ssl.create_default_context()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    handshake(url, context)


def plain(url: str, _: Path) -> None:
    with connected(url) as raw:
        raw.sendall(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
        with suppress(OSError):
            raw.recv(100)


def certified_by_a_stranger(url: str, folder: Path) -> None:
    authority = Authority()
    path = folder / "stranger.pem"
    if not path.exists():
        from assay.contracts import SpiffeId
        from assay.identity.workload import WorkloadIdentity

        spiffe = SpiffeId(DOMAIN, "/people/p-ada")
        made = WorkloadIdentity.obtain(
            authority.issuer(str(spiffe)),
            spiffe=spiffe,
            ca_pem=authority.ca_pem,
            run_dir=folder / "stranger",
            renew=False,
        )
        path.write_text(made.combined_path.read_text())
        made.close()
    context = ssl.create_default_context()
    context.load_cert_chain(path)
    handshake(url, context)


def counts_of(journaled: Journaled) -> dict[str, int]:
    strangers: Strangers = journaled.app.state.strangers
    return strangers.counts


def until(done: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE_SECONDS
    while not done():
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.mark.parametrize(
    ("attempt", "reason"),
    [
        (without_certificate, "no certificate"),
        (old_protocol, "old protocol"),
        (plain, "not TLS"),
        (certified_by_a_stranger, "certificate not verified"),
    ],
)
def test_many_bad_handshakes_are_a_number_and_a_few_lines(
    journaled: Journaled,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    attempt: Callable[[str, Path], None],
    reason: str,
) -> None:
    for _ in range(MANY):
        attempt(journaled.url, tmp_path)
    until(lambda: counts_of(journaled).get(reason, 0) == MANY)
    assert journaled.entries() == []
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    said = [line for line in lines if line["event"] == "strangers:lab"]
    assert 1 <= len(said) <= 5
    assert journaled.client().get("/v1/models/a").status_code == 200


def test_calls_of_nobody_are_counted_by_what_they_were_refused_with(journaled: Journaled) -> None:
    routes = Routes("/v1")

    @routes.get("/open", permission=PUBLIC)
    def opened() -> dict[str, bool]:
        return {"open": True}

    @routes.get("/closed", permission="lab/read")
    def closed() -> dict[str, bool]:
        return {"open": False}

    app = build_app(journaled.edge, routes, title="login", shows_journal=False)
    url = journaled.lab.serve(app, client_certificate=False)
    ca = journaled.lab.authority.ca_pem
    with anonymous_client(url, ca_pem=ca, trust_domain=DOMAIN, expect="registry") as http:
        assert http.get("/v1/open").status_code == 200
        for _ in range(MANY):
            assert http.get("/v1/closed").status_code == 401
        assert http.get("/v1/journal").status_code == 404
    assert app.state.strangers.counts == {"Unauthenticated": MANY, "NotFound": 1}
    assert journaled.entries() == []


def test_totals_are_said_at_once_then_seldom_and_in_the_end() -> None:
    now, said = [0.0], []
    strangers = Strangers(
        "lab", lambda _, counts: said.append(dict(counts)), every=3600, monotonic=lambda: now[0]
    )
    for _ in range(1000):
        strangers.count("no certificate")
    assert said == [{"no certificate": 1}]
    now[0] += 3600
    strangers.tell()
    strangers.tell()
    assert said == [{"no certificate": 1}, {"no certificate": 1000}]


def test_what_is_too_early_to_say_is_said_later_by_itself() -> None:
    said: list[int] = []
    strangers = Strangers("lab", lambda _, counts: said.append(counts["x"]), every=0.05)
    for _ in range(10):
        strangers.count("x")
    until(lambda: said[-1] == 10)


def test_a_listener_that_ends_says_the_rest_and_is_silent_afterwards() -> None:
    now, said = [0.0], []
    strangers = Strangers(
        "lab", lambda _, counts: said.append(counts["x"]), every=3600, monotonic=lambda: now[0]
    )
    for _ in range(10):
        strangers.count("x")
    strangers.close()
    assert said == [1, 10]
    now[0] += 7200  # time to say it, were there anybody
    strangers.count("x")
    assert said == [1, 10]
