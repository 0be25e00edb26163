"""The adapter against a server on a unix socket that answers as the test says; MLflow's own is met elsewhere."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from io import BytesIO
from pathlib import Path

import pytest

from services.tracking.adapters.mlflow_server import MlflowServer
from services.tracking.errors import TrackingDown, UnknownEntity
from services.tracking.ports import JSON, OCTETS, Answer


@dataclass
class Upstream(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    """Answers every request alike, and keeps what it was asked."""

    socket_path: str
    status: int = 200
    headers: dict[str, str] = field(
        default_factory=lambda: {"content-type": "application/json; charset=utf-8"}
    )
    body: bytes = b"{}"
    asked: list[tuple[str, str, bytes, dict[str, str]]] = field(default_factory=list)
    daemon_threads = True

    def __post_init__(self) -> None:
        socketserver.UnixStreamServer.__init__(self, self.socket_path, Handler)

    __hash__ = object.__hash__


class Handler(BaseHTTPRequestHandler):
    """One request."""

    server: Upstream
    wbufsize = -1  # one packet: whoever reads no body leaves at once

    def address_string(self) -> str:
        """Have no address: this is a unix socket."""
        return ""

    def log_message(self, *_said: object) -> None:
        """Say nothing."""

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", "0")))
        self.server.asked.append((self.command, self.path, body, dict(self.headers)))
        self.send_response(self.server.status)
        for name, value in self.server.headers.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(self.server.body)))
        self.end_headers()
        self.wfile.write(self.server.body)

    do_GET = do_POST = do_PUT = do_PATCH = _answer  # noqa: N815 - http.server's names


@pytest.fixture
def upstream(tmp_path: Path) -> Iterator[Upstream]:
    with Upstream(str(tmp_path / "mlflow.sock")) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def mlflow(tmp_path: Path) -> Iterator[MlflowServer]:
    server = MlflowServer(tmp_path / "data", tmp_path)
    yield server
    server.close()


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_neither_followed_nor_passed_on(
    upstream: Upstream, mlflow: MlflowServer, status: int
) -> None:
    upstream.status, upstream.headers = status, {"location": "http://localhost/elsewhere"}
    with pytest.raises(TrackingDown, match=str(status)):
        mlflow.ask("GET", "/x")
    assert [asked[1] for asked in upstream.asked] == ["/x"]


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_what_mlflow_fails_at_is_unavailable_and_says_nothing_from_inside(
    upstream: Upstream, mlflow: MlflowServer, status: int
) -> None:
    upstream.status, upstream.body = status, b"Traceback: /home/secret"
    for ask in (
        lambda: mlflow.ask("GET", "/x"),
        lambda: mlflow.document("/x"),
        lambda: mlflow.fetch("/x", BytesIO()),
        lambda: mlflow.store("/x", BytesIO(b"x")),
    ):
        with pytest.raises(TrackingDown) as refused:
            ask()
        assert "secret" not in refused.value.detail


def test_a_refusal_of_mlflows_is_passed_on_with_status_and_json(
    upstream: Upstream, mlflow: MlflowServer
) -> None:
    upstream.status, upstream.body = 400, b'{"error_code": "INVALID_PARAMETER_VALUE"}'
    assert mlflow.ask("POST", "/x", body={}) == Answer(400, JSON, upstream.body)
    into = BytesIO()
    assert mlflow.fetch("/x", into) == Answer(400, JSON, upstream.body)
    assert into.getvalue() == b""
    with pytest.raises(UnknownEntity):
        mlflow.document("/x")


def test_no_header_of_mlflows_and_no_media_type_a_browser_runs_is_kept(
    upstream: Upstream, mlflow: MlflowServer
) -> None:
    upstream.headers = {"content-type": "text/html", "set-cookie": "a=b", "x-mlflow": "1"}
    upstream.body = b"<script>"
    assert mlflow.ask("GET", "/x") == Answer(200, OCTETS, b"<script>")


def test_a_request_says_what_it_was_given_and_no_more(upstream: Upstream, mlflow: MlflowServer) -> None:
    mlflow.ask("GET", "/x", query=[("filter", "a = 'b&c=d'#"), ("order_by", "a"), ("order_by", "b")])
    mlflow.ask("POST", "/x", body={"a": "ä", "b": [1, 2.5, None]})
    mlflow.ask("GET", "/x")
    (_, first, nothing, headers), (_, _, body, _), (_, bare, none, _) = upstream.asked
    assert first == "/x?filter=a+%3D+%27b%26c%3Dd%27%23&order_by=a&order_by=b"
    assert (nothing, body, bare, none) == (b"", '{"a":"ä","b":[1,2.5,null]}'.encode(), "/x", b"")
    assert {name.lower() for name in headers} <= {
        "host",
        "accept",
        "accept-encoding",
        "connection",
        "user-agent",
    }
    assert headers["Host"] == "localhost"


def test_a_file_goes_both_ways_byte_for_byte(upstream: Upstream, mlflow: MlflowServer) -> None:
    data = bytes(range(256)) * 4096
    assert mlflow.store("/a b/ä", BytesIO(data)).status == 200
    assert upstream.asked[-1][:3] == ("PUT", "/a%20b/%C3%A4", data)
    upstream.body, into = data, BytesIO()
    assert mlflow.fetch("/x", into) == Answer(200, OCTETS, b"")
    assert into.getvalue() == data


def test_no_socket_is_down(mlflow: MlflowServer) -> None:
    with pytest.raises(TrackingDown):
        mlflow.ask("GET", "/x")


def test_the_server_sees_no_login_and_no_setting_of_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("ASSAY_VAULT_WRAPPED_SECRET_ID", "MLFLOW_TRACKING_URI", "HTTPS_PROXY", "PYTHONPATH"):
        monkeypatch.setenv(name, "secret")
    seen = MlflowServer(tmp_path / "data", tmp_path)._environment()
    assert "secret" not in seen.values()
    assert seen["MLFLOW_SERVER_ALLOWED_HOSTS"] == "localhost"
