from __future__ import annotations

from pathlib import Path

import pytest
from cryptography.exceptions import InvalidTag

from services.training.adapters.spool import SealedSpool


def test_the_newest_checkpoint_comes_back_and_an_older_one_does_not_replace_it(tmp_path: Path) -> None:
    spool = SealedSpool(tmp_path / "spool")
    assert spool.newest("run-1") is None
    spool.keep("run-1", 2, b"two")
    spool.keep("run-1", 1, b"one")
    assert spool.newest("run-1") == b"two"
    assert spool.newest("run-2") is None


def test_a_checkpoint_cannot_be_read_or_changed_on_disk(tmp_path: Path) -> None:
    spool = SealedSpool(tmp_path / "spool")
    spool.keep("run-1", 0, b"weights " * 100)
    (file,) = (tmp_path / "spool").iterdir()
    sealed = file.read_bytes()
    assert b"weights" not in sealed
    file.write_bytes(sealed[:-1] + bytes([sealed[-1] ^ 1]))
    with pytest.raises(InvalidTag):
        spool.newest("run-1")


def test_nothing_is_left_once_a_run_is_over_or_the_process_is_new(tmp_path: Path) -> None:
    spool = SealedSpool(tmp_path / "spool")
    spool.keep("run-1", 0, b"x")
    spool.forget("run-1")
    assert spool.newest("run-1") is None
    spool.keep("run-2", 0, b"x")
    again = SealedSpool(tmp_path / "spool")
    assert again.newest("run-2") is None
    assert list((tmp_path / "spool").iterdir()) == []
