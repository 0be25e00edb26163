"""Small real ONNX models: a logistic regression over three features, with a probability and a label."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

FEATURES = 3


def logistic(weights: Sequence[float], *, output: str = "probability") -> bytes:
    """Return `x FP32 [-1, 3] -> probability FP32 [-1, 1], label INT64 [-1, 1]`."""
    w = numpy_helper.from_array(np.array(weights, "f4").reshape(FEATURES, 1), "w")
    half = numpy_helper.from_array(np.array(0.5, "f4"), "half")
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["score"]),
        helper.make_node("Sigmoid", ["score"], [output]),
        helper.make_node("Greater", [output, "half"], ["positive"]),
        helper.make_node("Cast", ["positive"], ["label"], to=TensorProto.INT64),
    ]
    graph = helper.make_graph(
        nodes,
        "credit",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["rows", FEATURES])],
        [
            helper.make_tensor_value_info(output, TensorProto.FLOAT, ["rows", 1]),
            helper.make_tensor_value_info("label", TensorProto.INT64, ["rows", 1]),
        ],
        [w, half],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def dividing() -> bytes:
    """Return a graph whose answer is 1 / x: infinite at zero."""
    one = numpy_helper.from_array(np.array(1, "f4"), "one")
    graph = helper.make_graph(
        [helper.make_node("Div", ["one", "x"], ["y"])],
        "divide",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["rows", FEATURES])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["rows", FEATURES])],
        [one],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    return bytes(model.SerializeToString())


def texting() -> bytes:
    """Return a graph over strings, which this server does not serve."""
    graph = helper.make_graph(
        [helper.make_node("Identity", ["x"], ["y"])],
        "text",
        [helper.make_tensor_value_info("x", TensorProto.STRING, [1])],
        [helper.make_tensor_value_info("y", TensorProto.STRING, [1])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    return bytes(model.SerializeToString())
