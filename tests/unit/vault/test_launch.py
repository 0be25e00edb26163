from __future__ import annotations

import os
from pathlib import Path

import pytest

from assay.errors import Unavailable
from assay_laptop.vault.launch import BUILT_IN, VaultProgram, find_vault, start


def program(folder: Path, name: str, says: str = "Vault v9.9.9 (abc), built today") -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(f'#!/bin/sh\necho "{says}"\n')
    path.chmod(0o755)
    return path


def test_assay_bin_comes_before_the_path_and_vault_before_bao(tmp_path: Path) -> None:
    bao, vault = program(tmp_path / "a", "bao"), program(tmp_path / "b", "vault")
    both = {"ASSAY_BIN": str(tmp_path / "a"), "PATH": str(tmp_path / "b")}
    assert find_vault(both) == VaultProgram("bao", bao)
    assert find_vault({"PATH": f"{tmp_path / 'a'}:{tmp_path / 'b'}"}) == VaultProgram("vault", vault)


def test_without_a_real_one_it_is_the_built_in_one(tmp_path: Path) -> None:
    assert find_vault({"PATH": str(tmp_path)}) == VaultProgram(BUILT_IN)
    assert find_vault({}) == VaultProgram(BUILT_IN)
    (tmp_path / "vault").write_text("not executable")
    assert find_vault({"PATH": str(tmp_path)}) == VaultProgram(BUILT_IN)


def test_a_program_says_its_version(tmp_path: Path) -> None:
    assert VaultProgram("vault", program(tmp_path, "vault")).version() == "Vault v9.9.9"
    assert VaultProgram(BUILT_IN).version() == "built-in development server"
    with pytest.raises(Unavailable):
        VaultProgram("vault", tmp_path / "gone").version()


@pytest.mark.parametrize("kind", ["vault", "built-in"])
def test_each_start_makes_a_new_listener_key_that_only_its_owner_reads(tmp_path: Path, kind: str) -> None:
    found = VaultProgram("vault", program(tmp_path, "vault")) if kind == "vault" else VaultProgram(BUILT_IN)
    run = tmp_path / "run"
    how = start(found, tmp_path / "storage", run, 1234)
    before = how.ca_path.read_bytes()
    assert how.url == "https://127.0.0.1:1234"
    assert run.stat().st_mode & 0o777 == 0o700
    assert all(path.stat().st_mode & 0o077 == 0 for path in run.glob("*.key"))
    assert start(found, tmp_path / "storage", run, 1234).ca_path.read_bytes() != before
    assert not any("BEGIN" in each or "KEY-" in each for each in how.argv)


def test_a_real_one_is_sealed_on_raft_speaks_tls_1_3_and_is_never_a_dev_server(tmp_path: Path) -> None:
    found = VaultProgram("vault", program(tmp_path, "vault"))
    how = start(found, tmp_path / "storage", tmp_path / 'r"u${n}', 1234)
    assert how.argv[1] == "server"
    assert not any("-dev" in each for each in how.argv)
    (configuration,) = (tmp_path / 'r"u${n}').glob("*.hcl")
    text = configuration.read_text()
    assert 'storage "raft"' in text
    assert 'tls_min_version = "tls13"' in text
    assert "tls_disable" not in text
    assert 'r\\"u$${n}/vault-listener.key"' in text


def test_it_sees_no_token_proxy_or_address_of_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("VAULT_TOKEN", "VAULT_ADDR", "HTTPS_PROXY", "ASSAY_VAULT_URL"):
        monkeypatch.setenv(name, "x")
    how = start(VaultProgram(BUILT_IN), tmp_path / "storage", tmp_path / "run", 1234)
    assert set(how.environment) <= {"PATH", "HOME", "LANG", "TMPDIR", "PYTHONUNBUFFERED"}
    assert how.environment["PATH"] == os.environ["PATH"]
