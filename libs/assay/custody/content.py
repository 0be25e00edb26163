"""What may be in a package: `inspect` looks into every file, never trusting its name.

A package holds data. Anything that a loader would run is refused: pickles under any name, archives, Python,
MLmodel entries that make MLflow import something, operators outside ONNX's own sets, tensors kept elsewhere.
"""

from __future__ import annotations

import json
import math
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from assay.contracts import strict_json
from assay.custody.card import Card, read_card
from assay.custody.errors import CodeRefused, MalformedFile, PickleRefused, UnknownFile
from assay.custody.package import MLMODEL_FILE, MODEL_FILE, PackageFiles, check_shape
from assay.errors import BadRequest, Unavailable

TEXT_LIMIT: Final = 4 << 20
YAML_LIMIT: Final = 64 << 10  # its parser takes seconds for a megabyte
_FILES: Final = re.compile(
    r"MLmodel|conda\.yaml|python_env\.yaml|requirements\.txt|README\.md|[a-z0-9_-]+\.(json|onnx|safetensors)"
)
_CODE: Final = re.compile(r".*\.(py[cdiowxz]?|ipynb|so|dll|dylib|sh|pth|whl|egg)", re.IGNORECASE)
_PICKLES: Final = re.compile(
    r".*\.(pkl|pickle|joblib|dill|cloudpickle|pt|bin|npy|npz|h5|keras)", re.IGNORECASE
)
_PICKLE_BYTES: Final = re.compile(rb"\x80[\x02-\x05]")
_ARCHIVES: Final = (b"PK\x03\x04", b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"\x7fELF", b"MZ", b"#!", b"\x93NUMPY")
_TENSORS: Final = {
    **dict.fromkeys(("BOOL", "U8", "I8", "F8_E5M2", "F8_E4M3"), 1),
    **dict.fromkeys(("U16", "I16", "F16", "BF16"), 2),
    **dict.fromkeys(("U32", "I32", "F32"), 4),
    **dict.fromkeys(("U64", "I64", "F64"), 8),
}
"""Bytes of an element, by safetensors' name of its type."""
_PIN: Final = re.compile(
    r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}(\[[A-Za-z0-9,._-]{1,99}\])?==[A-Za-z0-9.+!_-]{1,99}"
)
_NAMED: Final = re.compile(r"-r requirements\.txt|[A-Za-z0-9][A-Za-z0-9._+!*,=<>~\[\]-]{0,199}")
_CHANNELS: Final = frozenset({"conda-forge", "defaults", "nodefaults"})
_FLAVORS: Final = frozenset({"onnx", "python_function"})
_IMPORTS: Final = ("code", "python_model", "model_code_path", "code_paths", "artifacts", "data_loader")


Parser = Callable[[str, bytes], Mapping[str, Any]]


@dataclass(frozen=True)
class Content:
    """What was found: the card and the graph's ports (`{"name", "type", "shape"}`)."""

    card: Card
    inputs: tuple[Mapping[str, Any], ...]
    outputs: tuple[Mapping[str, Any], ...]


def inspect(files: PackageFiles, *, parse: Parser | None = None) -> Content:
    """Judge every file of a package and return what it holds.

    `parse` judges one graph: a worker process with small limits (`parse_onnx`) unless another is given.

    Raises:
        PickleRefused, CodeRefused, UnknownFile, MalformedFile, NoModelCard: what it holds is refused.
        UnsafePath, PackageTooLarge: its shape is.
        Unavailable: the worker that parses graphs did not answer.
    """
    for path, data in check_shape(files).items():
        _refuse_by_name(path)
        _refuse_by_bytes(path, data)
    if MODEL_FILE not in files:
        raise MalformedFile(f"the package has no {MODEL_FILE}")
    for path, data in files.items():
        _refuse_text(path, data)
    card, parse = read_card(files), parse or parse_onnx
    graphs = {path: parse(path, data) for path, data in files.items() if path.endswith(".onnx")}
    ports = graphs[MODEL_FILE]
    return Content(card, tuple(ports["inputs"]), tuple(ports["outputs"]))


def _refuse_by_name(path: str) -> None:
    if _CODE.fullmatch(path):
        raise CodeRefused(f"{path!r} is code")
    if _PICKLES.fullmatch(path):
        raise PickleRefused(f"{path!r} is of a kind that holds pickles")
    if not _FILES.fullmatch(path):
        raise UnknownFile(f"{path!r} is no file of a package")


def _refuse_by_bytes(path: str, data: bytes) -> None:
    if path.endswith(".safetensors"):
        _check_safetensors(path, data)
        return
    if _PICKLE_BYTES.match(data):
        raise PickleRefused(f"{path!r} holds a pickle")
    if data.startswith(_ARCHIVES):
        raise PickleRefused(f"{path!r} is an archive, a program or an array file, whatever its name says")


def _check_safetensors(path: str, data: bytes) -> None:
    """Refuse what is no safetensors: 8 bytes of length, a JSON header, and tensors side by side to the last byte."""
    size = int.from_bytes(data[:8], "little")
    try:
        header = dict(strict_json(data[8 : 8 + size]))
        spans = sorted(_span(entry) for name, entry in header.items() if name != "__metadata__")
    except (BadRequest, ValueError, KeyError, TypeError) as error:
        raise MalformedFile(f"{path!r} is no safetensors file") from error
    ends = [0, *(end for _, end in spans)]
    if [begin for begin, _ in spans] != ends[:-1]:
        raise MalformedFile(f"{path!r} has tensors that overlap, or bytes between them that are in none")
    if 8 + size + ends[-1] != len(data):
        raise MalformedFile(f"{path!r} holds more or fewer bytes than its header names")


