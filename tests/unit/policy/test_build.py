"""policy.wasm is of the rules beside it, and who says otherwise is told."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from assay_laptop.opa.build import StalePolicy, check, digest_of, main, sources
from assay_laptop.opa.find import find_opa, folder
from assay_laptop.opa.launch import Files, command, describe

FILES = Files(Path("opa.crt"), Path("opa.key"), Path("ca.pem"))


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    return Path(shutil.copytree(folder(), tmp_path / "opa"))


def test_what_is_checked_in_is_of_its_sources(policy: Path) -> None:
    assert check(policy).sources == digest_of(sources(policy))


def test_a_changed_rule_makes_it_stale(policy: Path) -> None:
    with (policy / "gates.rego").open("a") as rules:
        rules.write("\n# softer\n")
    with pytest.raises(StalePolicy, match="changed since"):
        check(policy)


def test_another_rule_makes_it_stale_and_another_test_does_not(policy: Path) -> None:
    (policy / "more_test.rego").write_text("package assay.more_test\n")
    check(policy)
    (policy / "more.rego").write_text("package assay.more\n")
    with pytest.raises(StalePolicy):
        check(policy)


@pytest.mark.parametrize("code", [None, b"", b"\0asm\1\0\0\0"])
def test_another_wasm_than_was_made_is_refused(policy: Path, code: bytes | None) -> None:
    (policy / "policy.wasm").unlink()
    if code is not None:
        (policy / "policy.wasm").write_bytes(code)
    with pytest.raises(StalePolicy, match=r"policy\.wasm is not the file"):
        check(policy)


@pytest.mark.parametrize("manifest", ["", "[]", "{}", '{"revision": "x", "metadata": {"opa": "1"}}'])
def test_a_manifest_that_says_nothing_is_refused(policy: Path, manifest: str) -> None:
    (policy / ".manifest").write_text(manifest)
    with pytest.raises(StalePolicy, match="does not say"):
        check(policy)


def test_neither_server_is_started_on_a_stale_policy(policy: Path, tmp_path: Path) -> None:
    (policy / "rights.rego").write_text("package assay.rights\n")
    for opa in (None, Path("/usr/bin/opa")):
        with pytest.raises(StalePolicy):
            command(opa, FILES, port=1, trust_domain="assay.demo", run_dir=tmp_path, policy=policy)


def test_without_opa_the_policy_is_checked_and_cannot_be_made(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", "/nonesuch")
    monkeypatch.delenv("ASSAY_BIN", raising=False)
    assert main(["--check"]) == 0
    assert "not made again: no opa" in capsys.readouterr().out
    assert main([]) == 1
    assert "put `opa` on the PATH" in capsys.readouterr().err


def test_people_are_told_which_server_it_is() -> None:
    assert describe(None).startswith("built-in development OPA, policy ")


def test_the_real_server_is_started_closed(tmp_path: Path) -> None:
    argv = command(Path("/bin/opa"), FILES, port=8181, trust_domain="assay.demo", run_dir=tmp_path)
    said = " ".join(argv)
    for wanted in (
        "--addr 127.0.0.1:8181",
        "--min-tls-version 1.3",
        "--authentication tls",
        "--authorization basic",
        "--tls-ca-cert-file ca.pem",
        "--log-level error",
        "--skip-version-check",
    ):
        assert wanted in said
    assert '"assay.demo"' in (tmp_path / "admission" / "data.json").read_text()


def test_opa_is_taken_from_the_folder_that_is_named_before_the_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("named", "path"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "opa").write_text("#!/bin/sh\n")
        (tmp_path / name / "opa").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    monkeypatch.delenv("ASSAY_BIN", raising=False)
    assert find_opa() == tmp_path / "path" / "opa"
    monkeypatch.setenv("ASSAY_BIN", str(tmp_path / "named"))
    assert find_opa() == tmp_path / "named" / "opa"
    monkeypatch.delenv("ASSAY_BIN")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_opa() is None
