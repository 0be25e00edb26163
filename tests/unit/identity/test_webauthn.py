from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cbor2
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from assay.contracts import Assertion, CredentialBound
from assay.errors import NotFound, SignatureInvalid
from assay.identity import base64url
from assay.identity.authenticator import NOTICE, SoftwareAuthenticator
from assay.identity.webauthn import SOFTWARE, challenge_of, verify_assertion

RP, ORIGIN = "localhost", "https://localhost:8443"
SAID = {"type": "test/v1", "number": 7, "text": "yes"}


class Passkey(SoftwareAuthenticator):
    """An authenticator whose every part can be bent, to show that the verifier notices."""

    def say(
        self,
        statement: dict[str, Any],
        *,
        flags: int = 0x05,
        rp_id: str = RP,
        client: Callable[[dict[str, Any]], None] = lambda _: None,
        raw_client: bytes | None = None,
    ) -> Assertion:
        """Say a statement, bent as told."""
        told = {
            "type": "webauthn.get",
            "challenge": base64url.encode(challenge_of(statement)),
            "origin": ORIGIN,
            "crossOrigin": False,
            SOFTWARE: True,
        }
        client(told)
        client_data = raw_client or json.dumps(told).encode()
        data = hashlib.sha256(rp_id.encode()).digest() + bytes([flags]) + bytes(4)
        signature = self._key.sign(data + hashlib.sha256(client_data).digest(), ec.ECDSA(hashes.SHA256()))
        return Assertion(
            statement=statement,
            person=self.person,
            credential_id=self.credential.credential_id,
            authenticator_data=base64url.encode(data),
            client_data=base64url.encode(client_data),
            signature=base64url.encode(signature),
        )


@pytest.fixture
def passkey(tmp_path: Path) -> Passkey:
    return Passkey.create("p-ada", RP, ORIGIN, tmp_path / "ada.passkey")


def bound(passkey: SoftwareAuthenticator, *, software: bool = True, **changed: str) -> CredentialBound:
    said = {"credential_id": passkey.credential.credential_id, "public_key": passkey.credential.public_key}
    return CredentialBound(person="p-ada", software=software, assertions=(), **{**said, **changed})


def verify(assertion: Assertion, credential: CredentialBound, *, demonstration: bool = True) -> None:
    verify_assertion(
        assertion, credential, rp_id=RP, origins=("https://other", ORIGIN), demonstration=demonstration
    )


def test_what_a_software_passkey_says_verifies_in_a_demonstration(passkey: Passkey) -> None:
    verify(passkey.assert_(SAID), bound(passkey))
    verify(passkey.say(SAID), bound(passkey))


def test_a_software_passkey_counts_nowhere_else(passkey: Passkey) -> None:
    with pytest.raises(SignatureInvalid, match="demonstration"):
        verify(passkey.assert_(SAID), bound(passkey), demonstration=False)


def test_a_software_passkey_bound_as_a_real_one_gives_itself_away(passkey: Passkey) -> None:
    for demonstration in (True, False):
        with pytest.raises(SignatureInvalid, match="mark"):
            verify(passkey.assert_(SAID), bound(passkey, software=False), demonstration=demonstration)


def test_an_unmarked_assertion_verifies_as_a_real_passkeys(passkey: Passkey) -> None:
    said = passkey.say(SAID, client=lambda told: told.pop(SOFTWARE))
    verify(said, bound(passkey, software=False), demonstration=False)


@pytest.mark.parametrize("change", [{"number": 8}, {"more": 1}, {"text": "yes "}])
def test_another_statement_is_refused(passkey: Passkey, change: dict[str, Any]) -> None:
    said = passkey.assert_(SAID)
    with pytest.raises(SignatureInvalid):
        verify(said.model_copy(update={"statement": {**SAID, **change}}), bound(passkey))


@pytest.mark.parametrize(
    "origin",
    [
        "https://localhost",
        "https://localhost:8444",
        "http://localhost:8443",
        "https://localhost:8443/",
        "https://localhost:8443.evil.test",
        "",
    ],
)
def test_another_origin_is_refused(passkey: Passkey, origin: str) -> None:
    with pytest.raises(SignatureInvalid):
        verify(passkey.say(SAID, client=lambda told: told.update(origin=origin)), bound(passkey))


def test_another_relying_party_is_refused(passkey: Passkey) -> None:
    with pytest.raises(SignatureInvalid):
        verify(passkey.say(SAID, rp_id="evil.test"), bound(passkey))


@pytest.mark.parametrize("flags", [0x00, 0x01, 0x04])
def test_a_user_who_was_not_present_and_verified_is_refused(passkey: Passkey, flags: int) -> None:
    with pytest.raises(SignatureInvalid):
        verify(passkey.say(SAID, flags=flags), bound(passkey))


def test_backup_state_without_eligibility_is_refused(passkey: Passkey) -> None:
    with pytest.raises(SignatureInvalid):
        verify(passkey.say(SAID, flags=0x05 | 0x10), bound(passkey))


