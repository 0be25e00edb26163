"""How requests and responses look on the wire: done by KServe's types, imported after listening."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from services.predictor.endpoint import Answering
from services.predictor.tensors import Array, Input


@dataclass(frozen=True)
class Asked:
    """A decoded request: id, inputs, the outputs it wants (none: all), and the protocol's own object."""

    id: str | None
    inputs: tuple[Input, ...]
    outputs: tuple[str, ...]
    request: Any


@dataclass(frozen=True)
class Encoded:
    """A response's bytes; with binary tensors, `json_length` of them are JSON."""

    content: bytes
    json_length: int | None


class Wire(Protocol):
    """The Open Inference Protocol v2."""

    def decode(self, body: bytes, json_length: int, model: str) -> Asked:
        """Return a request; raises NotOIP for anything else."""

    def encode(
        self,
        asked: Asked,
        answering: Answering,
        outputs: Sequence[tuple[str, Array]],
        parameters: dict[str, Any],
    ) -> Encoded:
        """Return the response."""

    def server(self, name: str, version: str) -> dict[str, Any]:
        """Return the server's metadata."""

    def models(self, names: list[str]) -> dict[str, Any]:
        """Return the models that answer here."""

    def model(self, answering: Answering) -> dict[str, Any]:
        """Return a model's metadata."""

    def ready(self, answering: Answering) -> dict[str, Any]:
        """Return that a model is ready."""
