"""A package: the files of one model, named by their content.

`PackageFiles` maps a relative POSIX path to the very bytes. A package's digest is SHA-256 of the canonical
JSON list of its files, sorted by path: it binds names, sizes and contents. What may be in one is judged by
`inspect` in `assay.custody.content`.
"""

from __future__ import annotations

import io
import os
import re
import stat
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final, TypeAlias, TypedDict

from assay.contracts import canonical, sha256_hex
from assay.custody.errors import LinkRefused, MalformedFile, PackageTooLarge, UnsafePath

PackageFiles: TypeAlias = Mapping[str, bytes]

MODEL_FILE: Final = "model.onnx"
CARD_FILE: Final = "card.json"
MLMODEL_FILE: Final = "MLmodel"
MAX_FILES: Final = 64
MAX_BYTES: Final = 512 << 20
_PATH = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}(?:/[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}){0,3}")


class FileEntry(TypedDict):
    """One line of a manifest: path, SHA-256 in hex, size in bytes."""

    path: str
    sha256: str
    size: int


def manifest(files: PackageFiles) -> list[FileEntry]:
    """Return a package's files, sorted by path."""
    return [{"path": p, "sha256": sha256_hex(files[p]), "size": len(files[p])} for p in sorted(files)]


def package_digest(files: PackageFiles) -> str:
    """Return the digest that names these files everywhere: 64 hex digits."""
    return manifest_digest(manifest(files))


def manifest_digest(entries: list[FileEntry]) -> str:
    """Return the package digest of a manifest whose files are elsewhere."""
    return sha256_hex(canonical(entries))


def check_path(path: str) -> str:
    """Return a package path: relative, plain characters, no dot files, four levels; else UnsafePath."""
    if not _PATH.fullmatch(path) or ".." in path:
        raise UnsafePath(f"{path[:120]!r} is no plain relative path")
    return path


def check_shape(files: PackageFiles) -> PackageFiles:
    """Return the files when their paths and sizes are those of a package.

    Raises:
        UnsafePath: a path is unsafe, or two differ only in case, or one is the folder of another.
        PackageTooLarge: more than 64 files or 512 MiB.
    """
    _check_amount(len(files), sum(len(data) for data in files.values()))
    taken: set[str] = set()
    for path in files:
        folded = check_path(path).casefold()
        if folded in taken:
            raise UnsafePath(f"{path!r} is there twice, differing in case at most")
        taken.add(folded)
    for path in taken:
        parents = {path.rsplit("/", n)[0] for n in range(1, path.count("/") + 1)}
        if parents & taken:
            raise UnsafePath(f"{path!r} lies below a file")
    return files


def read_folder(folder: Path) -> dict[str, bytes]:
    """Read a folder as a package, following no link.

    Raises:
        LinkRefused: something in it is no plain file or folder.
        UnsafePath, PackageTooLarge: as `check_shape`.
    """
    files: dict[str, bytes] = {}
    total = 0
    for root, folders, names in os.walk(folder, followlinks=False):
        for name in folders + names:
            path = Path(root, name)
            relative = path.relative_to(folder).as_posix()
            if name in folders:
                _refuse_link(path, relative)
                continue
            total += path.lstat().st_size
            _check_amount(len(files) + 1, total)
            files[check_path(relative)] = _read_plain(path, relative)
    return dict(check_shape(files))


def _refuse_link(path: Path, relative: str) -> None:
    if path.is_symlink():
        raise LinkRefused(f"{relative!r} is a link")


def _read_plain(path: Path, relative: str) -> bytes:
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        raise LinkRefused(f"{relative!r} is no plain file: {error.strerror}") from error
    with os.fdopen(handle, "rb") as file:
        found = os.fstat(file.fileno())
        if not stat.S_ISREG(found.st_mode) or found.st_nlink > 1:
            raise LinkRefused(f"{relative!r} is no plain file of its own")
        return file.read()


def write_folder(files: PackageFiles, folder: Path) -> None:
    """Write a package into an empty folder of our own; for tools that only read folders."""
    for path, data in check_shape(files).items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("xb") as file:
            file.write(data)


def to_tar(files: PackageFiles) -> bytes:
    """Return a package as an uncompressed tar; equal packages give equal bytes."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for path in sorted(check_shape(files)):
            entry = tarfile.TarInfo(path)
            entry.size, entry.mode = len(files[path]), 0o644
            tar.addfile(entry, io.BytesIO(files[path]))
    return buffer.getvalue()


def from_tar(data: bytes) -> dict[str, bytes]:
    """Read a package from an uncompressed tar, in memory.

    Raises:
        LinkRefused: an entry is no plain file.
        MalformedFile: the bytes are no such tar.
        UnsafePath, PackageTooLarge: as `check_shape`.
    """
    files: dict[str, bytes] = {}
    try:
        with tarfile.open(fileobj=io.BytesIO(data), mode="r:") as tar:
            for entry in tar:
                _check_amount(len(files) + 1, len(data))
                path, content = _entry(tar, entry)
                if path in files:
                    raise UnsafePath(f"{path!r} is there twice")
                files[path] = content
    except (
        tarfile.TarError,
        ValueError,
        OverflowError,
        RecursionError,
    ) as error:  # its headers are anybody's
        raise MalformedFile(f"the package is not a tar: {error}") from error
    return dict(check_shape(files))


def _entry(tar: tarfile.TarFile, entry: tarfile.TarInfo) -> tuple[str, bytes]:
    if not entry.isreg() or entry.issparse():
        raise LinkRefused(f"{entry.name[:120]!r} is no plain file")
    content = tar.extractfile(entry)
    if content is None:
        raise LinkRefused(f"{entry.name[:120]!r} is no plain file")
    return check_path(entry.name), content.read()


def _check_amount(count: int, size: int) -> None:
    if count > MAX_FILES:
        raise PackageTooLarge(f"a package holds at most {MAX_FILES} files")
    if size > MAX_BYTES:
        raise PackageTooLarge(f"a package holds at most {MAX_BYTES >> 20} MiB")
