"""A policy bundle is believed when the key that root.json names signed exactly these files, and never otherwise."""

from __future__ import annotations

import gzip
import io
import json
import subprocess
import tarfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from assay.contracts import sha256_hex
from assay.errors import ServiceError
from assay.policy.bundle import (
    MANIFEST,
    SIGNATURES,
    WASM,
    PolicyBundle,
    PolicyBundleRefused,
    PolicySignatureInvalid,
    packed,
)
from assay_laptop.opa.find import find_opa, folder
from tests.support.policy import Author, checked_in, with_manifest

AUTHOR, STRANGER = Author(), Author()
Files = dict[str, bytes]


def opened(archive: bytes) -> Files:
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        return {m.name.lstrip("/"): held.read() for m in tar if (held := tar.extractfile(m)) is not None}


def closed(files: Mapping[str, bytes]) -> bytes:
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as tar:
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
    return gzip.compress(raw.getvalue())


def verified(archive: bytes) -> PolicyBundle:
    return PolicyBundle.verified(archive, AUTHOR.public_pem)


def test_a_signed_bundle_names_its_revision_and_digest_and_is_the_same_each_time() -> None:
    archive = AUTHOR.archive()
    bundle = verified(archive)
    assert bundle.revision == sha256_hex(checked_in()[WASM])
    assert bundle.digest == sha256_hex(archive)
    assert AUTHOR.archive() == archive
    assert dict(bundle.files) == checked_in()


def test_a_bundle_signed_by_the_wrong_key_is_refused() -> None:
    with pytest.raises(PolicySignatureInvalid, match="not signed by the key"):
        verified(STRANGER.archive())


def test_a_bundle_nobody_signed_is_refused() -> None:
    files = opened(AUTHOR.archive())
    del files[SIGNATURES]
    with pytest.raises(PolicySignatureInvalid, match="nobody signed it"):
        verified(closed(files))


@pytest.mark.parametrize(
    "tamper",
    [
        lambda files: files | {"rights.rego": files["rights.rego"] + b"\n"},
        lambda files: files | {WASM: files[WASM] + b"\0"},
        lambda files: files | {"more.rego": b"package assay.more\n"},
        lambda files: {name: data for name, data in files.items() if name != "gates.rego"},
        lambda files: with_manifest(files, revision="0" * 64),
        lambda files: with_manifest(files, roots=["assay", "system"]),
    ],
    ids=["rule", "wasm", "added", "removed", "revision", "roots"],
)
def test_a_bundle_changed_after_it_was_signed_is_refused(tamper: Callable[[Files], Files]) -> None:
    verified(closed(opened(AUTHOR.archive())))
    with pytest.raises(PolicySignatureInvalid, match="is of other files"):
        verified(closed(tamper(opened(AUTHOR.archive()))))


@pytest.mark.parametrize(
    "signatures",
    [
        b"",
        b"[]",
        b"{}",
        b'{"signatures": []}',
        b'{"signatures": ["a.b"]}',
        b'{"signatures": ["a.b.c", "a.b.c"]}',
    ],
)
def test_signatures_that_say_nothing_are_refused(signatures: bytes) -> None:
    with pytest.raises(ServiceError):
        verified(closed(opened(AUTHOR.archive()) | {SIGNATURES: signatures}))


