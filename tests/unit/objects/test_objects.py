from __future__ import annotations

from pathlib import Path

import pytest

from assay.contracts import sha256_hex
from assay.errors import BadRequest, Conflict, NotFound, SignatureInvalid
from assay.objects import Objects


@pytest.fixture(params=["folder", "memory"])
def objects(request: pytest.FixtureRequest, tmp_path: Path) -> Objects:
    return Objects("memory:///" if request.param == "memory" else f"file://{tmp_path}/a%20folder")


def test_same_bytes_again_are_fine_and_other_bytes_are_a_conflict(objects: Objects) -> None:
    objects.put("contracts/demo/one.json", b"{}")
    objects.put("contracts/demo/one.json", b"{}")
    with pytest.raises(Conflict, match="other bytes"):
        objects.put("contracts/demo/one.json", b"[]")
    assert objects.get("contracts/demo/one.json") == b"{}"


def test_what_is_not_there_is_not_found_and_may_be_removed_again(objects: Objects) -> None:
    with pytest.raises(NotFound):
        objects.get("nothing/here")
    assert objects.find("nothing/here") is None
    objects.delete("nothing/here")


def test_keys_lists_one_folder_and_not_its_neighbour(objects: Objects) -> None:
    for key in ("a/1", "a/b/2", "ab/3"):
        objects.put(key, b"x")
    assert sorted(objects.keys("a")) == ["a/1", "a/b/2"]
    assert list(objects.keys("none")) == []


def test_addressed_bytes_come_back_under_their_sha256(objects: Objects) -> None:
    digest = objects.put_addressed(b"rows")
    assert digest == sha256_hex(b"rows")
    assert objects.get_addressed(digest) == b"rows"
    objects.delete_addressed(digest)
    with pytest.raises(NotFound):
        objects.get_addressed(digest)


def test_changed_bytes_under_a_digest_are_refused(tmp_path: Path) -> None:
    objects = Objects(f"file://{tmp_path}")
    digest = objects.put_addressed(b"rows")
    (path,) = (p for p in tmp_path.rglob(digest))
    path.write_bytes(b"rowz")
    with pytest.raises(SignatureInvalid):
        objects.get_addressed(digest)


@pytest.mark.parametrize("key", ["../up", "/abs", "a//b", "a/./b", "a/.hidden", "", "a\x00b", "a b", "ä"])
def test_a_key_never_becomes_another_path(key: str, tmp_path: Path) -> None:
    with pytest.raises(BadRequest):
        Objects(f"file://{tmp_path}").put(key, b"x")


def test_a_digest_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadRequest):
        Objects(f"file://{tmp_path}").get_addressed("../../etc/passwd")
