"""Small real ONNX graphs and whole packages around them."""

from __future__ import annotations

import functools
from typing import Any

from assay.custody import model_card

MLMODEL = """\
flavors:
  onnx: {code: null, data: model.onnx, providers: [CPUExecutionProvider]}
  python_function: {data: model.onnx, loader_module: mlflow.onnx, python_version: 3.11.7}
"""


def graph(*, domain: str = "", external: bool = False) -> bytes:
    """Return a graph that adds one to its input; `domain` of its operators, `external` weights."""
    return _graph(domain, external)


@functools.cache
def _graph(domain: str, external: bool) -> bytes:  # noqa: FBT001 - a cache's key
    from onnx import TensorProto, helper

    one = helper.make_tensor("one", TensorProto.FLOAT, [1], [1.0])
    if external:
        one.ClearField("float_data")
        one.data_location = TensorProto.EXTERNAL
        entry = one.external_data.add()
        entry.key, entry.value = "location", "../../etc/passwd"
    node = helper.make_node("Add", ["x", "one"], ["y"], domain=domain)
    ports: list[Any] = [helper.make_tensor_value_info(n, TensorProto.FLOAT, [None, 1]) for n in "xy"]
    made = helper.make_graph([node], "g", [ports[0]], [ports[1]], [one])
    opsets = [helper.make_opsetid("", 17)] + ([helper.make_opsetid(domain, 1)] if domain else [])
    model = helper.make_model(made, opset_imports=opsets, ir_version=8)
    data: bytes = model.SerializeToString()
    return data


def package(
    model: str = "credit-default", datasets: tuple[str, ...] = ("0" * 64,), **more: bytes
) -> dict[str, bytes]:
    """Return a package that is fine; `more` files by name with dots as in `conda_yaml`."""
    card = model_card(model, intended_use=["score"], limitations=["adults only"], datasets=datasets)
    return {
        "model.onnx": graph(),
        "MLmodel": MLMODEL.encode(),
        "card.json": card,
        "requirements.txt": b"onnxruntime==1.31.0\n",
        **{name.replace("_", ".", 1): data for name, data in more.items()},
    }
