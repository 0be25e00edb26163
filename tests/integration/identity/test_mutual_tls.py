from __future__ import annotations

import socket
import ssl
import threading
import time

import httpx
import pytest

from assay.errors import Unavailable
from assay.identity.certificates import new_key, request_for
from assay.identity.workload import WorkloadIdentity
from tests.integration.identity.lab import Lab, spiffe
from tests.unit.identity.authority import Authority

REFUSED = (httpx.ReadError, httpx.RemoteProtocolError, httpx.ConnectError, httpx.WriteError)


def refused_with(lab: Lab, context: ssl.SSLContext) -> None:
    with httpx.Client(base_url=lab.url, verify=context, trust_env=False) as http, pytest.raises(REFUSED):
        http.get("/v1/who")
    assert lab.edge.policy.asked == []


def trusting(lab: Lab) -> ssl.SSLContext:
    context = ssl.create_default_context(cadata=lab.authority.ca_pem)
    context.check_hostname = True
    return context


def test_a_service_with_a_certificate_is_who_the_certificate_says(lab: Lab) -> None:
    with lab.workload("/svc/core/serving").client(lab.url, expect="registry") as http:
        answer = http.get("/v1/who")
    assert answer.json() == {"identity": str(spiffe("/svc/core/serving")), "person": None, "roles": []}


def test_plaintext_is_refused(lab: Lab) -> None:
    with pytest.raises(REFUSED):
        httpx.get(lab.url.replace("https", "http") + "/v1/who", trust_env=False)


def test_tls_1_2_is_refused(lab: Lab) -> None:
    context = trusting(lab)
    context.load_cert_chain(lab.workload("/svc/core/serving").combined_path)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    refused_with(lab, context)


def test_no_certificate_is_refused(lab: Lab) -> None:
    refused_with(lab, trusting(lab))


def test_a_certificate_of_another_authority_is_refused(lab: Lab) -> None:
    context = trusting(lab)
    other = lab.workload("/svc/core/serving", authority=Authority("other root"))
    context.load_cert_chain(other.combined_path)
    refused_with(lab, context)


def test_an_authority_of_the_same_name_and_another_key_is_refused(lab: Lab) -> None:
    context = trusting(lab)
    context.load_cert_chain(lab.workload("/svc/core/serving", authority=Authority()).combined_path)
    refused_with(lab, context)


@pytest.mark.parametrize(("begins", "seconds"), [(-100, -10), (100, 200)])
def test_an_expired_or_future_certificate_is_refused(lab: Lab, begins: float, seconds: float) -> None:
    key = new_key()
    chain = lab.authority.issue(
        request_for(key), [str(spiffe("/svc/core/serving"))], begins=begins, seconds=seconds
    )
    identity = WorkloadIdentity.adopt(key, chain, ca_pem=lab.authority.ca_pem, run_dir=lab.folder / "expired")
    context = trusting(lab)
    context.load_cert_chain(identity.combined_path)
    refused_with(lab, context)


@pytest.mark.parametrize(
    "uris",
    [
        [],
        ["https://assay.test/svc/core/serving"],
        ["spiffe://assay.test/svc/core/serving", "spiffe://assay.test/svc/core/registry"],
        ["spiffe://assay.test/svc/core/../registry"],
    ],
)
def test_a_certificate_that_names_no_one_or_several_is_refused(lab: Lab, uris: list[str]) -> None:
    key = new_key()
    chain = lab.authority.issue(request_for(key), uris)
    combined = lab.folder / "odd.pem"
    combined.write_text(key + chain)
    context = trusting(lab)
    context.load_cert_chain(combined)
    refused_with(lab, context)


def test_a_certificate_of_another_trust_domain_is_unauthenticated(lab: Lab) -> None:
    key = new_key()
    chain = lab.authority.issue(request_for(key), ["spiffe://other.test/svc/core/serving"])
    combined = lab.folder / "foreign.pem"
    combined.write_text(key + chain)
    context = trusting(lab)
    context.load_cert_chain(combined)
    with httpx.Client(base_url=lab.url, verify=context, trust_env=False) as http:
        assert http.get("/v1/who").status_code == 401


