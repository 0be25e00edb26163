"""How MLflow's answers leave tracking, by its API and by its pages: as they are, or a file in chunks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from http import HTTPStatus
from tempfile import TemporaryFile
from typing import IO, Final

from fastapi import Request, Response
from fastapi.responses import StreamingResponse

from services.tracking.allowed import MODEL_ID
from services.tracking.ports import OCTETS, Answer

CHUNK: Final = 64 * 1024


def logged_model(request: Request) -> str | None:
    """Return the logged model a declared route names, if it names one."""
    return request.path_params.get(MODEL_ID.strip("{}"))


def answered(answer: Answer) -> Response:
    """Return an answer as it is."""
    return Response(answer.body, status_code=answer.status, media_type=answer.media_type)


def as_file(read: Callable[[IO[bytes]], Answer], headers: Mapping[str, str]) -> Response:
    """Return what `read` writes to a file, of no type, in chunks; an answer that is no file as it is."""
    with ExitStack() as held:
        file = held.enter_context(TemporaryFile())
        answer = read(file)
        if answer.status != HTTPStatus.OK:
            return answered(answer)
        said = {**headers, "content-length": str(file.tell())}
        return StreamingResponse(_chunks(file, held.pop_all()), answer.status, said, OCTETS)


def _chunks(file: IO[bytes], held: ExitStack) -> Iterator[bytes]:
    with held:
        file.seek(0)
        while chunk := file.read(CHUNK):
            yield chunk
