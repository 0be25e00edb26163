from __future__ import annotations

import io
import json
import pickle
import zipfile

import pytest

from assay.custody import Content, inspect, model_card
from assay.custody.content import admitted, parse_onnx
from assay.custody.errors import (
    CodeRefused,
    MalformedFile,
    NoModelCard,
    PackageRefused,
    PickleRefused,
    UnknownFile,
)
from assay.custody.onnx_worker import judge
from tests.unit.custody.graphs import graph, package


def look(files: dict[str, bytes]) -> Content:
    """Inspect with the worker's judgement made in this process; the worker has tests of its own."""
    return inspect(files, parse=lambda path, data: admitted(path, judge(data)))


PICKLE = pickle.dumps({"weights": [1, 2, 3]})


def _zip() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("data.pkl", PICKLE)
    return buffer.getvalue()


def test_a_package_of_data_is_taken_and_its_ports_are_told() -> None:
    content = look(package(conda_yaml=b"name: x\n", README_md=b"# words"))
    assert content.card.model == "credit-default"
    assert [port["name"] for port in content.inputs] == ["x"]
    assert content.outputs[0]["shape"] == [-1, 1]


@pytest.mark.parametrize(
    "name", ["model.pkl", "model.joblib", "weights.pt", "weights.bin", "x.npy", "model.h5", "MODEL.PKL"]
)
def test_kinds_that_hold_pickles_are_refused_by_name(name: str) -> None:
    with pytest.raises(PickleRefused):
        look({**package(), name: b""})


@pytest.mark.parametrize("name", ["model.onnx", "input_example.json", "MLmodel", "weights.onnx", "README.md"])
@pytest.mark.parametrize("data", [PICKLE, _zip()], ids=["pickle", "zip"])
def test_a_pickle_in_disguise_is_refused(name: str, data: bytes) -> None:
    with pytest.raises(PickleRefused):
        look({**package(), name: data})


@pytest.mark.parametrize("protocol", range(6))
def test_no_protocol_of_pickle_passes_as_a_graph(protocol: int) -> None:
    with pytest.raises(PackageRefused):
        look({**package(), "model.onnx": pickle.dumps([1, "x"], protocol=protocol)})


@pytest.mark.parametrize(
    "name", ["code.py", "x.pyc", "lib.so", "notebook.ipynb", "run.sh", "code/train.py", "x.whl"]
)
def test_code_is_refused(name: str) -> None:
    with pytest.raises(CodeRefused):
        look({**package(), name: b""})


@pytest.mark.parametrize("data", [b"#!/bin/sh\nid", b"\x7fELF\x02", b"MZ\x90"])
def test_a_program_under_a_data_name_is_refused(data: bytes) -> None:
    with pytest.raises(PackageRefused):
        look({**package(), "README.md": data})


@pytest.mark.parametrize("name", ["data.csv", "model.txt", "folder/model.onnx", "Dockerfile"])
def test_files_no_package_needs_are_refused(name: str) -> None:
    with pytest.raises(UnknownFile):
        look({**package(), name: b""})


@pytest.mark.parametrize(
    "mlmodel",
    [
        "flavors: {python_function: {loader_module: evil.module}}",
        "flavors: {python_function: {loader_module: mlflow.onnx, code: code}}",
        "flavors: {python_function: {python_model: {uri: x}}}",
        "flavors: {sklearn: {}}",
        "flavors: {onnx: {model_code_path: x.py}}",
        "flavors: {onnx: {code_paths: [x]}}",
    ],
)
def test_an_mlmodel_that_makes_its_loader_import_something_is_refused(mlmodel: str) -> None:
    with pytest.raises(CodeRefused):
        look({**package(), "MLmodel": mlmodel.encode()})


@pytest.mark.parametrize("text", ["!!python/object/apply:os.system [id]", "[", "flavors: 3", "x: 1", "\xff"])
def test_an_mlmodel_that_is_no_plain_yaml_is_refused(text: str) -> None:
    with pytest.raises(MalformedFile):
        look({**package(), "MLmodel": text.encode("latin-1")})


