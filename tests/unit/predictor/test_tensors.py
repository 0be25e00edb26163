"""A request's tensors are what the model takes, or they are refused by name before the engine sees them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.predictor.errors import NotFinite, TooManyRows, WrongDatatype, WrongShape, WrongTensor
from services.predictor.tensors import DTYPES, Port, arrays, tensor


@dataclass
class Given:
    """An input as KServe decodes it."""

    name: str
    datatype: str
    shape: Any
    data: Any


X = Port("x", "FP32", (-1, 3))


def _x(**changed: object) -> Given:
    values: dict[str, Any] = {"name": "x", "datatype": "FP32", "shape": [2, 3]}
    return Given(**values | {"data": [1, 2, 3, 4, 5, 6.5]} | changed)


def test_flat_and_nested_data_give_the_same_array() -> None:
    flat = X.array(_x(), 10)
    nested = X.array(_x(data=[[1, 2, 3], [4, 5, 6.5]]), 10)
    assert flat.dtype == np.float32
    assert flat.tolist() == nested.tolist() == [[1, 2, 3], [4, 5, 6.5]]


@pytest.mark.parametrize(
    ("changed", "refusal"),
    [
        ({"datatype": "FP64"}, WrongDatatype),
        ({"shape": [6]}, WrongShape),
        ({"shape": [3, 2]}, WrongShape),
        ({"shape": [0, 3], "data": []}, WrongShape),
        ({"shape": [-2, 3]}, WrongShape),
        ({"shape": [2.0, 3]}, WrongShape),
        ({"shape": [True, 3], "data": [1, 2, 3]}, WrongShape),
        ({"shape": "23"}, WrongShape),
        ({"shape": None}, WrongShape),
        ({"data": [1, 2, 3, 4, 5]}, WrongShape),
        ({"data": [[1, 2, 3], [4, 5]]}, WrongShape),
        ({"data": 1.0}, WrongShape),
        ({"data": ["1", "2", "3", "4", "5", "6"]}, WrongDatatype),
        ({"data": [1, 2, 3, 4, 5, None]}, WrongDatatype),
        ({"data": [True] * 6}, WrongDatatype),
        ({"data": {"a": 1}}, WrongDatatype),
        ({"data": [1, 2, 3, 4, 5, float("nan")]}, NotFinite),
        ({"data": [1, 2, 3, 4, 5, float("inf")]}, NotFinite),
        ({"data": [1, 2, 3, 4, 5, 1e300]}, NotFinite),
        ({"shape": [11, 3], "data": [0] * 33}, TooManyRows),
    ],
)
def test_what_the_model_does_not_take_is_refused_by_name(
    changed: dict[str, Any], refusal: type[Exception]
) -> None:
    with pytest.raises(refusal):
        X.array(_x(**changed), 10)


@pytest.mark.parametrize(
    ("datatype", "data"),
    [("INT8", [128]), ("UINT8", [-1]), ("INT64", [1.5]), ("UINT64", [2**64]), ("BOOL", [1])],
)
def test_a_number_outside_its_datatype_is_refused_and_never_wrapped(datatype: str, data: list[Any]) -> None:
    with pytest.raises(WrongDatatype):
        Port("n", datatype, (-1,)).array(Given("n", datatype, [1], data), 10)


def test_names_must_be_the_models_own_each_once() -> None:
    ports = [Port("a", "FP32", (1,)), Port("b", "FP32", (1,))]
    a, b, c = (Given(name, "FP32", [1], [1.0]) for name in "abc")
    assert list(arrays(ports, [b, a], 10)) == ["a", "b"]
    for wrong in ([a], [a, b, c], [a, a], [a, c], []):
        with pytest.raises(WrongTensor):
            arrays(ports, wrong, 10)


@given(st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), min_size=1, max_size=20))
def test_every_finite_float_reaches_the_engine_unchanged(values: list[float]) -> None:
    array = Port("x", "FP32", (-1,)).array(Given("x", "FP32", [len(values)], values), 100)
    assert array.tolist() == values


@pytest.mark.parametrize("datatype", sorted(DTYPES))
def test_a_tensor_is_committed_to_as_the_binary_extension_sends_it(datatype: str) -> None:
    array = np.array([[1, 0, 1]], dtype=DTYPES[datatype].newbyteorder(">"))
    made = tensor("x", array)
    assert (made.datatype, list(made.shape)) == (datatype, [1, 3])
    assert made.data == array.astype(DTYPES[datatype]).tobytes()
