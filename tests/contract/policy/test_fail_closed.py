"""Whatever stands where OPA should be, nothing is allowed unless a clear decision comes from OPA itself."""

from __future__ import annotations

import json
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from cryptography import x509

from assay.errors import Forbidden, Unavailable
from assay.identity.workload import WorkloadIdentity
from assay.policy import OpaHttp
from assay_laptop.opa.certificates import Certificates
from tests.contract.policy.callers import DANA
from tests.contract.policy.world import Authority, Workload, free_port

YES = {"allow": True, "rule": "r", "reason": "x", "fix": ""}
NO = {"allow": False, "rule": "r", "reason": "x", "fix": "y"}
PROVENANCE = {"bundles": {"assay": {"revision": "r1"}}}


def serial_number(der: bytes | None) -> int:
    return x509.load_der_x509_certificate(der or b"").serial_number


def serial_of(identity: WorkloadIdentity) -> int:
    return x509.load_pem_x509_certificate(identity.certificate_path.read_bytes()).serial_number


def body(result: object, provenance: object = PROVENANCE) -> bytes:
    return json.dumps({"result": result, "provenance": provenance}).encode()


class Impostor(ThreadingHTTPServer):
    """A TLS server that gives one answer to everything."""

    daemon_threads = True

    def __init__(
        self,
        own: Workload,
        answer: bytes,
        *,
        status: int = 200,
        headers: dict[str, str] | None = None,
        port: int = 0,
    ) -> None:
        self.asked = 0
        self.shown: list[int] = []  # serial numbers of the clients' certificates, one for each connection
        self.context = Certificates(own.certificate_path, own.key_path, own.ca_path).context()

        class Answer(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(handler) -> None:  # noqa: N805 - the server is `self`
                self.asked += 1
                handler.rfile.read(int(handler.headers["Content-Length"]))
                handler.send_response(status)
                for name, value in {"Content-Length": str(len(answer)), **(headers or {})}.items():
                    handler.send_header(name, value)
                handler.end_headers()
                handler.wfile.write(answer)

            do_GET = do_POST  # noqa: N815 - http.server's name

            def log_message(handler, *args: Any) -> None:  # noqa: ANN401, N805 - http.server's own
                """Say nothing."""

        super().__init__(("127.0.0.1", port), Answer)

    def finish_request(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - socketserver's own
        """Shake hands as whoever it pretends to be."""
        with self.context.wrap_socket(request, server_side=True) as connection:
            self.shown.append(serial_number(connection.getpeercert(binary_form=True)))
            super().finish_request(connection, client_address)

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - socketserver's own
        """Say nothing: clients are meant to go away."""


@contextmanager
def standing_in(
    authority: Authority,
    answer: bytes = b"",
    *,
    status: int = 200,
    path: str = "/svc/core/opa",
    headers: dict[str, str] | None = None,
) -> Iterator[tuple[OpaHttp, Impostor]]:
    """Run a server where OPA should be, and yield the policy that asks it."""
    with Impostor(authority.issue(path), answer, status=status, headers=headers) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        policy = OpaHttp(f"https://127.0.0.1:{server.server_address[1]}", authority.identity())
        try:
            yield policy, server
        finally:
            policy.close()
            server.shutdown()


def test_a_clear_yes_from_opa_is_a_yes(authority: Authority) -> None:
    with standing_in(authority, body(YES)) as (policy, _):
        policy.require("registry/promote", DANA)


def test_a_clear_no_is_forbidden(authority: Authority) -> None:
    with standing_in(authority, body(NO)) as (policy, _), pytest.raises(Forbidden) as refusal:
        policy.require("registry/promote", DANA)
    assert refusal.value.fix == "y"


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"<html>welcome</html>",
        b"true",
        b"[]",
        b"null",
        b"{}",
        b'{"result": ',
        body(None),
        body(True),
        body("true"),
        body([YES]),
        body({**YES, "allow": "true"}),
        body({**YES, "allow": 1}),
        body({**YES, "allow": None}),
        body({"allow": True}),
        body({**YES, "rule": None}),
        json.dumps({"result": YES}).encode(),
        body(YES, None),
        body(YES, {"bundles": {}}),
        body(YES, {"bundles": {"a": {"revision": "r1"}, "b": {"revision": "r2"}}}),
        body(YES, {"bundles": {"a": {"revision": ""}}}),
        body(YES, {"bundles": {"a": None}}),
        body(YES, {"bundles": {"a": {"revision": ["r1"]}}}),
    ],
)
def test_what_is_no_decision_allows_nothing(authority: Authority, answer: bytes) -> None:
    with standing_in(authority, answer) as (policy, server), pytest.raises(Unavailable):
        policy.require("registry/promote", DANA)
    assert server.asked > 0