def test_another_algorithm_is_refused_whatever_it_says() -> None:
    files = opened(AUTHOR.archive())
    header, payload, signature = json.loads(files[SIGNATURES])["signatures"][0].split(".")
    for said in ("eyJhbGciOiJub25lIn0", "eyJhbGciOiJIUzI1NiJ9"):
        token = f"{said}.{payload}.{signature if said != header else ''}"
        with pytest.raises(PolicySignatureInvalid, match="ES256 and nothing else"):
            verified(closed(files | {SIGNATURES: json.dumps({"signatures": [token]}).encode()}))


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (lambda files: with_manifest(files, roots=None), "roots"),
        (lambda files: with_manifest(files, roots=[""]), "roots"),
        (lambda files: with_manifest(files, roots=["assay", "system"]), "roots"),
        (lambda files: with_manifest(files, revision="r1"), "revision"),
        (lambda files: files | {"data.json": b'{"assay": {"rights": {}}}'}, "data is written as Rego"),
        (lambda files: files | {"authz_test.rego": b"package x"}, "data is written as Rego"),
        (lambda files: {n: d for n, d in files.items() if n in {MANIFEST, WASM}}, "no rules"),
        (lambda files: {n: d for n, d in files.items() if n != WASM}, "policy.wasm"),
    ],
)
def test_what_could_erase_opas_own_rules_or_differ_between_engines_is_not_even_signed(
    made: Callable[[Files], Files], words: str
) -> None:
    with pytest.raises(PolicyBundleRefused, match=words):
        packed(made(checked_in()), AUTHOR.private_pem)


@pytest.mark.parametrize(
    "archive",
    [b"", b"x", gzip.compress(b"x" * 2000, mtime=0), AUTHOR.archive() + b"x"],
    ids=["empty", "no archive", "no tar in it", "more after it"],
)
def test_what_is_no_archive_is_refused(archive: bytes) -> None:
    with pytest.raises(PolicyBundleRefused):
        verified(archive)


def test_an_archive_that_unpacks_without_end_is_refused() -> None:
    with pytest.raises(PolicyBundleRefused, match="too large within"):
        verified(gzip.compress(b"\0" * (40 << 20)))


def test_links_and_folders_are_refused() -> None:
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as tar:
        link = tarfile.TarInfo("policy.wasm")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
    with pytest.raises(PolicyBundleRefused, match="no plain file"):
        verified(gzip.compress(raw.getvalue()))
    with pytest.raises(PolicyBundleRefused, match="no plain file"):
        verified(closed({f"../{name}": data for name, data in checked_in().items()}))


def test_only_verification_makes_a_bundle() -> None:
    bundle = verified(AUTHOR.archive())
    with pytest.raises(TypeError):
        PolicyBundle(bundle.archive, bundle.digest, bundle.revision, bundle.files, object())


def test_a_key_that_cannot_sign_es256_is_refused() -> None:
    with pytest.raises(PolicySignatureInvalid):
        packed(checked_in(), b"no key")


def test_opa_signs_what_we_verify_and_verifies_what_we_sign(tmp_path: Path) -> None:
    opa = find_opa()
    if opa is None:
        pytest.skip("no `opa` on the PATH or in ASSAY_BIN")
    for name, data in checked_in().items():
        (tmp_path / name).write_bytes(data)
    (tmp_path / "key.pem").write_bytes(AUTHOR.private_pem)
    (tmp_path / "public.pem").write_text(AUTHOR.public_pem)
    (tmp_path / "ours.tar.gz").write_bytes(AUTHOR.archive())
    asked = [str(opa), "build", "-b", "ours.tar.gz", "--verification-key", "public.pem", "-o", "out.tar.gz"]
    asked += ["--signing-alg", "ES256", "--verification-key-id", "policy"]
    done = subprocess.run(asked, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (tmp_path / "public.pem").write_text(STRANGER.public_pem)
    done = subprocess.run(asked, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "verif" in done.stdout + done.stderr, "OPA looks at the signature"
    signed = [str(opa), "sign", "--signing-key", "../key.pem", "--signing-alg", "ES256", "--bundle", "."]
    (tmp_path / "src").mkdir()
    for name in checked_in():
        (tmp_path / name).rename(tmp_path / "src" / name)
    subprocess.run([*signed, "-o", ".."], cwd=tmp_path / "src", check=True, capture_output=True)
    theirs = {path.name: path.read_bytes() for path in (tmp_path / "src").iterdir()}
    theirs[SIGNATURES] = (tmp_path / SIGNATURES).read_bytes()
    assert verified(closed(theirs)).revision == sha256_hex((folder() / WASM).read_bytes())
