"""The bundle that OPA runs on, given to it by whoever starts it: the one that the newest policy fact names.

`Feed` holds a verified bundle. The built-in server reads the file; `opa` polls a listener of its own identity
(mutual TLS), and verifies the signature itself, with the key that root.json names.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from assay.errors import ServiceError, Unavailable
from assay.policy.bundle import PolicyBundle
from assay_laptop.opa.certificates import Certificates
from assay_laptop.opa.listener import Connection, Listener

PATH: Final = "/policy.tar.gz"
LOOK_EVERY_SECONDS: Final = 0.5


class Feed:
    """One bundle, for one OPA; `folder` is private. Replaced as a whole by `offer`."""

    def __init__(self, folder: Path, certificates: Certificates) -> None:
        self.file = folder / "policy.tar.gz"
        self._offered: PolicyBundle | None = None
        self._listener = _FeedListener(self, certificates)
        self.url = f"https://127.0.0.1:{self._listener.server_address[1]}"
        self._serving = threading.Thread(target=self._listener.serve_forever, name="policy feed", daemon=True)
        self._serving.start()
        self._stop = threading.Event()
        self._following: threading.Thread | None = None

    @property
    def offered(self) -> PolicyBundle:
        """The bundle OPA is to run on; raises Unavailable before any."""
        if self._offered is None:
            raise Unavailable("there is no policy for OPA yet")
        return self._offered

    def offer(self, bundle: PolicyBundle) -> None:
        """Let OPA take up this bundle."""
        if self._offered is not None and self._offered.digest == bundle.digest:
            return
        fresh = self.file.with_name(f"{self.file.name}.new")
        fresh.write_bytes(bundle.archive)
        fresh.replace(self.file)
        self._offered = bundle

    def follow(self, newest: Callable[[], PolicyBundle], say: Callable[[str], None]) -> None:
        """Offer what `newest` returns, again and again in a thread; what fails is said once and tried again."""

        def look() -> None:
            failing = ""
            while not self._stop.wait(LOOK_EVERY_SECONDS):
                try:
                    self.offer(newest())
                    failing = ""
                except (ServiceError, OSError) as error:
                    if failing != type(error).__name__:
                        say(f"OPA keeps its policy: {type(error).__name__}: {error}")
                    failing = type(error).__name__

        self._following = threading.Thread(target=look, name="policy follower", daemon=True)
        self._following.start()

    def close(self) -> None:
        """Stop following and serving."""
        self._stop.set()
        if self._following is not None:
            self._following.join()
        self._listener.shutdown()
        self._listener.server_close()


class _FeedListener(Listener):
    """Gives the bundle to OPA alone."""

    def __init__(self, feed: Feed, certificates: Certificates) -> None:
        self.feed = feed
        super().__init__(0, certificates, _Fetching)


class _Fetching(Connection):
    """OPA asks whether there is another bundle than the one it has."""

    server: _FeedListener

    def do_GET(self) -> None:  # noqa: N802 - http.server's name
        """Give the bundle, or say that it is the same."""
        caller = self.caller()
        if caller is None or caller.service != "opa" or urlsplit(self.path).path != PATH:
            self.reject()
            return
        try:
            bundle = self.server.feed.offered
        except Unavailable as refusal:
            self.answer(HTTPStatus.SERVICE_UNAVAILABLE, {"code": "unavailable", "message": refusal.detail})
            return
        tag = f'"{bundle.digest}"'
        if self.headers.get("If-None-Match") == tag:
            self.send(HTTPStatus.NOT_MODIFIED, "application/gzip", b"", ETag=tag)
        else:
            self.send(HTTPStatus.OK, "application/gzip", bundle.archive, ETag=tag)
