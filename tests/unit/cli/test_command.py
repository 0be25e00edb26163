"""The command's edge: what it refuses, in which words, and with which exit status."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import click
import pytest

from assay.cli import assay, main
from tests.unit.client.world import write_platform

Capture = pytest.CaptureFixture[str]


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    """Run the command as the shell does; returns its exit status."""
    monkeypatch.setattr("sys.argv", ["assay", *arguments])
    try:
        main()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 1
    return 0


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("ASSAY_PERSON", raising=False)
    monkeypatch.setenv("ASSAY_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def commands(group: click.Group, *names: str) -> list[tuple[str, ...]]:
    """Return each command below a group, as the words that call it."""
    found: list[tuple[str, ...]] = []
    for name, command in sorted(group.commands.items()):
        below = commands(command, *names, name) if isinstance(command, click.Group) else [(*names, name)]
        found.extend(below)
    return found


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize("words", commands(assay), ids=" ".join)
def test_every_command_says_what_it_does(
    words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    assert run(monkeypatch, *words, "--help") == 0
    usage, _, rest = capsys.readouterr().out.partition("\n\n")
    assert f"assay {' '.join(words)} " in usage
    assert len(rest.strip().splitlines()[0]) > 10


def test_the_version_is_told(monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    assert run(monkeypatch, "--version") == 0
    assert "0.1.0" in capsys.readouterr().out


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["nonesuch"], "nonesuch"),
        (["gate", "check", "credit/1"], "--to"),
        (["gate", "check", "credit/1", "--to", "staging"], "staging"),
        (["gate", "check", "--to", "prod"], "MODEL"),
        (["approve", "credit/1", "--to", "prod", "--nonesuch"], "--nonesuch"),
        (["statement", "credit/1", "--to", "prod", "--verb", "bless"], "bless"),
        (["rollout", "credit/1", "--endpoint", "prod/credit"], "--reason"),
        (["login", "--as"], "--as"),
        (["predict", "prod/credit"], "ROWS_JSON"),
        (["verify", "nonesuch.json", "--trust-root", "nonesuch.json"], "nonesuch.json"),
        (["verify", "--max-age", "soon", __file__, "--trust-root", __file__], "soon"),
        (["up", "--lease", "long"], "long"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else value,
)
def test_bad_arguments_end_with_2_and_name_what_is_wrong(
    arguments: list[str], named: str, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    assert run(monkeypatch, *arguments) == 2
    said = capsys.readouterr()
    assert named in said.err
    assert said.out == ""


@pytest.mark.parametrize(
    "model", ["credit", "credit/0", "credit/01", "credit/-1", "credit/x", "models:/Credit/1", "a/b/1", ""]
)
def test_what_is_no_version_of_a_model_is_refused_before_anything_is_asked(
    model: str, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    assert run(monkeypatch, "version", model) == 1
    assert capsys.readouterr().err.splitlines()[0] == "BadRequest (400)"


def test_rows_that_are_no_json_are_refused_before_anything_is_asked(
    monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    assert run(monkeypatch, "predict", "prod/credit", "[[1, 2]") == 1
    assert "ROWS_JSON is not JSON" in capsys.readouterr().err


def test_a_refusal_is_three_lines_on_standard_error_and_1(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    assert run(monkeypatch, "version", "models:/credit-default/1") == 1
    said = capsys.readouterr()
    assert said.out == ""
    name, detail, fix = said.err.splitlines()
    assert name == "PlatformUnknown (404)"
    assert detail == f"  no platform.json in {home}"
    assert fix.startswith("  fix: start one with `assay up`")


def test_a_home_that_is_named_is_the_one_that_is_used(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    write_platform(home)
    assert run(monkeypatch, "--home", str(tmp_path / "other"), "whoami") == 1
    assert f"no platform.json in {tmp_path / 'other'}" in capsys.readouterr().err
    assert run(monkeypatch, "whoami") == 1
    assert "nobody is logged in" in capsys.readouterr().err


def test_nobody_logs_in_as_somebody_without_a_passkey(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    write_platform(home)
    assert run(monkeypatch, "login", "--as", "eve") == 1
    assert "there is no software passkey" in capsys.readouterr().err


def test_a_receipt_that_is_none_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    for text in ("", "{}", "[]", '{"payload": {}, "payload": {}}'):
        (tmp_path / "file.json").write_text(text)
        path = str(tmp_path / "file.json")
        assert run(monkeypatch, "verify", path, "--trust-root", path) == 1
        assert "fix:" in capsys.readouterr().err


@pytest.mark.usefixtures("home")
def test_without_a_platform_the_laptops_commands_say_so(
    monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    assert run(monkeypatch, "status") == 1
    assert "fix: start it with `assay up`" in capsys.readouterr().err
    assert run(monkeypatch, "down") == 0
    assert "nothing runs in" in capsys.readouterr().out


def test_ctrl_c_ends_with_130(monkeypatch: pytest.MonkeyPatch) -> None:
    @click.command(name="interrupted")
    def interrupted() -> None:
        raise KeyboardInterrupt

    monkeypatch.setitem(assay.commands, "interrupted", interrupted)
    assert run(monkeypatch, "interrupted") == 130


def test_the_command_ends_a_shells_pipeline_like_any_other(tmp_path: Path) -> None:
    command = Path(sys.executable).with_name("assay")
    done = subprocess.run(
        [command, "--home", tmp_path, "whoami"], capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("PlatformUnknown (404)")
