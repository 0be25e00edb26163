"""A client that costs next to nothing: requests are bytes made beforehand, answers are read by their length."""

from __future__ import annotations

import socket
import ssl
import statistics
import time
from collections.abc import Callable, Sequence
from typing import Final, Self

_READ: Final = 65536
_LENGTH: Final = b"content-length: "


class LeanClient:
    """One kept connection, plain or through a TLS context."""

    def __init__(self, port: int, context: ssl.SSLContext | None = None) -> None:
        plain = socket.create_connection(("127.0.0.1", port))
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket = context.wrap_socket(plain, server_hostname="127.0.0.1") if context else plain

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def ask(self, request: bytes) -> bytes:
        """Send a request and return the whole answer; raises ConnectionError when it does not come."""
        self._socket.sendall(request)
        answer = self._socket.recv(_READ)
        end = answer.find(b"\r\n\r\n")
        while end < 0:
            answer += self._more()
            end = answer.find(b"\r\n\r\n")
        start = answer.lower().find(_LENGTH) + len(_LENGTH)
        length = int(answer[start : answer.find(b"\r", start)])
        while len(answer) < end + 4 + length:
            answer += self._more()
        return answer

    def _more(self) -> bytes:
        part = self._socket.recv(_READ)
        if not part:
            raise ConnectionError("the server closed the connection")
        return part


def request(
    path: str, body: bytes = b"", *, method: str = "GET", media_type: str = "application/json"
) -> bytes:
    """Return a request's bytes."""
    head = f"{method} {path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: {len(body)}\r\n"
    return (head + (f"content-type: {media_type}\r\n" if body else "") + "\r\n").encode() + body


def seconds_of(work: Callable[[], object], times: int) -> list[float]:
    """Return how long each of some calls took."""
    taken = []
    for _ in range(times):
        began = time.perf_counter()
        work()
        taken.append(time.perf_counter() - began)
    return taken


def p50(seconds: Sequence[float]) -> float:
    """Return the median in microseconds."""
    return statistics.median(seconds) * 1e6


def micro(value: float) -> str:
    """Return microseconds in words."""
    return f"{value:,.0f} µs"
