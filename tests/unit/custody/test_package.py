from __future__ import annotations

import io
import os
import tarfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.contracts import canonical, sha256_hex
from assay.custody import from_tar, manifest, package_digest, read_folder, to_tar
from assay.custody.errors import LinkRefused, MalformedFile, PackageTooLarge, UnsafePath
from assay.custody.package import MAX_FILES, check_shape, write_folder

paths = st.from_regex(r"[a-z0-9]{1,8}(/[a-z0-9]{1,8})?\.(json|onnx)", fullmatch=True)
packages = st.dictionaries(paths, st.binary(max_size=64), min_size=1, max_size=6)


def test_the_digest_is_that_of_the_canonical_manifest() -> None:
    files = {"b.json": b"2", "a.json": b"1"}
    expected = [
        {"path": "a.json", "sha256": sha256_hex(b"1"), "size": 1},
        {"path": "b.json", "sha256": sha256_hex(b"2"), "size": 1},
    ]
    assert manifest(files) == expected
    assert package_digest(files) == sha256_hex(canonical(expected))


@given(packages, st.data())
def test_any_change_of_a_byte_or_name_changes_the_digest(
    files: dict[str, bytes], data: st.DataObject
) -> None:
    path = data.draw(st.sampled_from(sorted(files)))
    changed = dict(files)
    changed[path] += b"x"
    renamed = {("z" + p if p == path else p): content for p, content in files.items()}
    assert len({package_digest(files), package_digest(changed), package_digest(renamed)}) == 3


@given(packages)
def test_a_tar_gives_the_same_package_back(files: dict[str, bytes]) -> None:
    assert package_digest(from_tar(to_tar(files))) == package_digest(files)


@pytest.mark.parametrize(
    "path",
    [
        "../model.onnx",
        "/etc/passwd",
        "a/../b",
        ".hidden",
        "a//b",
        "a\\b",
        "C:x",
        "a/./b",
        "a\nb",
        "a b",
        "a/",
        "",
    ],
)
def test_paths_that_leave_the_package_are_refused(path: str) -> None:
    with pytest.raises(UnsafePath):
        check_shape({path: b""})


def test_two_names_for_one_file_are_refused() -> None:
    with pytest.raises(UnsafePath):
        check_shape({"Model.onnx": b"", "model.onnx": b""})
    with pytest.raises(UnsafePath):
        check_shape({"data": b"", "data/x": b""})


def test_too_many_files_are_refused() -> None:
    with pytest.raises(PackageTooLarge):
        check_shape({f"{n}.json": b"" for n in range(MAX_FILES + 1)})


def _tar(*entries: tarfile.TarInfo) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for entry in entries:
            tar.addfile(entry)
    return buffer.getvalue()


@pytest.mark.parametrize(
    "kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE, tarfile.DIRTYPE]
)
def test_a_tar_entry_that_is_no_plain_file_is_refused(kind: bytes) -> None:
    entry = tarfile.TarInfo("model.onnx")
    entry.type, entry.linkname = kind, "/etc/passwd"
    with pytest.raises(LinkRefused):
        from_tar(_tar(entry))


def test_a_tar_that_climbs_out_is_refused() -> None:
    with pytest.raises(UnsafePath):
        from_tar(_tar(tarfile.TarInfo("../../x")))


def test_a_file_twice_in_a_tar_is_refused() -> None:
    with pytest.raises(UnsafePath):
        from_tar(_tar(tarfile.TarInfo("x.json"), tarfile.TarInfo("x.json")))


@pytest.mark.parametrize("data", [b"nonsense" * 100, b"\x1f\x8b" + b"0" * 600])
def test_what_is_no_tar_is_refused(data: bytes) -> None:
    with pytest.raises(MalformedFile):
        from_tar(data)


def test_a_folder_is_read_as_it_was_written(tmp_path: Path) -> None:
    files = {"model.onnx": b"1", "data/x.json": b"{}"}
    write_folder(files, tmp_path)
    assert read_folder(tmp_path) == files


def test_links_in_a_folder_are_refused(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"s")
    (tmp_path / "package").mkdir()
    for link in (Path.symlink_to, Path.hardlink_to):
        link(tmp_path / "package" / "model.onnx", tmp_path / "secret")
        with pytest.raises(LinkRefused):
            read_folder(tmp_path / "package")
        (tmp_path / "package" / "model.onnx").unlink()
    (tmp_path / "package" / "folder").symlink_to(tmp_path)
    with pytest.raises(LinkRefused):
        read_folder(tmp_path / "package")


def test_a_pipe_in_a_folder_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "model.onnx")
    with pytest.raises(LinkRefused):
        read_folder(tmp_path)