def _span(entry: Mapping[str, Any]) -> tuple[int, int]:
    """Return where a tensor begins and ends; raises ValueError when its type and shape take other bytes."""
    begin, end = entry["data_offsets"]
    whole = [begin, end, *entry["shape"]]
    if not all(type(n) is int and n >= 0 for n in whole):
        raise ValueError("a place or shape is no whole number")
    if begin + math.prod(entry["shape"]) * _TENSORS[entry["dtype"]] != end:
        raise ValueError("the tensor is of another size than its type and shape")
    return begin, end


def _refuse_text(path: str, data: bytes) -> None:
    if path.endswith((".onnx", ".safetensors")):
        return
    if len(data) > TEXT_LIMIT:
        raise MalformedFile(f"{path!r} is larger than {TEXT_LIMIT >> 20} MiB of text")
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise MalformedFile(f"{path!r} is not UTF-8 text") from error
    if path.endswith(".json"):
        _json(path, text)
    elif path.endswith(".yaml") or path == MLMODEL_FILE:
        document = _yaml(path, text)
        if path == MLMODEL_FILE:
            _refuse_loaders(document)
        else:
            _refuse_environment(path, document)
    elif path == "requirements.txt":
        _refuse_requirements(text)


def _json(path: str, text: str) -> None:
    try:
        strict_json(text)
    except BadRequest as error:
        raise MalformedFile(f"{path!r}: {error.detail}") from error


def _yaml(path: str, text: str) -> Any:  # noqa: ANN401 - any YAML value
    import yaml

    if len(text) > YAML_LIMIT:
        raise MalformedFile(f"{path!r} is larger than {YAML_LIMIT >> 10} KiB of YAML")
    try:
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, yaml.SafeLoader)):
            raise MalformedFile(f"{path!r} has aliases: a few bytes of them are a document without end")
        return yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise MalformedFile(f"{path!r} is not plain YAML: {str(error)[:200]}") from error


def _refuse_loaders(document: Any) -> None:  # noqa: ANN401 - what MLmodel says
    flavors = document.get("flavors") if isinstance(document, dict) else None
    if not isinstance(flavors, dict) or not all(isinstance(f, dict) for f in flavors.values()):
        raise MalformedFile("MLmodel names no flavors")
    if foreign := sorted(map(str, set(flavors) - _FLAVORS)):
        raise CodeRefused(f"MLmodel has flavors that may hold code: {', '.join(foreign)}")
    loader = flavors.get("python_function", {}).get("loader_module", "mlflow.onnx")
    if loader != "mlflow.onnx":
        raise CodeRefused(f"MLmodel's loader_module {loader!r} would be imported by whoever loads the model")
    for name, flavor in flavors.items():
        if named := [key for key in _IMPORTS if flavor.get(key)]:
            raise CodeRefused(f"MLmodel's flavor {name} names {', '.join(named)}")


def _refuse_environment(path: str, document: Any) -> None:  # noqa: ANN401 - what conda.yaml says
    """Refuse an environment that would fetch code from anywhere but by name from a package index."""
    if not isinstance(document, dict):
        raise MalformedFile(f"{path!r} describes no environment")
    wanted = [*_texts(document.get("dependencies")), *_texts(document.get("build_dependencies"))]
    strange = [text for text in wanted if not _NAMED.fullmatch(text)]
    strange += [text for text in _texts(document.get("channels")) if text not in _CHANNELS]
    if strange:
        raise CodeRefused(f"{path!r} asks for {strange[0][:80]!r}; only names with versions are taken")


def _texts(value: Any) -> list[str]:  # noqa: ANN401 - any YAML value
    """Return every text in a YAML value, however deep."""
    if isinstance(value, dict):
        return [text for one in value.values() for text in _texts(one)]
    if isinstance(value, list):
        return [text for one in value for text in _texts(one)]
    return [] if value is None else [str(value)]


def _refuse_requirements(text: str) -> None:
    for line in text.splitlines():
        wanted = line.split("#", 1)[0].strip()
        if wanted and not _PIN.fullmatch(wanted):
            raise CodeRefused(f"requirements.txt asks for {wanted[:80]!r}; only `name==version` is taken")


def parse_onnx(path: str, data: bytes) -> Mapping[str, Any]:
    """Parse one graph in a worker and return its inputs and outputs; raises MalformedFile or Unavailable."""
    command = [sys.executable, "-I", "-m", "assay.custody.onnx_worker"]
    try:
        done = subprocess.run(command, input=data, capture_output=True, timeout=120, check=False, env={})
        found = json.loads(done.stdout) if done.returncode == 0 else None
    except (subprocess.TimeoutExpired, OSError, ValueError) as error:
        raise Unavailable(
            f"the worker that parses {path!r} did not answer: {type(error).__name__}"
        ) from error
    if not isinstance(found, dict):
        raise MalformedFile(f"{path!r} brought its parser down (exit {done.returncode})")
    return admitted(path, found)


def admitted(path: str, found: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what the worker found in a graph, or raise its refusal."""
    if "refused" in found:
        raise MalformedFile(f"{path!r} is refused: {found['refused']}")
    return found
