from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from assay.cli.context import Context
from assay_laptop.commands import doctor
from assay_laptop.doctor import Finding, examine
from assay_laptop.home import Home, Unlock
from tests.support.ledger import House

PROXIES = ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "NO_PROXY", "no_proxy")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    for name in PROXIES:
        monkeypatch.delenv(name, raising=False)
    return Home.at(tmp_path / "home")


def found(home: Home, check: str) -> Finding:
    (finding,) = [each for each in examine(home) if each.check == check]
    return finding


def settled(home: Home) -> Home:
    """Make a home with a secret, a memory and a verified root."""
    home.remember(vault="built-in")
    home.keep_unlock(Unlock("unseal", "role", "secret"))
    home.root.write_bytes(House(home.path).root_json(("p-ada", "p-grace")))
    return home


def test_every_finding_that_fails_comes_with_a_fix(home: Home) -> None:
    home.remember(vault="built-in")
    (home.path / "unlock").touch(mode=0o644)
    failed = [each for each in examine(home) if not each.ok]
    assert {"unlock", "trust root"} <= {each.check for each in failed}
    assert [each for each in failed if not each.fix] == []


def test_no_home_is_no_failure(home: Home) -> None:
    assert found(home, "home").ok
    assert "`assay up` makes one" in found(home, "home").found
    assert not home.path.exists()


def test_a_home_that_was_lost_in_part_is_examined_all_the_same(home: Home) -> None:
    home.remember(vault="built-in")
    assert not found(home, "unlock").ok


@pytest.mark.parametrize(("mode", "ok"), [(0o600, True), (0o644, False), (0o660, False), (0o700, False)])
def test_a_secret_that_others_may_read_is_found(home: Home, mode: int, ok: bool) -> None:  # noqa: FBT001
    settled(home)
    (home.path / "unlock").chmod(mode)
    finding = found(home, "unlock")
    assert (finding.ok, finding.found) == (ok, f"mode {mode:03o}")


def test_a_root_is_shown_by_its_fingerprint(home: Home) -> None:
    finding = found(settled(home), "trust root")
    assert finding.ok
    assert "demonstration" in finding.found
    assert "fingerprint" in finding.found


@pytest.mark.parametrize("text", ["", "{}", "null", '{"payload": {}, "assertions": []}'])
def test_a_root_that_does_not_verify_is_found(home: Home, text: str) -> None:
    settled(home).root.write_text(text)
    finding = found(home, "trust root")
    assert not finding.ok
    assert "pinned copy" in finding.fix


def test_a_proxy_is_no_trouble_as_long_as_loopback_is_spared(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert found(home, "proxy").ok
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.test")
    assert not found(home, "proxy").ok
    monkeypatch.setenv("NO_PROXY", "localhost,127.0.0.1")
    assert found(home, "proxy").ok


def test_the_command_prints_each_finding_and_ends_with_1_when_one_fails(home: Home) -> None:
    settled(home)
    (home.path / "unlock").chmod(0o644)
    done = CliRunner().invoke(doctor, obj=Context(str(home.path)))
    assert done.exit_code == 1
    assert f"FAIL unlock: mode 644\n     fix: chmod 600 {home.path / 'unlock'}" in done.stdout
    assert "ok   trust root" in done.stdout
