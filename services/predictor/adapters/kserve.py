"""The Open Inference Protocol v2 in KServe's own types; importing this takes seconds, after listening."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import orjson
from kserve.errors import InferenceError, InvalidInput
from kserve.protocol.infer_type import InferOutput, InferRequest, InferResponse
from kserve.protocol.rest.v2_datamodels import (
    ListModelsResponse,
    ModelMetadataResponse,
    ModelReadyResponse,
    ServerMetadataResponse,
)

from services.predictor.endpoint import Answering
from services.predictor.errors import NotOIP, WrongDatatype
from services.predictor.tensors import Array, tensor
from services.predictor.wire import Asked, Encoded

_ID_LIMIT: Final = 256


class OpenInference:
    """Reads requests and writes responses as KServe does, binary extension included."""

    def decode(self, body: bytes, json_length: int, model: str) -> Asked:
        """Return a request; raises NotOIP for anything else."""
        try:
            request = InferRequest.from_bytes(body, json_length, model)
            wanted = [output.name for output in request.request_outputs or ()]
        except (InvalidInput, InferenceError) as error:
            raise NotOIP(str(error)[:300]) from error
        except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
            raise NotOIP(f"not an OIP v2 request: {error!r}"[:300]) from error
        if request.id is not None and not (isinstance(request.id, str) and len(request.id) <= _ID_LIMIT):
            raise NotOIP(f"`id` is not a string of at most {_ID_LIMIT} characters")
        return Asked(request.id, tuple(request.inputs), tuple(wanted), request)

    def encode(
        self,
        asked: Asked,
        answering: Answering,
        outputs: Sequence[tuple[str, Array]],
        parameters: dict[str, Any],
    ) -> Encoded:
        """Return the response, in JSON or with binary tensors as the request wants it."""
        request: InferRequest = asked.request
        response = InferResponse(
            response_id=asked.id or parameters["assay_receipt"],
            model_name=answering.name,
            model_version=str(answering.number),
            infer_outputs=[_output(name, array) for name, array in outputs],
            parameters=parameters,
            use_binary_outputs=request.use_binary_outputs is True,
            requested_outputs=request.request_outputs or None,
        )
        try:
            content, json_length = response.to_rest()
        except InvalidInput as error:
            raise WrongDatatype(
                str(error)[:300], fix="ask for binary outputs: `binary_data_output`"
            ) from error
        return Encoded(content if json_length is not None else orjson.dumps(content), json_length)

    def server(self, name: str, version: str) -> dict[str, Any]:
        """Return the server's metadata."""
        found = ServerMetadataResponse(name=name, version=version, extensions=["binary_tensor_data"])
        return dict(found.model_dump())

    def models(self, names: list[str]) -> dict[str, Any]:
        """Return the models that answer here."""
        return dict(ListModelsResponse(models=names).model_dump())

    def model(self, answering: Answering) -> dict[str, Any]:
        """Return a model's metadata."""
        found = ModelMetadataResponse(
            name=answering.name,
            versions=[str(answering.number)],
            platform="onnx_onnxv1",
            inputs=[port.metadata() for port in answering.model.inputs],
            outputs=[port.metadata() for port in answering.model.outputs],
        )
        return dict(found.model_dump())

    def ready(self, answering: Answering) -> dict[str, Any]:
        """Return that a model is ready."""
        return dict(ModelReadyResponse(name=answering.name, ready=True).model_dump())


def _output(name: str, array: Array) -> InferOutput:
    output = InferOutput(name, list(array.shape), tensor(name, array).datatype)
    output.data = array
    return output