def test_sessions_are_never_resumed(lab: Lab) -> None:
    context = trusting(lab)
    context.load_cert_chain(lab.workload("/svc/core/serving").combined_path)
    host, port = lab.url.removeprefix("https://").split(":")
    with (
        socket.create_connection((host, int(port))) as plain,
        context.wrap_socket(plain, server_hostname=host) as tls,
    ):
        tls.sendall(b"GET /v1/who HTTP/1.1\r\nhost: x\r\n\r\n")
        assert tls.recv(1000).startswith(b"HTTP/1.1 200")
        assert tls.session is None or not tls.session.has_ticket


class Listening:
    """A TLS server of any certificate that remembers what it was sent."""

    def __init__(self, identity: WorkloadIdentity) -> None:
        self.received = b""
        self._bound = socket.create_server(("127.0.0.1", 0))
        self.url = f"https://127.0.0.1:{self._bound.getsockname()[1]}"
        self._context = identity.server_context()
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        plain, _ = self._bound.accept()
        try:
            with self._context.wrap_socket(plain, server_side=True) as tls:
                self.received = tls.recv(1000)
        except OSError:
            pass

    def end(self) -> bytes:
        """Wait for the connection to end and return what it brought."""
        self._thread.join()
        self._bound.close()
        return self.received


@pytest.mark.parametrize(
    ("actual", "expect"),
    [
        ("/svc/core/serving", "registry"),
        ("/svc/prod/predictor/credit", "/svc/prod/predictor/other"),
        ("/people/p-1", None),
        ("/run/run-1", None),
    ],
)
def test_a_server_of_another_identity_gets_no_byte_of_the_request(
    lab: Lab, actual: str, expect: str | None
) -> None:
    server = Listening(lab.workload(actual))
    with (
        lab.workload("/svc/core/training").client(server.url, expect=expect) as http,
        pytest.raises(httpx.ConnectError, match=r"the server is|is no service"),
    ):
        http.post("/v1/secret", json={"secret": 1})
    assert server.end() == b""


def test_a_server_of_another_authority_gets_no_byte_of_the_request(lab: Lab) -> None:
    server = Listening(lab.workload("/svc/core/registry", authority=Authority("other root")))
    with (
        lab.workload("/svc/core/training").client(server.url, expect="registry") as http,
        pytest.raises(httpx.ConnectError),
    ):
        http.get("/")
    assert server.end() == b""


def test_nothing_is_sent_over_http(lab: Lab) -> None:
    identity = lab.workload("/svc/core/training")
    with pytest.raises(Unavailable):
        identity.client("http://127.0.0.1:1", expect="registry")
    with identity.client(lab.url, expect="registry") as http, pytest.raises(Unavailable):
        http.get("http://127.0.0.1:1/")


class Load:
    """Threads that ask without pause, over kept and fresh connections."""

    def __init__(self, url: str, identity: WorkloadIdentity) -> None:
        self.answers: list[int] = []
        self.failures: list[str] = []
        self._url, self._identity = url, identity
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._run) for _ in range(3)]
        for thread in self._threads:
            thread.start()

    def _run(self) -> None:
        while not self._stop.is_set():
            with self._identity.client(self._url, expect="registry") as http:
                try:
                    self.answers += [http.get("/v1/who").status_code for _ in range(5)]
                except httpx.HTTPError as error:
                    self.failures.append(repr(error))

    def end(self, *, after: int) -> None:
        """Stop once so many answers came, or one did not."""
        while len(self.answers) < after and not self.failures:
            time.sleep(0.01)
        self._stop.set()
        for thread in self._threads:
            thread.join()


def test_renewal_under_load_drops_no_request(lab: Lab) -> None:
    calling = lab.workload("/svc/core/serving")
    load = Load(lab.url, calling)
    for _ in range(20):
        lab.identity.renew()
        calling.renew()
    load.end(after=100)
    assert load.failures == []
    assert set(load.answers) == {200}