@pytest.mark.parametrize("status", [201, 204, 301, 400, 401, 403, 404, 429, 500, 502, 503])
def test_a_yes_of_any_status_but_200_allows_nothing(authority: Authority, status: int) -> None:
    answer = body(YES) if status != 204 else b""
    with standing_in(authority, answer, status=status) as (policy, _), pytest.raises(Unavailable):
        policy.require("registry/promote", DANA)


@pytest.mark.parametrize("status", [302, 307, 308])
def test_a_redirect_is_not_followed(authority: Authority, status: int) -> None:
    with standing_in(authority, body(YES)) as (_, other):
        place = f"https://127.0.0.1:{other.server_address[1]}/v1/data/assay/authz/decision"
        redirecting = standing_in(authority, b"", status=status, headers={"Location": place})
        with redirecting as (policy, _), pytest.raises(Unavailable):
            policy.require("registry/promote", DANA)
        assert other.asked == 0


@pytest.mark.parametrize("path", ["/svc/core/registry", "/svc/core/ledger", "/people/p-eve", "/run/run-1"])
def test_a_server_with_somebody_elses_certificate_is_not_asked(authority: Authority, path: str) -> None:
    with standing_in(authority, body(YES), path=path) as (policy, server):
        with pytest.raises(Unavailable, match=r"not spiffe://assay\.demo/svc/core/opa"):
            policy.require("registry/promote", DANA)
        assert server.asked == 0


def test_a_server_of_another_authority_is_not_asked(
    authority: Authority, tmp_path_factory: pytest.TempPathFactory
) -> None:
    stranger = Authority(tmp_path_factory.mktemp("stranger"))
    with standing_in(stranger, body(YES)) as (_, server):
        policy = OpaHttp(f"https://127.0.0.1:{server.server_address[1]}", authority.identity())
        with pytest.raises(Unavailable):
            policy.require("registry/promote", DANA)
        assert server.asked == 0


def test_the_environments_proxies_and_bundles_are_not_obeyed(
    authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"):
        monkeypatch.setenv(name, "/nonesuch.pem")
    with standing_in(authority, body(YES)) as (policy, _):
        policy.require("registry/promote", DANA)


def test_opa_down_allows_nothing_and_recovers_by_itself(authority: Authority) -> None:
    port = free_port()
    policy = OpaHttp(f"https://127.0.0.1:{port}", authority.identity())
    with pytest.raises(Unavailable, match="does not answer"):
        policy.require("registry/promote", DANA)
    with Impostor(authority.issue("/svc/core/opa"), body(YES), port=port) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        policy.require("registry/promote", DANA)
        server.shutdown()


def test_an_engine_at_another_revision_than_is_in_force_is_not_believed(authority: Authority) -> None:
    with standing_in(authority, body(YES)) as (_, server):
        url, registry = f"https://127.0.0.1:{server.server_address[1]}", authority.identity()
        OpaHttp(url, registry, expected=lambda: "r1").require("registry/promote", DANA)
        with pytest.raises(Unavailable, match="in force"):
            OpaHttp(url, registry, expected=lambda: "r2").require("registry/promote", DANA)


def test_a_client_that_cannot_show_its_certificate_allows_nothing(authority: Authority) -> None:
    with standing_in(authority, body(YES)) as (_, server):
        registry = authority.identity()
        policy = OpaHttp(f"https://127.0.0.1:{server.server_address[1]}", registry)
        shutil.rmtree(registry.folder)
        with pytest.raises(Unavailable):
            policy.require("registry/promote", DANA)
        assert server.asked == 0


def test_questions_share_a_connection_until_the_certificate_is_renewed(authority: Authority) -> None:
    with standing_in(authority, body(YES)) as (_, server):
        registry = authority.identity()
        policy = OpaHttp(f"https://127.0.0.1:{server.server_address[1]}", registry)
        first = serial_of(registry)
        for _ in range(3):
            policy.require("registry/promote", DANA)
        registry.renew()
        policy.require("registry/promote", DANA)
        assert server.shown == [first, serial_of(registry)]


def test_nothing_is_asked_over_a_connection_that_outlived_its_certificate(authority: Authority) -> None:
    with standing_in(authority, body(YES)) as (_, server):
        registry, now = authority.identity(), [time.time_ns()]
        policy = OpaHttp(f"https://127.0.0.1:{server.server_address[1]}", registry, clock=lambda: now[0])
        policy.require("registry/promote", DANA)
        now[0] = int(registry.not_after.timestamp() * 1e9)
        with pytest.raises(Unavailable, match="was not renewed"):
            policy.require("registry/promote", DANA)
        assert server.asked == 1


@pytest.mark.parametrize("url", ["http://127.0.0.1:8181", "https://127.0.0.1", "127.0.0.1:8181"])
def test_an_address_without_tls_or_port_stops_at_the_start(authority: Authority, url: str) -> None:
    with pytest.raises(ValueError, match="https://host:port"):
        OpaHttp(url, authority.identity())