@pytest.mark.parametrize(
    "client",
    [
        {"type": "webauthn.create"},
        {"crossOrigin": True},
        {"crossOrigin": "false"},
        {"topOrigin": "https://evil.test"},
        {"challenge": base64url.encode(b"x" * 32)},
        {SOFTWARE: 1},
    ],
)
def test_client_data_of_another_ceremony_is_refused(passkey: Passkey, client: dict[str, Any]) -> None:
    with pytest.raises(SignatureInvalid):
        verify(passkey.say(SAID, client=lambda told: told.update(client)), bound(passkey))


def test_client_data_that_says_a_member_twice_is_refused(passkey: Passkey) -> None:
    challenge = base64url.encode(challenge_of(SAID))
    raw = (
        f'{{"type":"webauthn.get","challenge":"{challenge}","origin":"https://evil.test",'
        f'"origin":"{ORIGIN}","crossOrigin":false,"{SOFTWARE}":true}}'
    )
    with pytest.raises(SignatureInvalid):
        verify(passkey.say(SAID, raw_client=raw.encode()), bound(passkey))


@pytest.mark.parametrize("raw", [b"[]", b"nonsense", b"\xff"])
def test_client_data_that_is_no_object_is_refused(passkey: Passkey, raw: bytes) -> None:
    with pytest.raises(SignatureInvalid):
        verify(passkey.say(SAID, raw_client=raw), bound(passkey))


def test_another_persons_or_another_credentials_assertion_is_refused(
    passkey: Passkey, tmp_path: Path
) -> None:
    other = Passkey.create("p-grace", RP, ORIGIN, tmp_path / "grace.passkey")
    for said in (
        other.assert_(SAID),
        other.assert_(SAID).model_copy(update={"person": "p-ada"}),
        other.assert_(SAID).model_copy(
            update={"person": "p-ada", "credential_id": passkey.credential.credential_id}
        ),
    ):
        with pytest.raises(SignatureInvalid):
            verify(said, bound(passkey))


@pytest.mark.parametrize("member", ["authenticator_data", "client_data", "signature"])
def test_one_changed_bit_is_refused(passkey: Passkey, member: str) -> None:
    said = passkey.assert_(SAID)
    raw = bytearray(base64url.decode(getattr(said, member), member))
    raw[len(raw) // 2] ^= 1
    with pytest.raises(SignatureInvalid):
        verify(said.model_copy(update={member: base64url.encode(bytes(raw))}), bound(passkey))


@pytest.mark.parametrize("member", ["authenticator_data", "client_data", "signature"])
@pytest.mark.parametrize("text", ["", "====", "not base64!", "AA=="])
def test_parts_that_are_not_base64url_are_refused(passkey: Passkey, member: str, text: str) -> None:
    with pytest.raises(SignatureInvalid):
        verify(passkey.assert_(SAID).model_copy(update={member: text}), bound(passkey))


@pytest.mark.parametrize("change", [{3: -8}, {3: -257}, {1: 1}, {-1: 2}, {-3: None}, {99: 1}])
def test_only_es256_on_p256_counts(passkey: Passkey, change: dict[int, Any]) -> None:
    key = cbor2.loads(base64url.decode(passkey.credential.public_key, "key"))
    changed = {member: value for member, value in {**key, **change}.items() if value is not None}
    with pytest.raises(SignatureInvalid):
        verify(passkey.assert_(SAID), bound(passkey, public_key=base64url.encode(cbor2.dumps(changed))))


@pytest.mark.parametrize("key", ["", "AA", "_____w"])
def test_a_key_that_is_not_cose_is_refused(passkey: Passkey, key: str) -> None:
    with pytest.raises(SignatureInvalid):
        verify(passkey.assert_(SAID), bound(passkey, public_key=key))


def test_a_key_off_the_curve_is_refused(passkey: Passkey) -> None:
    key = cbor2.loads(base64url.decode(passkey.credential.public_key, "key"))
    key[-2] = bytes(32)
    with pytest.raises(SignatureInvalid):
        verify(passkey.assert_(SAID), bound(passkey, public_key=base64url.encode(cbor2.dumps(key))))


def test_a_software_passkey_file_is_its_owners_and_says_what_it_is(tmp_path: Path) -> None:
    path = tmp_path / "ada.passkey"
    made = SoftwareAuthenticator.create("p-ada", RP, ORIGIN, path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.read_text().startswith(NOTICE)
    assert "SOFTWARE" in NOTICE
    read = SoftwareAuthenticator.load(path)
    assert (read.person, read.credential) == (made.person, made.credential)
    verify(read.assert_(SAID), bound(made))


def test_a_passkey_file_is_never_overwritten(tmp_path: Path) -> None:
    SoftwareAuthenticator.create("p-ada", RP, ORIGIN, tmp_path / "x")
    with pytest.raises(FileExistsError):
        SoftwareAuthenticator.create("p-ada", RP, ORIGIN, tmp_path / "x")
    with pytest.raises(NotFound):
        SoftwareAuthenticator.load(tmp_path / "y")
