"""ONNX Runtime over verified bytes: it is given memory, never a path."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from assay.custody import MODEL_FILE, VerifiedPackage
from services.predictor.errors import ModelFailed, ModelUnusable
from services.predictor.tensors import Array, Port

_TYPES: Final = {
    "tensor(bool)": "BOOL",
    "tensor(int8)": "INT8",
    "tensor(int16)": "INT16",
    "tensor(int32)": "INT32",
    "tensor(int64)": "INT64",
    "tensor(uint8)": "UINT8",
    "tensor(uint16)": "UINT16",
    "tensor(uint32)": "UINT32",
    "tensor(uint64)": "UINT64",
    "tensor(float16)": "FP16",
    "tensor(float)": "FP32",
    "tensor(double)": "FP64",
}


class OnnxModel:
    """A session made from a package's own bytes; `threads` bounds what one request takes of the machine."""

    def __init__(self, package: VerifiedPackage, *, threads: int = 1) -> None:
        import onnxruntime
        from onnxruntime.capi import onnxruntime_pybind11_state as state

        self._refusals = (
            state.Fail,
            state.InvalidArgument,
            state.RuntimeException,
            state.EPFail,
            RuntimeError,
        )
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        try:
            self._session = onnxruntime.InferenceSession(
                package.files[MODEL_FILE], options, providers=["CPUExecutionProvider"]
            )
        except (
            KeyError,
            *self._refusals,
            state.InvalidGraph,
            state.InvalidProtobuf,
            state.NotImplemented,
        ) as error:
            raise ModelUnusable(f"ONNX Runtime refuses the graph: {str(error)[:300]}") from error
        self.inputs = tuple(_port(node) for node in self._session.get_inputs())
        self.outputs = tuple(_port(node) for node in self._session.get_outputs())

    def run(self, arrays: Mapping[str, Array]) -> Sequence[Array]:
        """Return the outputs, in order; raises ModelFailed when the graph refuses the values."""
        try:
            outputs: Sequence[Array] = self._session.run(None, arrays)
        except self._refusals as error:
            raise ModelFailed(f"the model refuses these values: {str(error)[:200]}") from error
        return outputs


def _port(node: Any) -> Port:  # noqa: ANN401 - onnxruntime's NodeArg
    datatype = _TYPES.get(node.type)
    if datatype is None:
        raise ModelUnusable(f"{node.name!r} is {node.type}; only numeric tensors are served")
    return Port(node.name, datatype, tuple(n if isinstance(n, int) and n > 0 else -1 for n in node.shape))
