"""A laptop's witness: made with the home, beside it; examined by `assay doctor`; begun anew only when told."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from assay.cli.context import Context
from assay.ledger import Root
from assay_laptop.commands import witness as command
from assay_laptop.doctor import Finding, examine
from assay_laptop.genesis.founding import found
from assay_laptop.home import Home


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Home:
    home = Home.at(tmp_path_factory.mktemp("laptop") / "home")
    found(home, say=lambda _line: None)
    return home


@pytest.fixture
def home(made: Home, tmp_path: Path) -> Home:
    copy = Home.at(tmp_path / "home")
    shutil.copytree(made.path, copy.path)
    shutil.copytree(made.witness, copy.witness)
    return copy


def finding(home: Home) -> Finding:
    (one,) = [each for each in examine(home) if each.check == "witness"]
    return one


def test_a_home_is_made_with_a_witness_that_it_does_not_hold(made: Home) -> None:
    authority = Root.load(made.root).authority
    assert (authority.quorum, [one.name for one in authority.witnesses]) == (1, ["assay.demo/witness"])
    assert made.path not in made.witness.parents
    assert made.witness.stat().st_mode & 0o777 == 0o700
    key = (made.witness / "key.pem").read_bytes()
    assert all(key not in path.read_bytes() for path in made.path.rglob("*") if path.is_file())
    assert finding(made).ok


def test_what_is_wrong_with_its_folder_is_found_and_comes_with_a_fix(home: Home) -> None:
    (home.witness / "state.json").chmod(0o644)
    assert "others may read" in finding(home).found
    (home.witness / "state.json").unlink()
    assert "assay witness begin" in finding(home).fix
    shutil.rmtree(home.witness)
    assert not finding(home).ok


def test_another_key_than_the_roots_is_found(home: Home, made: Home) -> None:
    other = Home.at(home.path.with_name("other"))
    found(other, say=lambda _line: None)
    shutil.copy(other.witness / "key.pem", home.witness / "key.pem")
    assert "names no witness" in finding(home).found


def test_it_begins_anew_only_when_somebody_says_yes(home: Home) -> None:
    state = home.witness / "state.json"
    state.unlink()
    run, context = CliRunner(), Context(home=str(home.path))
    assert run.invoke(command, ["begin"], obj=context, input="n\n").exit_code == 1
    assert not state.exists()
    done = run.invoke(command, ["begin", "--yes"], obj=context)
    assert done.exit_code == 0
    assert json.loads(state.read_text()) == {"cosigned": None}
    assert finding(home).ok
