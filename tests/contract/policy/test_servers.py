"""What both OPA servers refuse at the door, and how they take up a renewed certificate."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from assay.errors import Unavailable
from assay.policy import OpaHttp
from assay_laptop.opa.certificates import Certificates
from assay_laptop.opa.feed import Feed
from assay_laptop.opa.launch import Files, command
from tests.contract.policy.world import AUTHOR, DOMAIN, Authority, Server, Workload

DECISION = "/v1/data/assay/authz/decision"


def ask(
    server: Server, workload: Workload, method: str, path: str, body: bytes | None = None
) -> tuple[int, bytes]:
    connection = http.client.HTTPSConnection("127.0.0.1", server.port, context=workload.context(), timeout=30)
    try:
        connection.request(method, path, body)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def handshakes(server: Server, context: ssl.SSLContext) -> bool:
    """Say whether a connection made by this context gets an answer at all."""
    try:
        connection = http.client.HTTPSConnection("127.0.0.1", server.port, context=context, timeout=30)
        connection.request("GET", "/health")
        connection.getresponse()
    except (OSError, http.client.HTTPException):
        return False
    return True


def test_a_fixed_service_is_answered(server: Server) -> None:
    registry = server.authority.issue("/svc/core/registry")
    assert ask(server, registry, "GET", "/health") == (200, b"{}\n") or ask(
        server, registry, "GET", "/health"
    ) == (200, b"{}")
    status, body = ask(server, registry, "POST", DECISION, b'{"input": {}}')
    assert status == 200
    assert json.loads(body)["result"]["allow"] is False


@pytest.mark.parametrize(
    ("path", "domain"),
    [
        ("/people/p-ada", DOMAIN),
        ("/run/run-1", DOMAIN),
        ("/svc/prod/predictor/credit", DOMAIN),
        ("/svc/prod/gateway", DOMAIN),
        ("/svc/core/registry", "other.demo"),
    ],
)
def test_nobody_but_a_fixed_service_is_answered(server: Server, path: str, domain: str) -> None:
    stranger = server.authority.issue(path, domain=domain)
    assert ask(server, stranger, "POST", DECISION, b'{"input": {}}')[0] == 401
    assert ask(server, stranger, "GET", "/health")[0] == 401


def test_a_caller_without_a_certificate_of_this_authority_does_not_get_in(
    server: Server, authority: Authority
) -> None:
    unknown = ssl.create_default_context(cafile=str(server.authority.path))
    assert not handshakes(server, unknown)
    unknown.load_cert_chain(authority.issue("/svc/core/registry").combined_path)
    assert not handshakes(server, unknown)


def test_an_expired_certificate_does_not_get_in(server: Server) -> None:
    expired = server.authority.issue("/svc/core/tracking", seconds=-1)
    assert not handshakes(server, expired.context())


def test_tls_before_1_3_is_refused(server: Server) -> None:
    old = server.authority.issue("/svc/core/registry").context()
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    assert not handshakes(server, old)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PUT", "/v1/data/assay/authz"),
        ("GET", "/v1/data/assay/authz/decision"),
        ("POST", "/v1/data"),
        ("POST", "/v1/data/system/authz"),
        ("GET", "/v1/policies"),
        ("PUT", "/v1/policies/mine"),
        ("POST", "/v1/query"),
        ("GET", "/v1/config"),
        ("GET", "/metrics"),
    ],
)
def test_nothing_but_questions_to_our_rules_is_answered(server: Server, method: str, path: str) -> None:
    registry = server.authority.issue("/svc/core/registry")
    assert ask(server, registry, method, path, b"{}")[0] in {401, 501}


def test_what_is_no_question_is_refused(server: Server) -> None:
    registry = server.authority.issue("/svc/core/registry")
    assert ask(server, registry, "POST", DECISION, b"{not json")[0] == 400
    assert ask(server, registry, "POST", "/v1/data/assay/authz/nonesuch", b'{"input": {}}') in {
        (200, b"{}"),
        (200, b"{}\n"),
    }


def test_a_person_who_asks_policy_itself_gets_no_decision(server: Server) -> None:
    with pytest.raises(Unavailable, match="refused the question"):
        server.engine("/people/p-ada").decide("ledger/read", {}, {}, {})


def serial(server: Server) -> bytes | None:
    context = server.authority.issue("/svc/core/registry").context()
    with (
        socket.create_connection(("127.0.0.1", server.port), timeout=30) as plain,
        context.wrap_socket(plain, server_hostname="127.0.0.1") as connection,
    ):
        return connection.getpeercert(binary_form=True)


def test_a_renewed_certificate_is_taken_up_without_a_restart(server: Server) -> None:
    policy = server.engine()
    policy.decide("ledger/read", {}, {}, {})
    before = serial(server)
    server.authority.issue("/svc/core/opa")
    deadline = time.monotonic() + 60
    while serial(server) == before:
        assert time.monotonic() < deadline, "the renewed certificate was not taken up"
        time.sleep(0.2)
    assert policy.decide("ledger/read", {}, {}, {}).allow is False


def test_a_client_whose_certificate_ended_asks_again_when_it_is_renewed(server: Server) -> None:
    serving = server.authority.identity("/svc/core/serving", lifetimes=[600, -1, 900])
    policy = OpaHttp(server.url, serving)
    assert policy.decide("ledger/read", {}, {}, {}).allow is False
    serving.renew()
    with pytest.raises(Unavailable, match="our certificate ended"):
        policy.decide("ledger/read", {}, {}, {})
    serving.renew()
    assert policy.decide("ledger/read", {}, {}, {}).allow is False


def test_renewals_in_between_lose_no_question(server: Server) -> None:
    serving = server.authority.identity("/svc/core/serving")
    policy = OpaHttp(server.url, serving)

    def ask_often(_: int) -> list[bool]:
        return [policy.decide("ledger/read", {}, {}, {}).allow for _ in range(25)]

    with ThreadPoolExecutor(4) as pool:
        asked = pool.map(ask_often, range(4))
        for _ in range(20):
            serving.renew()
        assert [answer for answers in asked for answer in answers] == [False] * 100


def test_the_built_in_server_says_what_it_is(built_in: Server) -> None:
    log = (built_in.authority.folder / "log").read_text()
    assert "built-in development OPA" in log
    assert '{"event": "ready"}' in log


def test_the_built_in_server_ends_with_0_when_it_is_told_to(authority: Authority) -> None:
    opa = authority.issue("/svc/core/opa")
    files = Files(opa.certificate_path, opa.key_path, opa.ca_path)
    feed = Feed(authority.folder, Certificates(files.certificate, files.key, files.ca))
    feed.offer(AUTHOR.signed())
    argv = command(
        None,
        files,
        feed,
        policy_key_pem=AUTHOR.public_pem,
        port=0,
        trust_domain=DOMAIN,
        run_dir=authority.folder,
    )
    feed.close()
    process = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert process.stdout is not None
    with process.stdout as said:
        assert json.loads(said.readline())["event"] == "listening"
        assert json.loads(said.readline())["event"] == "ready"
        process.terminate()
        assert process.wait(timeout=60) == 0


def test_the_built_in_server_does_not_start_under_another_name(authority: Authority) -> None:
    ledger = authority.issue("/svc/core/ledger")
    argv = [sys.executable, "-m", "assay_laptop.opa", "--port", "0"]
    paths: dict[str, Path] = {"cert": ledger.certificate_path, "key": ledger.key_path, "ca": ledger.ca_path}
    paths |= {"bundle": authority.folder / "policy.tar.gz", "policy-key": authority.folder / "policy.pem"}
    paths["bundle"].write_bytes(AUTHOR.archive())
    paths["policy-key"].write_text(AUTHOR.public_pem)
    argv += [argument for name, path in paths.items() for argument in (f"--{name}", str(path))]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode != 0
    assert "/svc/core/opa" in done.stderr
