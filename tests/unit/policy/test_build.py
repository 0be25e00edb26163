"""policy.wasm is of the rules beside it, and who says otherwise is told."""

from __future__ import annotations

import json
import shutil
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from assay.errors import Unavailable
from assay_laptop.opa.build import StalePolicy, bundle, check, digest_of, main, sources
from assay_laptop.opa.certificates import Certificates
from assay_laptop.opa.feed import Feed
from assay_laptop.opa.find import find_opa, folder
from assay_laptop.opa.launch import Files, command, describe
from tests.contract.policy.world import Authority
from tests.support.policy import Author

AUTHOR = Author()


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    (tmp_path / "authority").mkdir()
    return Authority(tmp_path / "authority")


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


def test_no_stale_policy_is_signed(policy: Path) -> None:
    bundle(policy, AUTHOR.private_pem)
    (policy / "rights.rego").write_text("package assay.rights\n")
    with pytest.raises(StalePolicy):
        bundle(policy, AUTHOR.private_pem)


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
    assert describe(None).startswith("built-in development OPA")


def test_the_real_server_is_started_closed(tmp_path: Path, authority: Authority) -> None:
    own = authority.issue("/svc/core/opa")
    files = Files(own.certificate_path, own.key_path, own.ca_path)
    feed = Feed(tmp_path, Certificates(files.certificate, files.key, files.ca))
    terms: dict[str, Any] = {"port": 8181, "trust_domain": "assay.demo", "run_dir": tmp_path}
    with closing(feed):
        for opa in (None, Path("/bin/opa")):
            with pytest.raises(Unavailable, match="no policy for OPA"):
                command(opa, files, feed, policy_key_pem=AUTHOR.public_pem, **terms)
        feed.offer(AUTHOR.signed())
        argv = command(Path("/bin/opa"), files, feed, policy_key_pem=AUTHOR.public_pem, **terms)
    said = " ".join(argv)
    for wanted in (
        "--addr 127.0.0.1:8181",
        "--min-tls-version 1.3",
        "--authentication tls",
        "--authorization basic",
        f"--tls-ca-cert-file {files.ca}",
        "--log-level error",
        "--skip-version-check",
    ):
        assert wanted in said
    config = json.loads((tmp_path / "opa.json").read_text())
    assert config["bundles"]["assay"]["signing"] == {"keyid": "policy"}
    assert config["keys"]["policy"] == {"algorithm": "ES256", "key": AUTHOR.public_pem}
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
