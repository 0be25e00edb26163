"""One pooled connection to Vault: TLS 1.3, exactly the listener's certificate, nothing from the environment."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any

import hvac
import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from assay.errors import Unavailable

TIMEOUT_SECONDS = 15
_POOL = 16
# A kept-alive connection the server has just closed is tried once more; every call of ours may be: what works
# once (a wrapping token, a secret id) is refused the second time, never granted twice.
_ONCE_MORE = Retry(total=1, connect=0, read=1, status=0, redirect=0, allowed_methods=None)


class _Tls13(HTTPAdapter):
    """Trusts one certificate and speaks nothing older than TLS 1.3."""

    def __init__(self, ca_path: Path) -> None:
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self._context.minimum_version = ssl.TLSVersion.TLSv1_3
        self._context.load_verify_locations(ca_path)
        super().__init__(pool_connections=1, pool_maxsize=_POOL, max_retries=_ONCE_MORE)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - requests' signature
        super().init_poolmanager(*args, **kwargs, ssl_context=self._context)


def connect(url: str, ca_path: Path, token: str | None = None) -> hvac.Client:
    """Return a client of the Vault at `url` (https) whose listener has the certificate in `ca_path`.

    Raises:
        Unavailable: there is no such certificate yet.
    """
    session = requests.Session()
    session.trust_env = False
    session.verify = str(ca_path)
    try:
        session.mount("https://", _Tls13(ca_path))
    except OSError as error:
        raise Unavailable(f"no certificate of Vault's listener in {ca_path}") from error
    session.adapters.pop("http://")
    return hvac.Client(
        url=url,
        token=token or "",  # None would look for one in the environment and the person's home folder
        cert=(),  # likewise
        verify=str(ca_path),
        session=session,
        timeout=TIMEOUT_SECONDS,
        allow_redirects=False,
    )
