"""Policy asked of an OPA server over mTLS, with opa-python-client.

The client is opa-python-client's and the connection is ours: left alone it has no parameter for a certificate
authority, obeys the environment's proxies and CA bundles, follows redirects and does not look who answers.
"""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, Protocol
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.util.retry import Retry

from assay.errors import Unavailable
from assay.policy.decisions import Answer, Believed, PolicyEngine, Undefined

if TYPE_CHECKING:
    from opa_client import OpaClient

_CONNECTIONS: Final = 16  # kept open; a burst opens more
_OPA: Final = "opa"  # the fixed service that answers


class Certified(Protocol):
    """Whoever asks, with a certificate that is renewed: `assay.identity`'s `CertificateHolder`."""

    @property
    def not_after(self) -> datetime:
        """When the newest certificate ends, in UTC."""

    def client_context(self, expect: str | None = None) -> ssl.SSLContext:
        """Return TLS to the fixed service `expect` alone; each handshake shows the newest certificate."""


class OpaHttp(PolicyEngine):
    """The rules in an OPA server; only a peer that proves to be `/svc/core/opa` is believed.

    `timeout` is in seconds, for connecting and for each read. May be shared by threads.
    """

    def __init__(
        self,
        url: str,
        identity: Certified,
        *,
        expected: Callable[[], str] | None = None,
        force: Believed | None = None,
        clock: Callable[[], int] = time.time_ns,
        timeout: float = 5.0,
    ) -> None:
        super().__init__(expected=expected, force=force, clock=clock)
        parts = urlsplit(url)
        if parts.scheme != "https" or not parts.hostname or not parts.port:
            raise ValueError(f"OPA's address is https://host:port, not {url!r}")
        self._host, self._port = parts.hostname, parts.port
        self._identity = identity
        self._timeout = timeout
        self._lock = threading.Lock()
        self._client: OpaClient | None = None

    def ask(self, path: str, question: Mapping[str, Any]) -> Answer:
        """See `PolicyEngine.ask`."""
        package, _, rule = path.rpartition("/")
        self._require_certificate()
        try:
            body = self._connected().query_rule(
                dict(question), package.replace("/", "."), rule, query_params={"provenance": "true"}
            )
        except requests.HTTPError as error:
            raise Unavailable(f"OPA refused the question: {str(error)[:300]}") from error
        except (requests.RequestException, OSError) as error:
            raise Unavailable(f"OPA does not answer: {str(error)[:300]}") from error
        match body:
            case {"result": result}:
                return Answer(result, _revision(body))
        raise Undefined(f"OPA has nothing to say on {path}")

    def close(self) -> None:
        """Close the connections."""
        with self._lock:
            if self._client is not None:
                self._client.close_connection()
                self._client = None

    def _require_certificate(self) -> None:
        """Refuse to ask over a connection that has outlived our certificate: nobody renewed it."""
        end = self._identity.not_after
        if end.timestamp() <= self._clock() / 1e9:
            raise Unavailable(
                f"our certificate ended {end.isoformat()} and was not renewed: OPA is not asked"
            )

    def _connected(self) -> OpaClient:
        with self._lock:
            if self._client is None:
                self._client = self._connect()
            return self._client

    def _connect(self) -> OpaClient:
        from opa_client import OpaClient  # 0.2 s and 20 MB, and whoever evaluates in process needs none of it

        client = OpaClient(self._host, self._port, ssl=True, retries=0, timeout=self._timeout)
        session = client._session  # noqa: SLF001 - it has no other door
        session.trust_env = False
        session.hooks["response"].append(_only_200)
        session.adapters.clear()
        session.mount("https://", _Adapter(self._identity))
        return client


class _Adapter(HTTPAdapter):
    """Connections made as `identity` and nothing else; a question may be asked twice, so a lost one is.

    Connections are kept by the context they were made with, and a renewed certificate gets another context: no
    connection outlives its certificate. Those before end with the questions that are under way on them.
    """

    def __init__(self, identity: Certified) -> None:
        self._identity = identity
        self._lock = threading.Lock()
        self._current: tuple[datetime, ssl.SSLContext] | None = None
        again = Retry(total=1, allowed_methods=("POST",), status=0, redirect=0, backoff_factor=0)
        super().__init__(pool_connections=1, pool_maxsize=_CONNECTIONS, max_retries=again)

    def build_connection_pool_key_attributes(
        self,
        request: requests.PreparedRequest,
        verify: object,  # noqa: ARG002 - the context verifies
        cert: object = None,  # noqa: ARG002 - the context shows it
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return where to connect, and our context in place of any other trust."""
        host, _ = super().build_connection_pool_key_attributes(request, True, None)
        return host, {"ssl_context": self._context(), "cert_reqs": "CERT_REQUIRED"}

    def cert_verify(self, conn: object, url: object, verify: object, cert: object) -> None:
        """Add no certificate authority: the context has the one there is."""

    def _context(self) -> ssl.SSLContext:
        with self._lock:
            not_after = self._identity.not_after
            if self._current is None or self._current[0] != not_after:
                self._current = not_after, self._identity.client_context(_OPA)
            return self._current[1]


def _revision(body: Mapping[str, Any]) -> str:
    """Return the revision of the one bundle that has one: a decision of unknown policy is none."""
    match body:
        case {"provenance": {"bundles": dict(bundles)}}:
            found = [bundle["revision"] for bundle in bundles.values() if _has_revision(bundle)]
            if len(found) == 1:
                return str(found[0])
    raise Unavailable("OPA does not say which revision of the policy it judges by")


def _has_revision(bundle: object) -> bool:
    match bundle:
        case {"revision": str(revision)}:
            return revision != ""
    return False


def _only_200(response: requests.Response, **_: object) -> None:
    """Refuse every other answer, redirects and other successes too."""
    if response.status_code != requests.codes.ok:
        raise requests.HTTPError(f"status {response.status_code}", response=response)
