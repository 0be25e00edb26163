"""Parses one ONNX graph in a process of its own: `python -I -m assay.custody.onnx_worker < model.onnx`.

A graph is untrusted input to a C++ parser, so the process that judges it has a small address space, a few
seconds of CPU, no environment and nothing to lose. It prints `{"inputs": …, "outputs": …}`, or
`{"refused": why}`.
"""

from __future__ import annotations

import json
import resource
import sys
from typing import Any, Final

DOMAINS: Final = frozenset({"", "ai.onnx", "ai.onnx.ml"})
MEMORY: Final = 4 << 30
CPU_SECONDS: Final = 60


def judge(data: bytes) -> dict[str, Any]:
    """Return the graph's inputs and outputs, or why it is refused."""
    import onnx
    from google.protobuf.message import DecodeError  # type: ignore[import-untyped]

    try:
        model = onnx.load_model_from_string(data)
        if outside := _external(model):  # first: the checker would look for the file
            return {"refused": f"tensor {outside!r} is kept outside the graph"}
        onnx.checker.check_model(model)
    except (DecodeError, onnx.checker.ValidationError, ValueError) as error:
        return {"refused": f"not an ONNX graph: {str(error)[:300]}"}
    foreign = sorted({opset.domain for opset in model.opset_import} - DOMAINS)
    if foreign:
        return {"refused": f"operators of {', '.join(foreign)}, which are code of whoever loads the model"}
    return {
        "inputs": [_port(p) for p in model.graph.input],
        "outputs": [_port(p) for p in model.graph.output],
    }


def _external(message: Any) -> str | None:  # noqa: ANN401 - any protobuf message of onnx
    """Return the name of a tensor whose bytes are elsewhere, however deep it lies."""
    if message.DESCRIPTOR.name == "TensorProto":
        return (message.name or "unnamed") if message.data_location or message.external_data else None
    for field, value in message.ListFields():
        if field.message_type is None:
            continue
        for part in [value] if hasattr(value, "DESCRIPTOR") else value:
            if found := _external(part):
                return found
    return None


def _port(value: Any) -> dict[str, Any]:  # noqa: ANN401 - onnx.ValueInfoProto
    tensor = value.type.tensor_type
    shape = [d.dim_value if d.HasField("dim_value") else -1 for d in tensor.shape.dim]
    return {"name": value.name, "type": tensor.elem_type, "shape": shape}


def main() -> None:
    """Limit this process, read the graph from stdin and print the judgement."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    sys.stdout.write(json.dumps(judge(sys.stdin.buffer.read())))


if __name__ == "__main__":
    main()