def test_a_new_connection_shows_the_renewed_certificate(lab: Lab) -> None:
    context = trusting(lab)
    context.load_cert_chain(lab.workload("/svc/core/serving").combined_path)

    def serial() -> object:
        host, port = lab.url.removeprefix("https://").split(":")
        with (
            socket.create_connection((host, int(port))) as plain,
            context.wrap_socket(plain, server_hostname=host) as tls,
        ):
            certificate = tls.getpeercert()
            assert certificate
            return certificate["serialNumber"]

    before = serial()
    assert serial() == before
    lab.identity.renew()
    assert serial() != before


def test_a_certificate_is_renewed_by_itself_and_others_are_told(lab: Lab) -> None:
    told = threading.Event()
    identity = lab.workload("/svc/core/serving", seconds=2, renew=True)
    first = identity.not_after
    identity.on_renewal(told.set)
    assert told.wait(20)
    assert identity.not_after >= first
    with identity.client(lab.url, expect="registry") as http:
        assert http.get("/v1/who").status_code == 200


def test_a_kept_alive_connection_ends_with_its_certificate(lab: Lab) -> None:
    context = trusting(lab)
    context.load_cert_chain(lab.workload("/svc/core/serving", seconds=3).combined_path)
    with httpx.Client(base_url=lab.url, verify=context, trust_env=False) as http:
        assert http.get("/v1/who").status_code == 200
        time.sleep(3.5)
        with pytest.raises(REFUSED):
            http.get("/v1/who")
    assert len(lab.edge.policy.asked) == 1


def test_a_peer_that_should_have_renewed_is_asked_to_reconnect(lab: Lab) -> None:
    key = new_key()
    chain = lab.authority.issue(request_for(key), [str(spiffe("/svc/core/serving"))], begins=-170, seconds=30)
    identity = WorkloadIdentity.adopt(key, chain, ca_pem=lab.authority.ca_pem, run_dir=lab.folder / "old")
    with identity.client(lab.url, expect="registry") as http:
        assert http.get("/v1/who").headers["connection"] == "close"
    with lab.workload("/svc/core/serving").client(lab.url, expect="registry") as http:
        assert "connection" not in http.get("/v1/who").headers


def test_headers_without_end_are_refused(lab: Lab) -> None:
    with lab.workload("/svc/core/serving").client(lab.url, expect="registry") as http:
        answer = http.get("/v1/who", headers={f"x-{n}": "y" * 1000 for n in range(100)})
    assert answer.status_code == 400
    assert lab.edge.policy.asked == []


def test_the_key_files_are_the_owners_and_go_at_the_end(lab: Lab) -> None:
    identity = lab.workload("/svc/core/serving")
    for path in (identity.key_path, identity.combined_path):
        assert path.stat().st_mode & 0o777 == 0o600
    identity.close()
    assert not identity.key_path.exists()
    assert not identity.combined_path.exists()


def test_a_short_certificate_that_is_dated_back_is_used_for_half_its_life_and_not_renewed_at_once(
    lab: Lab,
) -> None:
    key = new_key()
    chain = lab.authority.issue(request_for(key), [str(spiffe("/svc/core/serving"))], begins=-30, seconds=20)
    identity = WorkloadIdentity.adopt(key, chain, ca_pem=lab.authority.ca_pem, run_dir=lab.folder / "short")
    assert 7 < identity._until_half_life() <= 10
    with identity.client(lab.url, expect="registry") as http:
        assert "connection" not in http.get("/v1/who").headers


def test_who_asked_hears_once_that_a_certificate_ended_and_was_not_renewed(lab: Lab) -> None:
    asked: list[str] = []

    def nobody(csr: str) -> str:
        asked.append(csr)
        raise Unavailable("the issuer is away")

    key = new_key()
    chain = lab.authority.issue(request_for(key), [str(spiffe("/svc/core/serving"))], begins=-9, seconds=1)
    folder = lab.folder / "ended"
    identity = WorkloadIdentity.adopt(key, chain, ca_pem=lab.authority.ca_pem, run_dir=folder, issue=nobody)
    heard: list[int] = []
    ended = threading.Event()
    identity.on_end(lambda: heard.append(len(asked)))
    identity.on_end(ended.set)
    assert ended.wait(20)
    tries = len(asked)
    while len(asked) < tries + 2:
        time.sleep(0.05)
    identity.close()
    assert len(heard) == 1
