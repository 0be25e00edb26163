"""A checkpoint counts with the root's quorum of different witnesses, and no line counts for more than it says."""

from __future__ import annotations

import base64
from dataclasses import replace
from hashlib import sha256

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from assay.errors import SignatureInvalid
from assay.ledger.checkpoint import Checkpoint, open_note, sign_note
from assay.ledger.cosignature import Authority, Witness, cosign, cosigners, open_checkpoint
from assay.ledger.errors import NotWitnessed

ORIGIN = "assay.demo/ledger"
SAID = Checkpoint(ORIGIN, 7, b"r" * 32, b"v" * 32, b"h" * 32, 1_700_000_000_000)
SECONDS = 1_700_000_001


def pem(key: Ed25519PrivateKey) -> str:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


LOG = Ed25519PrivateKey.generate()
KEYS = [Ed25519PrivateKey.generate() for _ in range(3)]
WITNESSES = tuple(Witness(f"witness-{n}", pem(key)) for n, key in enumerate(KEYS))
STRANGER = Ed25519PrivateKey.generate()


class Named:
    """A root that names three witnesses and demands some of them."""

    def __init__(self, quorum: int) -> None:
        self._authority = Authority(ORIGIN, pem(LOG), WITNESSES, quorum)

    def authority_at(self, size: int) -> Authority:  # noqa: ARG002 - one for the whole log
        """See `Authorities`."""
        return self._authority


def noted(said: Checkpoint = SAID) -> Checkpoint:
    return open_note(sign_note(said, pem(LOG), LOG.sign), ORIGIN, pem(LOG))


def line(n: int, said: Checkpoint = SAID, *, key: Ed25519PrivateKey | None = None) -> str:
    return cosign(said, WITNESSES[n], (key or KEYS[n]).sign, SECONDS)


def opened(quorum: int, *lines: str) -> Checkpoint:
    return open_checkpoint(noted().note + "".join(lines), Named(quorum))


def test_a_cosignature_has_the_published_form() -> None:
    dash, name, encoded = line(0).rstrip("\n").split(" ")
    raw = base64.b64decode(encoded)
    public = KEYS[0].public_key().public_bytes_raw()
    assert (dash, name, len(raw)) == ("—", "witness-0", 4 + 8 + 64)
    assert raw[:4] == sha256(b"witness-0\n\x04" + public).digest()[:4]
    assert int.from_bytes(raw[4:12], "big") == SECONDS
    message = f"cosignature/v1\ntime {SECONDS}\n{SAID.text()}".encode()
    KEYS[0].public_key().verify(raw[12:], message)


@pytest.mark.parametrize("quorum", [0, 1, 2, 3])
def test_as_many_different_witnesses_as_the_root_demands_make_a_checkpoint_count(quorum: int) -> None:
    lines = [line(n) for n in range(3)]
    assert opened(quorum, *lines[:quorum]).same_log(SAID)
    assert opened(quorum, *reversed(lines)).same_log(SAID)
    if quorum:
        with pytest.raises(NotWitnessed):
            opened(quorum, *lines[: quorum - 1])


def test_one_witness_twice_counts_once() -> None:
    again = cosign(SAID, WITNESSES[0], KEYS[0].sign, SECONDS + 1)
    with pytest.raises(NotWitnessed):
        opened(2, line(0), line(0))
    with pytest.raises(NotWitnessed):
        opened(2, line(0), again)


def test_a_cosignature_of_another_checkpoint_does_not_count() -> None:
    for other in (replace(SAID, size=8), replace(SAID, heads=b"x" * 32), replace(SAID, time_ms=1)):
        with pytest.raises(SignatureInvalid, match="does not verify"):
            opened(1, line(0, other))


def test_the_time_of_a_cosignature_is_part_of_what_is_signed() -> None:
    dash, name, encoded = line(0).rstrip("\n").split(" ")
    raw = base64.b64decode(encoded)
    moved = raw[:4] + (SECONDS + 60).to_bytes(8, "big") + raw[12:]
    with pytest.raises(SignatureInvalid, match="does not verify"):
        opened(1, f"{dash} {name} {base64.b64encode(moved).decode()}\n")


def test_another_key_under_a_witnesss_name_is_unknown() -> None:
    forged = cosign(SAID, Witness("witness-0", pem(STRANGER)), STRANGER.sign, SECONDS)
    with pytest.raises(NotWitnessed):
        opened(1, forged)
    with pytest.raises(SignatureInvalid, match="does not verify"):
        opened(1, line(0, key=STRANGER))  # with the true key's hash before it


def test_a_witness_we_do_not_know_neither_counts_nor_harms() -> None:
    unknown = cosign(SAID, Witness("witness-9", pem(STRANGER)), STRANGER.sign, SECONDS)
    assert opened(1, unknown, line(1)).size == 7
    with pytest.raises(NotWitnessed):
        opened(1, unknown)


def test_the_logs_own_signature_is_no_cosignature() -> None:
    log_as_witness = Authority(ORIGIN, pem(LOG), (Witness(ORIGIN, pem(LOG)),), 1)
    assert cosigners(noted(), log_as_witness.witnesses) == ()


@pytest.mark.parametrize(
    "spoiled",
    [
        "— witness-0 AAAA\n",
        "— witness-0 !!!!\n",
        "— witness-0\n",
        "- witness-0 AAAAAAAA\n",
        "\n",
        "— witness-0 AAAAAAAA",
        "x" * (17 << 10),
    ],
)
def test_a_malformed_line_is_refused(spoiled: str) -> None:
    with pytest.raises(SignatureInvalid):
        opened(1, line(0), spoiled)


def test_a_short_cosignature_under_a_true_key_hash_is_refused() -> None:
    raw = base64.b64decode(line(0).rstrip("\n").split(" ")[2])
    for cut in (raw[:12], raw[:75], raw + b"\0", raw[:4] + bytes(8) + raw[12:]):
        with pytest.raises(SignatureInvalid):
            opened(1, f"— witness-0 {base64.b64encode(cut).decode()}\n")


@pytest.mark.parametrize("note", ["", "x", "a\n\n", "a\n-1\n", "a\n" + "9" * 5000 + "\n", "a\n٣\n"])
def test_what_is_no_note_is_refused(note: str) -> None:
    with pytest.raises(SignatureInvalid):
        open_checkpoint(note, Named(1))


def test_without_the_logs_signature_cosignatures_are_nothing() -> None:
    alone = SAID.text() + "\n" + "".join(line(n) for n in range(3))
    with pytest.raises(SignatureInvalid, match="log key"):
        open_checkpoint(alone, Named(1))
