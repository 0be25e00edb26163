"""Ciphertexts of batches: no key twice, none under another's name, and nothing read that was changed."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pyarrow as pa
import pytest

from assay import encrypted, sealed
from assay.contracts import canonical, strict_json
from assay.errors import ServiceError, SignatureInvalid
from assay.objects import Objects
from assay.sealed import SealedTables
from assay.vault.client import VaultClient
from tests.support.data import RunningVault, running_vault

KEY, OTHER = "batch-demo-statements-2005-04", "batch-rival-statements-2005-04"
TABLE = pa.table({"id": list(range(50)), "name": [f"person {n}" for n in range(50)]})
KEYS, SEALS = 1 << 16, 64


@pytest.fixture(scope="module")
def vault(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningVault]:
    with running_vault(tmp_path_factory.mktemp("vault")) as running:
        yield running


@pytest.fixture(scope="module")
def login(vault: RunningVault) -> Iterator[VaultClient]:
    with ExitStack() as undo:
        admin = vault.admin.vault()
        for key in (KEY, OTHER):
            admin.create_key(key, "aes256-gcm96")
        yield admin
        undo.close()


@pytest.fixture
def shelf(login: VaultClient, tmp_path: Path) -> SealedTables:
    return SealedTables(Objects(f"file://{tmp_path}/objects"), login)


def swap(folder: Path, one: str, two: str) -> None:
    """Give one ciphertext the other's sidecar."""
    sidecars = {path.stem: path for path in folder.rglob("*.json")}
    shutil.copy(sidecars[two], sidecars[one])


@pytest.mark.threat("T-IAM-06")
def test_no_data_key_is_drawn_twice(
    login: VaultClient, monkeypatch: pytest.MonkeyPatch, attempts: Callable[[int], None]
) -> None:
    monkeypatch.setattr(VaultClient, "encrypt", lambda *_, **__: "wrapped")
    assert len({login.data_key(KEY)[0] for _ in range(KEYS)}) == KEYS
    attempts(KEYS)


@pytest.mark.threat("T-IAM-06")
def test_the_same_rows_are_never_the_same_bytes_nor_begin_alike(shelf: SealedTables) -> None:
    made = [shelf.ciphertext(shelf.seal(TABLE, KEY, "batch")) for _ in range(SEALS)]
    assert len(set(made)) == SEALS
    assert len({data[8:40] for data in made}) == SEALS


@pytest.mark.threat("T-IAM-06")
@pytest.mark.parametrize("as_", [(KEY, "quarantine"), (OTHER, "batch"), (KEY, ""), (KEY, "batch ")])
def test_a_wrapped_key_opens_under_its_own_key_and_purpose_alone(
    shelf: SealedTables, as_: tuple[str, str]
) -> None:
    digest = shelf.seal(TABLE, KEY, "batch")
    assert shelf.open(digest, KEY, "batch").num_rows == 50
    with pytest.raises(ServiceError):
        shelf.open(digest, *as_)


@pytest.mark.threat("T-IAM-06")
@pytest.mark.parametrize("relabelled", [False, True], ids=["as it is", "relabelled"])
def test_a_sidecar_moved_to_another_batch_opens_nothing(
    shelf: SealedTables, tmp_path: Path, *, relabelled: bool
) -> None:
    mine, theirs = shelf.seal(TABLE, KEY, "batch"), shelf.seal(TABLE, OTHER, "batch")
    swap(tmp_path / "objects", mine, theirs)
    if relabelled:
        path = next(path for path in tmp_path.rglob("*.json") if path.stem == mine)
        path.write_bytes(canonical({**strict_json(path.read_bytes()), "key": KEY}))
    with pytest.raises(ServiceError):
        shelf.open(mine, KEY, "batch")


@pytest.mark.threat("T-IAM-06")
def test_a_destroyed_key_and_a_new_one_of_its_name_open_nothing(
    shelf: SealedTables, login: VaultClient
) -> None:
    login.create_key("batch-demo-gone", "aes256-gcm96")
    digest = shelf.seal(TABLE, "batch-demo-gone", "batch")
    login.delete_key("batch-demo-gone")
    login.create_key("batch-demo-gone", "aes256-gcm96")
    with pytest.raises(ServiceError):
        shelf.open(digest, "batch-demo-gone", "batch")


@pytest.mark.threat("T-IAM-06")
def test_no_changed_cut_or_lengthened_file_gives_other_rows(attempts: Callable[[int], None]) -> None:
    key = bytes(range(32))
    whole = encrypted.write(TABLE, key)
    chance = random.Random(7)  # noqa: S311 - the same in every run
    bent = [whole[:-n] for n in (1, 8, 16, 100)] + [
        whole + b"\0",
        b"PAR1" + whole[4:],
        whole[:-4] + b"PAR1",
        b"",
    ]
    for place in chance.sample(range(len(whole)), 400):
        changed = bytearray(whole)
        changed[place] ^= 1 << chance.randrange(8)
        bent.append(bytes(changed))
    for data in bent:
        with suppress(SignatureInvalid):
            assert encrypted.read(data, key) == TABLE  # a byte that means nothing: the digest has it
    attempts(len(bent))


@pytest.mark.threat("T-IAM-06")
@pytest.mark.parametrize(
    "key", [bytes(32), b"", bytes(16), bytes(31), bytes(33)], ids=lambda key: f"{len(key)} bytes"
)
def test_another_key_reads_nothing(key: bytes) -> None:
    with pytest.raises(SignatureInvalid):
        encrypted.read(encrypted.write(TABLE, bytes(range(32))), key)


@pytest.mark.control("T-IAM-06")
def test_control_without_its_context_a_wrapped_key_opens_as_anything(
    shelf: SealedTables, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sealed, "_context", lambda *_: b"")
    digest = shelf.seal(TABLE, KEY, "quarantine")
    path = next(path for path in tmp_path.rglob("*.json") if path.stem == digest)
    path.write_bytes(canonical({**strict_json(path.read_bytes()), "purpose": "batch"}))
    assert shelf.open(digest, KEY, "batch").num_rows == 50


@pytest.mark.control("T-IAM-06")
def test_control_a_reader_that_allows_plaintext_reads_what_nobody_sealed() -> None:
    import pyarrow.parquet as pq

    sink = pa.BufferOutputStream()
    pq.write_table(TABLE, sink)
    with pytest.raises(SignatureInvalid):
        encrypted.read(bytes(sink.getvalue()), bytes(32))
    assert pq.read_table(pa.BufferReader(sink.getvalue())).num_rows == 50