@pytest.mark.parametrize(
    "line", ["git+https://x/y", "-r other.txt", "./local", "--index-url http://x", "numpy>=1"]
)
def test_requirements_that_fetch_code_from_anywhere_are_refused(line: str) -> None:
    with pytest.raises(CodeRefused):
        look({**package(), "requirements.txt": line.encode()})


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("conda.yaml", "dependencies: [{pip: ['git+https://x/y']}]"),
        ("conda.yaml", "dependencies: [python=3.11, {pip: ['x @ file:///x']}]"),
        ("conda.yaml", "channels: ['https://x/y']"),
        ("python_env.yaml", "build_dependencies: ['./local']"),
        ("python_env.yaml", "dependencies: ['-r other.txt']"),
        ("python_env.yaml", "dependencies: ['--index-url=x']"),
    ],
)
def test_an_environment_that_fetches_code_from_anywhere_is_refused(name: str, text: str) -> None:
    with pytest.raises(CodeRefused):
        look({**package(), name: text.encode()})


def test_the_environments_mlflow_writes_are_taken() -> None:
    conda = (
        b"channels: [conda-forge]\ndependencies: [python=3.11.7, pip<=25.3, {pip: [numpy==2.4.6]}]\nname: e\n"
    )
    env = b"python: 3.11.7\nbuild_dependencies: [pip==25.3, setuptools, wheel]\ndependencies: [-r requirements.txt]\n"
    assert look({**package(), "conda.yaml": conda, "python_env.yaml": env})


def test_a_graph_that_is_none_is_refused() -> None:
    with pytest.raises(MalformedFile):
        look({**package(), "model.onnx": b"\x08\x07 not a graph"})


def test_operators_that_are_the_loaders_code_are_refused() -> None:
    with pytest.raises(MalformedFile, match=r"ai\.evil"):
        look({**package(), "model.onnx": graph(domain="ai.evil")})


def test_weights_kept_outside_the_graph_are_refused() -> None:
    with pytest.raises(MalformedFile):
        look({**package(), "model.onnx": graph(external=True)})


def test_every_graph_is_parsed_not_only_the_model() -> None:
    with pytest.raises(MalformedFile):
        look({**package(), "other.onnx": b"nonsense"})


def test_safetensors_are_what_their_header_says() -> None:
    header = json.dumps({"w": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}).encode()
    data = len(header).to_bytes(8, "little") + header + bytes(4)
    assert look({**package(), "w.safetensors": data})
    for broken in (data + PICKLE, data[:-1], PICKLE, b"", b"\xff" * 64):
        with pytest.raises(MalformedFile):
            look({**package(), "w.safetensors": broken})


def test_a_package_without_a_card_is_refused() -> None:
    files = package()
    del files["card.json"]
    with pytest.raises(NoModelCard):
        look(files)


@pytest.mark.parametrize("left_out", ["intended_use", "limitations", "datasets"])
def test_a_card_that_leaves_out_what_approvers_need_is_refused(left_out: str) -> None:
    said = {"intended_use": ["x"], "limitations": ["y"], "datasets": ["0" * 64], left_out: []}
    card = model_card(
        "credit-default",
        intended_use=said["intended_use"],
        limitations=said["limitations"],
        datasets=said["datasets"],
    )
    with pytest.raises(NoModelCard, match=left_out):
        look({**package(), "card.json": card})


@pytest.mark.parametrize("card", [b"{}", b"[]", b'{"bomFormat": "SPDX"}', b'{"a": 1, "a": 2}'])
def test_a_card_that_is_no_cyclonedx_is_refused(card: bytes) -> None:
    with pytest.raises(PackageRefused):
        look({**package(), "card.json": card})


def test_a_package_without_a_model_is_refused() -> None:
    files = package()
    del files["model.onnx"]
    with pytest.raises(MalformedFile):
        look(files)


def test_a_graph_is_parsed_in_a_process_of_its_own() -> None:
    assert inspect(package()).inputs[0]["name"] == "x"
    with pytest.raises(MalformedFile, match="refused"):
        parse_onnx("model.onnx", b"\x08\x07 not a graph")
