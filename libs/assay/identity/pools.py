"""Connections of a client, moved to the newest identity: a pool each, and the one before ends with its last answer."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import httpx


@dataclass
class _Pool:
    """The connections made with one identity, and how many answers are under way on them."""

    generation: int
    transport: httpx.BaseTransport
    busy: int = 0


class MovingTransport(httpx.BaseTransport):
    """Sends each request on connections of the newest generation; `make` opens a pool for it."""

    def __init__(self, generation: Callable[[], int], make: Callable[[], httpx.BaseTransport]) -> None:
        self._generation = generation
        self._make = make
        self._lock = threading.Lock()
        self._pool = _Pool(generation(), make())

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """See httpx."""
        pool = self._enter()
        try:
            answer = pool.transport.handle_request(request)
        except BaseException:
            self._leave(pool)
            raise
        answer.stream = _Answer(answer.stream, lambda: self._leave(pool))  # type: ignore[arg-type]
        return answer

    def close(self) -> None:
        """Close the connections."""
        self._pool.transport.close()

    def _enter(self) -> _Pool:
        newest, left = self._generation(), None
        with self._lock:
            if self._pool.generation != newest:
                left, self._pool = self._pool, _Pool(newest, self._make())
            pool = self._pool
            pool.busy += 1
        if left is not None and not left.busy:
            left.transport.close()
        return pool

    def _leave(self, pool: _Pool) -> None:
        with self._lock:
            pool.busy -= 1
            over = pool is not self._pool and not pool.busy
        if over:
            pool.transport.close()


class _Answer(httpx.SyncByteStream):
    """An answer's bytes; `over` is called once when they were read or given up."""

    def __init__(self, stream: httpx.SyncByteStream, over: Callable[[], None]) -> None:
        self._stream = stream
        self._over = over
        self._closed = False

    def __iter__(self) -> Iterator[bytes]:
        yield from self._stream

    def close(self) -> None:
        """See httpx."""
        if self._closed:
            return
        self._closed = True
        try:
            self._stream.close()
        finally:
            self._over()
