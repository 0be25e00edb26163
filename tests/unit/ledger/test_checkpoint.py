"""Checkpoints are C2SP signed notes, read in one spelling only."""

from __future__ import annotations

import base64
from hashlib import sha256

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from assay.errors import SignatureInvalid
from assay.ledger.checkpoint import Checkpoint, open_note, sign_note
from tests.support.ledger import Keys

ORIGIN = "assay.demo/ledger"
SAID = Checkpoint(ORIGIN, 7, b"r" * 32, b"v" * 32, b"h" * 32, 1_700_000_000_000)


@pytest.fixture
def keys() -> Keys:
    return Keys()


@pytest.fixture
def note(keys: Keys) -> str:
    return sign_note(SAID, keys.public_key("log"), lambda data: keys.sign("log", data))


def test_a_note_has_the_published_form(keys: Keys, note: str) -> None:
    lines = note.split("\n")
    assert lines[:3] == [ORIGIN, "7", base64.b64encode(b"r" * 32).decode()]
    assert lines[6] == ""
    dash, name, signature = lines[7].split(" ")
    raw = load_pem_public_key(keys.public_key("log").encode())
    public = raw.public_bytes_raw()  # type: ignore[union-attr]
    assert (dash, name) == ("\u2014", ORIGIN)
    assert base64.b64decode(signature)[:4] == sha256(ORIGIN.encode() + b"\n\x01" + public).digest()[:4]
    assert len(base64.b64decode(signature)) == 4 + 64


def test_a_note_says_what_was_signed(keys: Keys, note: str) -> None:
    found = open_note(note, ORIGIN, keys.public_key("log"))
    assert (found.size, found.root, found.revocations, found.heads, found.time_ms) == (
        7,
        b"r" * 32,
        b"v" * 32,
        b"h" * 32,
        1_700_000_000_000,
    )
    assert found.same_log(SAID)


def test_further_signatures_are_not_looked_at(keys: Keys, note: str) -> None:
    assert open_note(f"{note}\u2014 witness.example AAAA\n", ORIGIN, keys.public_key("log")).size == 7


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("\n7\n", "\n8\n"),
        ("\n7\n", "\n07\n"),
        ("time 17", "time 18"),
        ("time 17", "time  17"),
        ("revocations ", "heads "),
        (ORIGIN, "assay.demo/other"),
        ("\n\n", "\n"),
        ("\n\n", "\nextra\n\n"),
        ("\u2014", "-"),
    ],
)
def test_a_changed_note_is_refused(keys: Keys, note: str, old: str, new: str) -> None:
    with pytest.raises(SignatureInvalid):
        open_note(note.replace(old, new), ORIGIN, keys.public_key("log"))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n\n",
        f"{ORIGIN}\n-1\nAAAA\nrevocations AAAA\nheads AAAA\ntime 1\n",
        SAID.text().replace("7", "+7"),
        SAID.text().replace("time 1", "time 01"),
        SAID.text() + "more\n",
    ],
)
def test_even_the_log_key_cannot_make_another_spelling_count(keys: Keys, text: str) -> None:
    honest = sign_note(SAID, keys.public_key("log"), lambda _: keys.sign("log", text.encode()))
    with pytest.raises(SignatureInvalid):
        open_note(honest.replace(SAID.text(), text), ORIGIN, keys.public_key("log"))


def test_another_key_signs_no_checkpoint_of_ours(note: str) -> None:
    with pytest.raises(SignatureInvalid):
        open_note(note, ORIGIN, Keys().public_key("log"))


def test_a_log_key_of_another_kind_is_refused(keys: Keys, note: str) -> None:
    with pytest.raises(SignatureInvalid):
        open_note(note, ORIGIN, keys.public_key("fact-run"))
