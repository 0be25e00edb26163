"""A service process: join the parts, listen over mutual TLS, tell the supervisor, leave on SIGTERM."""

from __future__ import annotations

import logging
import signal
import socket
import ssl
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import FrameType
from typing import Any, Final, Protocol, TypeVar

import uvicorn
from fastapi import FastAPI

from assay.identity.workload import WorkloadIdentity
from assay.web.events import announce, announce_certificate, log_to_stderr
from assay.web.handshakes import Strangers, counted
from assay.web.handshakes import say as say_strangers
from assay.web.protocol import PeerProtocol
from assay.web.settings import ServiceSettings

_LOG: Final = logging.getLogger(__name__)
_KEEP_ALIVE_SECONDS: Final = 75  # longer than clients keep idle connections
_GRACE_SECONDS: Final = 10


class Joined(Protocol):
    """What running needs of a service's parts."""

    @property
    def identity(self) -> WorkloadIdentity:
        """The certificate the listener shows."""

    def close(self) -> None:
        """End threads and connections."""


S = TypeVar("S", bound=ServiceSettings)
P = TypeVar("P", bound=Joined)


@dataclass(frozen=True)
class Listener:
    """An application on a port of its own, with its TLS context."""

    name: str
    app: FastAPI
    port: int
    context: ssl.SSLContext


class ListeningServer(uvicorn.Server):
    """A uvicorn server that calls back when it listens, and ends the count of strangers with itself."""

    def __init__(
        self, config: uvicorn.Config, strangers: Strangers, listening: Callable[[uvicorn.Server], None]
    ) -> None:
        super().__init__(config)
        self._strangers = strangers
        self._listening = listening

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """See uvicorn."""
        await super().startup(sockets)
        if self.started:
            self._listening(self)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """See uvicorn."""
        await super().shutdown(sockets)
        self._strangers.close()


def run(
    settings: S,
    build: Callable[[P], FastAPI],
    *,
    background: Callable[[P], None] | None = None,
    join: Callable[[S], P] | None = None,
    also: Callable[[P], Sequence[Listener]] | None = None,
) -> None:
    """Join the parts, listen, print events, serve until SIGTERM, and close the parts.

    `join(settings)` is `Parts.join` unless given (the ledger's own). `background(parts)` loads heavy engines
    in a thread once the port listens; `ready` is printed when it returns. `also(parts)` gives more listeners.

    Raises:
        SystemExit: 0 after SIGTERM or SIGINT; 1 when listening or loading in the background failed.
    """
    log_to_stderr()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, _leave)
    parts: P = (join or _all_parts)(settings)
    try:
        announce_certificate(parts.identity)
        parts.identity.on_renewal(lambda: announce_certificate(parts.identity))
        main = Listener(settings.service, build(parts), settings.port, parts.identity.server_context())
        work = (lambda: background(parts)) if background else None
        _serve(main, list(also(parts)) if also else [], settings.host, Loading(work))
    finally:
        parts.close()


def _all_parts(settings: ServiceSettings) -> Any:  # noqa: ANN401 - the default of `run`'s `join`
    from assay.web.parts import Parts  # the ledger does without them

    return Parts.join(settings)


def _leave(_signal: int, _frame: FrameType | None) -> None:
    """Leave with 0 while nothing listens yet, and when uvicorn hands the signal on after it ended."""
    raise SystemExit(0)


class Loading:
    """Heavy engines, loaded in a thread after the port listens."""

    def __init__(self, work: Callable[[], None] | None) -> None:
        self._work = work
        self.failed = False

    def start(self, server: uvicorn.Server) -> None:
        """Load in the background; the server ends when that fails."""
        threading.Thread(target=self._run, args=(server,), name="loading", daemon=True).start()

    def _run(self, server: uvicorn.Server) -> None:
        try:
            if self._work is not None:
                self._work()
        except Exception:  # noqa: BLE001 - the thread's edge: the process says why and ends
            _LOG.exception("loading in the background failed")
            self.failed = True
            server.should_exit = True
        else:
            announce("ready")


def _serve(main: Listener, others: Sequence[Listener], host: str, loading: Loading) -> None:
    sides = [listening_server(other, host) for other in others]
    threads = [threading.Thread(target=side.run, name="listener", daemon=True) for side in sides]
    server = listening_server(main, host, loading.start)
    for thread in threads:
        thread.start()
    try:
        server.run()
    finally:
        for side in sides:
            side.should_exit = True
        for thread in threads:
            thread.join(_GRACE_SECONDS)
    if loading.failed or not server.started:
        raise SystemExit(1)


def listening_server(
    listener: Listener, host: str, listening: Callable[[uvicorn.Server], None] | None = None
) -> ListeningServer:
    """Return a server of this listener; its `run()` blocks until `should_exit`."""
    strangers = listener.app.state.strangers = Strangers(listener.name, say_strangers)
    context = counted(listener.context, strangers)
    config = uvicorn.Config(
        listener.app,
        host=host,
        port=listener.port,
        http=PeerProtocol,
        ws="none",
        lifespan="on",
        ssl_context_factory=lambda _config, _default: context,
        proxy_headers=False,  # no header says who somebody is or where they are
        server_header=False,
        access_log=False,
        log_config=None,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )

    def say(server: uvicorn.Server) -> None:
        announce("listening", url=f"https://{host}:{listener.port}", listener=listener.name)
        if listening is not None:
            listening(server)

    return ListeningServer(config, strangers, say)
