"""What a model takes and gives, and whether a request's tensors are that, before the engine sees a byte."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

import numpy as np
import numpy.typing as npt

from assay.journal import Tensor
from services.predictor.errors import (
    NotFinite,
    TooManyRows,
    WrongDatatype,
    WrongShape,
    WrongTensor,
)

Array = npt.NDArray[Any]

DTYPES: Final[dict[str, np.dtype[Any]]] = {
    "BOOL": np.dtype("?"),
    "INT8": np.dtype("<i1"),
    "INT16": np.dtype("<i2"),
    "INT32": np.dtype("<i4"),
    "INT64": np.dtype("<i8"),
    "UINT8": np.dtype("<u1"),
    "UINT16": np.dtype("<u2"),
    "UINT32": np.dtype("<u4"),
    "UINT64": np.dtype("<u8"),
    "FP16": np.dtype("<f2"),
    "FP32": np.dtype("<f4"),
    "FP64": np.dtype("<f8"),
}
_DATATYPES: Final = {dtype: name for name, dtype in DTYPES.items()}


class Input(Protocol):
    """An input as KServe's `InferInput` decodes it."""

    name: str
    datatype: str
    shape: list[int]
    data: Any


@dataclass(frozen=True)
class Port:
    """One tensor of a model. `shape` has -1 where any positive length is taken; the first is the rows."""

    name: str
    datatype: str
    shape: tuple[int, ...]

    def metadata(self) -> dict[str, Any]:
        """Return the port as OIP v2's metadata tensor."""
        return {"name": self.name, "datatype": self.datatype, "shape": list(self.shape)}

    def array(self, given: Input, most_rows: int) -> Array:
        """Return an input's data as the array the engine takes, or raise what is wrong with it."""
        if given.datatype != self.datatype:
            raise WrongDatatype(f"{self.name} is {self.datatype}, not {given.datatype}")
        self._check_shape(given.shape, most_rows)
        array = self._typed(given.data)
        if array.size != math.prod(given.shape):
            raise WrongShape(
                f"{self.name} has {array.size} values, and its shape {given.shape} needs another number"
            )
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise NotFinite(f"{self.name} holds NaN or an infinity")
        return np.ascontiguousarray(array.reshape(given.shape))

    def _check_shape(self, shape: Sequence[int], most_rows: int) -> None:
        fits = (
            isinstance(shape, list)
            and len(shape) == len(self.shape)
            and all(
                type(n) is int and n > 0 and want in (-1, n)
                for n, want in zip(shape, self.shape, strict=True)
            )
        )
        if not fits:
            raise WrongShape(f"{self.name} takes shape {list(self.shape)} (-1 is any), not {str(shape)[:80]}")
        if self.shape[:1] == (-1,) and shape[0] > most_rows:
            raise TooManyRows(f"{shape[0]} rows in one request; this endpoint answers {most_rows} at most")

    def _typed(self, data: Any) -> Array:  # noqa: ANN401 - JSON
        want = DTYPES[self.datatype]
        try:
            found = np.asarray(data)
        except (ValueError, OverflowError) as error:
            raise WrongShape(f"{self.name}'s data is ragged") from error
        if found.dtype.kind not in {"f": "fiu", "i": "iu", "u": "iu", "b": "b"}[want.kind]:
            raise WrongDatatype(f"{self.name}'s data is not all {self.datatype}")
        with np.errstate(over="ignore"):  # an overflow is an infinity, refused as such
            array = found.astype(want)
        if want.kind in "iu" and not np.array_equal(array, found):
            raise WrongDatatype(f"{self.name} holds a number outside {self.datatype}")
        return array


def arrays(ports: Sequence[Port], inputs: Iterable[Input], most_rows: int) -> dict[str, Array]:
    """Return the inputs as arrays, in the model's order; refuses unknown, repeated and missing names."""
    given: dict[str, Input] = {}
    for one in inputs:
        if one.name in given:
            raise WrongTensor(f"the request repeats {one.name!r}")
        given[one.name] = one
    wanted = [port.name for port in ports]
    if set(given) != set(wanted):
        raise WrongTensor(f"the model takes {wanted}, the request has {[str(n)[:80] for n in given][:20]}")
    return {port.name: port.array(given[port.name], most_rows) for port in ports}


def tensor(name: str, array: Array) -> Tensor:
    """Return an array as the tensor a receipt commits to; WrongDatatype for what OIP v2 cannot name."""
    little = array.astype(array.dtype.newbyteorder("<"), copy=False)
    datatype = _DATATYPES.get(little.dtype)
    if datatype is None:
        raise WrongDatatype(f"{name} is {array.dtype}, which has no OIP v2 datatype")
    return Tensor(name, datatype, array.shape, np.ascontiguousarray(little).tobytes())
