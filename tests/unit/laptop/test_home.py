from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from assay_laptop.home import Home, HomeMissing, Unlock, write_atomically

SECRET = Unlock("unseal", "role", "secret")


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    made = Home.at(tmp_path / "home")
    yield made
    if made.run.is_symlink():
        made.run.unlink()
    elif made.run.exists():
        for path in sorted(made.run.rglob("*"), reverse=True):
            path.unlink()
        made.run.rmdir()


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_a_home_is_named_or_the_variables_or_the_persons(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("ASSAY_HOME", raising=False)
    assert Home.at(None).path == tmp_path / ".assay"
    monkeypatch.setenv("ASSAY_HOME", str(tmp_path / "variable"))
    assert Home.at(None).path == tmp_path / "variable"
    assert Home.at(tmp_path / "named").path == tmp_path / "named"
    assert list(tmp_path.iterdir()) == []


def test_a_home_that_is_not_there_says_how_to_make_one(home: Home) -> None:
    for read in (home.describe, home.unlock):
        with pytest.raises(HomeMissing) as refused:
            read()
        assert "assay init" in refused.value.fix


def test_a_home_remembers_what_it_was_made_with(home: Home) -> None:
    home.remember(vault="built-in", ports={"ledger": 1})
    assert Home.at(home.path).describe() == {"vault": "built-in", "ports": {"ledger": 1}}


def test_the_homes_secret_is_read_by_its_owner_alone(home: Home) -> None:
    before = os.umask(0)
    try:
        home.keep_unlock(SECRET)
    finally:
        os.umask(before)
    assert mode(home.path / "unlock") == 0o600
    assert home.unlock() == SECRET


def test_a_leftover_of_another_mode_does_not_open_the_secret(home: Home) -> None:
    home.path.mkdir()
    for name in ("unlock", "unlock.partial"):
        (home.path / name).write_text("left over")
        (home.path / name).chmod(0o666)
    home.keep_unlock(SECRET)
    assert mode(home.path / "unlock") == 0o600
    assert home.unlock() == SECRET


def test_a_secret_is_not_written_through_a_link(home: Home, tmp_path: Path) -> None:
    home.path.mkdir()
    (tmp_path / "elsewhere").write_text("")
    (home.path / "unlock.partial").symlink_to(tmp_path / "elsewhere")
    home.keep_unlock(SECRET)
    assert (tmp_path / "elsewhere").read_text() == ""
    assert home.unlock() == SECRET


def test_the_secret_is_in_no_name_and_no_public_file(home: Home) -> None:
    home.keep_unlock(SECRET)
    home.remember(vault="built-in")
    others = [path for path in home.path.rglob("*") if path.name != "unlock"]
    assert [path for path in others if path.is_file() and "unseal" in path.read_text()] == []


def test_a_reader_sees_the_old_file_or_the_new_one_and_nothing_between(tmp_path: Path) -> None:
    path, texts = tmp_path / "file", [bytes([letter]) * 200_000 for letter in b"ab"]
    write_atomically(path, texts[0])
    stop, seen = threading.Event(), set[bytes]()

    def read() -> None:
        while not stop.is_set():
            seen.add(path.read_bytes())

    reader = threading.Thread(target=read)
    reader.start()
    for turn in range(50):
        write_atomically(path, texts[turn % 2])
    stop.set()
    reader.join()
    assert seen <= set(texts)
    assert list(tmp_path.iterdir()) == [path]


def test_a_write_that_fails_leaves_the_file_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    write_atomically(path, b"old")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_atomically(path, b"new")
    assert path.read_bytes() == b"old"


def test_each_home_has_a_run_folder_of_its_own(home: Home, tmp_path: Path) -> None:
    assert home.run == Home.at(home.path).run
    assert home.run != Home.at(tmp_path / "other").run


def test_the_run_folder_is_made_anew_for_its_owner_alone(home: Home) -> None:
    run = home.make_run()
    (run / "key.pem").write_text("of a crash")
    assert home.make_run() == run
    assert list(run.iterdir()) == []
    assert mode(run) == 0o700


def test_a_run_folder_that_leads_elsewhere_is_not_used(home: Home, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    home.run.parent.mkdir(parents=True, exist_ok=True)
    home.run.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(FileExistsError):
        home.make_run()


def test_parts_and_people_have_folders_of_their_own(home: Home) -> None:
    folders = [home.data("ledger"), home.data("registry"), home.person("ada"), home.logs, home.telemetry]
    assert len(set(folders)) == len(folders)
    assert all(folder.is_relative_to(home.path) for folder in folders)
