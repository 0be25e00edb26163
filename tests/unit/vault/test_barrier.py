from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from assay_laptop.vault.server.barrier import Barrier
from assay_laptop.vault.server.calls import Refused


@pytest.fixture
def barrier(tmp_path: Path) -> Iterator[Barrier]:
    barrier = Barrier(tmp_path)
    yield barrier
    barrier.close()


@pytest.fixture
def key(barrier: Barrier) -> str:
    """The unseal key; the barrier is open."""
    key = barrier.initialise()
    barrier.unseal(key)
    return key


def entries(folder: Path) -> list[Path]:
    return sorted((folder / "entries").iterdir())


def test_entries_outlive_the_server_and_open_with_the_key_only(
    barrier: Barrier, key: str, tmp_path: Path
) -> None:
    barrier.put("transit/log", {"kind": "ed25519"})
    barrier.close()
    again = Barrier(tmp_path)
    assert again.initialized
    assert again.sealed
    assert again.get("transit/log") is None
    for wrong in ("00" * 32, "zz", ""):
        with pytest.raises(Refused):
            again.unseal(wrong)
    again.unseal(key)
    assert again.get("transit/log") == {"kind": "ed25519"}
    again.close()


def test_neither_names_nor_values_nor_keys_are_readable_on_disk(
    barrier: Barrier, key: str, tmp_path: Path
) -> None:
    barrier.put("transit/log", "plaintext-value")
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    stored = b"".join(path.name.encode() + path.read_bytes() for path in files)
    for secret in (b"transit", b"plaintext-value", key.encode(), bytes.fromhex(key)):
        assert secret not in stored
    assert all(path.stat().st_mode & 0o077 == 0 for path in entries(tmp_path))


def test_a_changed_entry_keeps_the_storage_closed(barrier: Barrier, key: str, tmp_path: Path) -> None:
    barrier.put("policy/ledger", "deny")
    barrier.seal()
    (entry,) = entries(tmp_path)
    data = bytearray(entry.read_bytes())
    data[-1] ^= 1
    entry.write_bytes(data)
    with pytest.raises(Refused, match="changed"):
        barrier.unseal(key)
    assert barrier.sealed


def test_an_entry_moved_over_another_does_not_open(barrier: Barrier, key: str, tmp_path: Path) -> None:
    barrier.put("policy/ledger", "little")
    barrier.put("policy/admin", "everything")
    barrier.seal()
    one, other = entries(tmp_path)
    one.write_bytes(other.read_bytes())
    with pytest.raises(Refused, match="changed"):
        barrier.unseal(key)


def test_a_deleted_entry_is_gone_from_memory_and_disk(barrier: Barrier, key: str, tmp_path: Path) -> None:
    barrier.put("transit/batch", "key")
    barrier.delete("transit/batch")
    barrier.delete("transit/batch")
    assert entries(tmp_path) == []
    barrier.seal()
    barrier.unseal(key)
    assert barrier.get("transit/batch") is None


def test_sealed_it_takes_nothing(barrier: Barrier, key: str) -> None:
    barrier.seal()
    with pytest.raises(Refused, match="sealed"):
        barrier.put("transit/log", "x")


def test_two_servers_never_share_a_storage(barrier: Barrier, tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="another server"):
        Barrier(tmp_path)
