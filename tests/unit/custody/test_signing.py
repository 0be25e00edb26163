from __future__ import annotations

import base64
import json
import subprocess
import sys
from pathlib import Path

import pytest

from assay.custody import sign_package, verify_package
from assay.custody.package import write_folder
from assay.errors import SignatureInvalid
from tests.unit.custody.memory import MemoryVault

FILES = {"model.onnx": b"weights", "MLmodel": b"x: 1\n", "data/a.json": b"{}"}


@pytest.fixture
def vault() -> MemoryVault:
    return MemoryVault()


@pytest.fixture
def signature(vault: MemoryVault) -> bytes:
    return sign_package(vault, FILES)


def test_what_was_signed_verifies(vault: MemoryVault, signature: bytes) -> None:
    verify_package(FILES, signature, vault.public_key("model-signing"))


@pytest.mark.parametrize("path", sorted(FILES))
def test_one_flipped_bit_is_refused(vault: MemoryVault, signature: bytes, path: str) -> None:
    flipped = bytes([FILES[path][0] ^ 1]) + FILES[path][1:]
    with pytest.raises(SignatureInvalid, match="other bytes"):
        verify_package({**FILES, path: flipped}, signature, vault.public_key("model-signing"))


def test_a_file_more_less_or_renamed_is_refused(vault: MemoryVault, signature: bytes) -> None:
    fewer = {path: data for path, data in FILES.items() if path != "MLmodel"}
    renamed = {("other.onnx" if p == "model.onnx" else p): data for p, data in FILES.items()}
    for files in ({**FILES, "more.json": b"{}"}, fewer, renamed):
        with pytest.raises(SignatureInvalid):
            verify_package(files, signature, vault.public_key("model-signing"))


def test_another_key_is_refused(signature: bytes) -> None:
    with pytest.raises(SignatureInvalid):
        verify_package(FILES, signature, MemoryVault().public_key("model-signing"))


def _changed(signature: bytes, **members: object) -> bytes:
    bundle = json.loads(signature)
    bundle["dsseEnvelope"] |= members
    return json.dumps(bundle).encode()


def test_a_bundle_that_ignores_files_is_refused_even_when_signed(
    vault: MemoryVault, signature: bytes
) -> None:
    """The stock verifier honours `ignore_paths` in the signed statement; we sign none and accept none."""
    envelope = json.loads(signature)["dsseEnvelope"]
    statement = json.loads(base64.b64decode(envelope["payload"]))
    statement["predicate"]["serialization"]["ignore_paths"] = ["evil.json"]
    payload = json.dumps(statement).encode()
    pae = b"DSSEv1 28 application/vnd.in-toto+json %d %b" % (len(payload), payload)
    signed = base64.b64encode(vault.sign("model-signing", pae)).decode()
    changed = _changed(
        signature, payload=base64.b64encode(payload).decode(), signatures=[{"sig": signed, "keyid": ""}]
    )
    with pytest.raises(SignatureInvalid, match="hashes otherwise"):
        verify_package(FILES, changed, vault.public_key("model-signing"))


@pytest.mark.parametrize("bundle", [b"", b"{}", b"[]", b"null", b'{"verificationMaterial": {}}', b"x" * 100])
def test_what_is_no_bundle_is_refused(vault: MemoryVault, bundle: bytes) -> None:
    with pytest.raises(SignatureInvalid):
        verify_package(FILES, bundle, vault.public_key("model-signing"))


def test_no_signature_or_two_are_refused(vault: MemoryVault, signature: bytes) -> None:
    one: list[dict[str, str]] = json.loads(signature)["dsseEnvelope"]["signatures"]
    for signatures in (one[:0], one * 2):
        with pytest.raises(SignatureInvalid):
            verify_package(
                FILES, _changed(signature, signatures=signatures), vault.public_key("model-signing")
            )


def test_the_stock_command_verifies_and_notices_a_flipped_bit(
    vault: MemoryVault, signature: bytes, tmp_path: Path
) -> None:
    folder = tmp_path / "package"
    folder.mkdir()
    write_folder(FILES, folder)
    (tmp_path / "signature").write_bytes(signature)
    (tmp_path / "key.pem").write_text(vault.public_key("model-signing"))
    command = [sys.executable, "-m", "model_signing", "verify", "key", str(folder)]
    command += ["--signature", str(tmp_path / "signature"), "--public_key", str(tmp_path / "key.pem")]
    good = subprocess.run(command, capture_output=True, text=True, check=False)
    assert good.returncode == 0, good.stderr
    assert "succeeded" in good.stdout
    (folder / "model.onnx").write_bytes(b"weightz")
    assert subprocess.run(command, capture_output=True, check=False).returncode != 0
