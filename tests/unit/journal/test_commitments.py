"""Commitments: the holder of the salt can show what was asked, and nothing else fits."""

from __future__ import annotations

import hashlib
import hmac

from hypothesis import given
from hypothesis import strategies as st

from assay.journal import Tensor, commitment

SALT = bytes(range(32))
TENSORS = [Tensor("x", "FP32", (1, 2), bytes(8)), Tensor("y", "INT8", (3,), b"\1\2\3")]


def test_a_commitment_is_the_hmac_of_the_documented_bytes() -> None:
    header = b'{"datatype":"INT8","name":"y","shape":[3]}'
    data = len(header).to_bytes(8, "big") + header + (3).to_bytes(8, "big") + b"\1\2\3"
    expected = hmac.new(SALT, b"output\0" + data, hashlib.sha256).hexdigest()
    assert commitment(SALT, "output", TENSORS[1:]) == expected


def test_another_salt_side_order_name_shape_type_or_byte_is_another_commitment() -> None:
    x, y = TENSORS
    variants = [
        commitment(SALT, "input", TENSORS),
        commitment(bytes(32), "input", TENSORS),
        commitment(SALT, "output", TENSORS),
        commitment(SALT, "input", [y, x]),
        commitment(SALT, "input", [x]),
        commitment(SALT, "input", [Tensor("z", "FP32", (1, 2), x.data), y]),
        commitment(SALT, "input", [Tensor("x", "FP32", (2, 1), x.data), y]),
        commitment(SALT, "input", [Tensor("x", "INT32", (1, 2), x.data), y]),
        commitment(SALT, "input", [Tensor("x", "FP32", (1, 2), b"\1" + x.data[1:]), y]),
    ]
    assert len(set(variants)) == len(variants)


@given(st.binary(max_size=40), st.integers(0, 40))
def test_bytes_cannot_move_from_one_tensor_to_the_next(data: bytes, cut: int) -> None:
    split = [Tensor("a", "UINT8", (1,), data[:cut]), Tensor("a", "UINT8", (1,), data[cut:])]
    other = [Tensor("a", "UINT8", (1,), data), Tensor("a", "UINT8", (1,), b"")]
    assert (commitment(SALT, "input", split) == commitment(SALT, "input", other)) is (cut >= len(data))
