"""Transit keys: they sign, seal and authenticate; they never leave; what is deleted opens nothing again."""

from __future__ import annotations

import base64
from collections.abc import Iterator

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from assay.contracts import new_id
from assay.errors import Conflict, Forbidden, NotFound
from assay.vault.client import VaultClient
from assay.vault.errors import VaultRefused
from assay.vault.rotation import rotate_encryption, rotate_keys
from tests.contract.vault.world import Running

DATA = b"what is signed"


@pytest.fixture
def ingestion(vault: Running) -> VaultClient:
    return vault.as_service("ingestion")


@pytest.fixture
def batch(ingestion: VaultClient) -> Iterator[str]:
    key = new_id("batch-demo-clients")
    ingestion.create_key(key, "aes256-gcm96")
    yield key
    try:
        ingestion.delete_key(key)
    except NotFound:
        return


def test_a_p256_key_signs_der_that_its_public_key_verifies(vault: Running) -> None:
    training = vault.as_service("training")
    public = load_pem_public_key(training.public_key("fact-run").encode())
    assert isinstance(public, ec.EllipticCurvePublicKey)
    public.verify(training.sign("fact-run", DATA), DATA, ec.ECDSA(hashes.SHA256()))
    with pytest.raises(InvalidSignature):
        public.verify(training.sign("fact-run", DATA), DATA + b".", ec.ECDSA(hashes.SHA256()))


def test_a_jws_signature_is_the_same_in_64_raw_bytes(vault: Running) -> None:
    identity = vault.as_service("identity")
    public = load_pem_public_key(identity.public_key("grant").encode())
    assert isinstance(public, ec.EllipticCurvePublicKey)
    raw = identity.sign("grant", DATA, jws=True)
    assert len(raw) == 64
    der = encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
    public.verify(der, DATA, ec.ECDSA(hashes.SHA256()))


def test_the_log_key_is_ed25519_and_signs_64_raw_bytes(vault: Running) -> None:
    ledger = vault.as_service("ledger")
    public = load_pem_public_key(ledger.public_key("log").encode())
    assert isinstance(public, ed25519.Ed25519PublicKey)
    for size in (0, 1, 100_000):
        signature = ledger.sign("log", bytes(size))
        assert len(signature) == 64
        public.verify(signature, bytes(size))


def test_what_is_sealed_opens_with_the_same_key_and_context_only(ingestion: VaultClient, batch: str) -> None:
    sealed = ingestion.encrypt(batch, DATA, context=b"snapshot")
    assert sealed.startswith("vault:v1:")
    assert ingestion.decrypt(batch, sealed, context=b"snapshot") == DATA
    for context in (b"quarantine", b""):
        with pytest.raises(VaultRefused):
            ingestion.decrypt(batch, sealed, context=context)


def test_a_data_key_is_32_fresh_bytes_that_only_its_context_unwraps(
    ingestion: VaultClient, batch: str
) -> None:
    key, wrapped = ingestion.data_key(batch, context=b"snapshot")
    again, _ = ingestion.data_key(batch, context=b"snapshot")
    assert len(key) == 32
    assert key != again
    assert ingestion.decrypt(batch, wrapped, context=b"snapshot") == key
    with pytest.raises(VaultRefused):
        ingestion.decrypt(batch, wrapped, context=b"another")
    plain, unbound = ingestion.data_key(batch)
    assert ingestion.decrypt(batch, unbound) == plain


def test_a_changed_or_foreign_ciphertext_is_refused(ingestion: VaultClient, batch: str) -> None:
    sealed = ingestion.encrypt(batch, DATA)
    body = bytearray(base64.b64decode(sealed.removeprefix("vault:v1:")))
    body[-1] ^= 1
    changed = "vault:v1:" + base64.b64encode(bytes(body)).decode()
    for ciphertext in (changed, "vault:v1:AAAA", "vault:v2:" + sealed[9:], "nonsense", ""):
        with pytest.raises(VaultRefused):
            ingestion.decrypt(batch, ciphertext)
    other = new_id("batch-demo-clients")
    ingestion.create_key(other, "aes256-gcm96")
    with pytest.raises(VaultRefused):
        ingestion.decrypt(other, sealed)


def test_a_deleted_key_opens_nothing_and_neither_does_a_new_one_of_its_name(
    ingestion: VaultClient, batch: str
) -> None:
    sealed = ingestion.encrypt(batch, DATA)
    ingestion.delete_key(batch)
    with pytest.raises(NotFound):
        ingestion.decrypt(batch, sealed)
    with pytest.raises(NotFound):
        ingestion.delete_key(batch)
    ingestion.create_key(batch, "aes256-gcm96")
    with pytest.raises(VaultRefused):
        ingestion.decrypt(batch, sealed)


def test_a_key_is_not_deleted_before_that_was_allowed(vault: Running, batch: str) -> None:
    with pytest.raises(Exception, match="deletion is not allowed"):
        vault.admin.client.secrets.transit.delete_key(batch)


def test_creating_a_key_twice_keeps_it_and_never_turns_it_into_another_kind(
    vault: Running, ingestion: VaultClient, batch: str
) -> None:
    sealed = ingestion.encrypt(batch, DATA)
    ingestion.create_key(batch, "aes256-gcm96")
    assert ingestion.decrypt(batch, sealed) == DATA
    with pytest.raises(Conflict):
        vault.admin.vault().create_key(batch, "ed25519")
    with pytest.raises(Forbidden):
        ingestion.create_key(batch, "ed25519")


def test_a_rotated_key_opens_what_its_older_versions_sealed_and_seals_with_the_newest(
    vault: Running, ingestion: VaultClient, batch: str
) -> None:
    before = ingestion.encrypt(batch, DATA, context=b"c")
    rotated = rotate_encryption(vault.admin)
    assert batch in rotated
    after = ingestion.encrypt(batch, DATA, context=b"c")
    assert (before.split(":")[1], after.split(":")[1]) == ("v1", "v2")
    assert [ingestion.decrypt(batch, each, context=b"c") for each in (before, after)] == [DATA, DATA]
    with pytest.raises(VaultRefused):
        ingestion.decrypt(batch, after.replace("v2", "v3"), context=b"c")
    with pytest.raises(VaultRefused):
        ingestion.decrypt(batch, after.replace("v2", "v1"), context=b"c")


def test_rotating_what_encrypts_leaves_alone_what_signs_and_what_must_stay_the_same(vault: Running) -> None:
    admin = vault.admin.vault()
    before = (admin.public_key("fact-run"), admin.public_key("log"), admin.hmac("split", b"client-1"))
    rotated = rotate_encryption(vault.admin)
    assert [each for each in rotated if not each.startswith(("batch-", "features-", "webhooks"))] == []
    after = (admin.public_key("fact-run"), admin.public_key("log"), admin.hmac("split", b"client-1"))
    assert after == before


def test_a_service_signs_with_the_version_that_is_listed_while_a_newer_one_waits(vault: Running) -> None:
    admin, training = vault.admin.vault(), vault.as_service("training")
    before = training.public_key("fact-run")
    listed = {before}
    training.sign_as_listed(listed.__contains__)
    rotate_keys(vault.admin, ["fact-run"])
    newest = admin.public_key("fact-run")
    assert newest != before
    assert training.public_key("fact-run") == before
    _verify(before, training.sign("fact-run", DATA))
    listed.symmetric_difference_update({before, newest})
    assert training.public_key("fact-run") == newest
    _verify(newest, training.sign("fact-run", DATA))
    _verify(newest, admin.sign("fact-run", DATA))
    listed.clear()
    assert training.public_key("fact-run") == newest, "where none is listed, the newest: it counts nowhere"


def _verify(pem: str, signature: bytes) -> None:
    public = load_pem_public_key(pem.encode())
    assert isinstance(public, ec.EllipticCurvePublicKey)
    public.verify(signature, DATA, ec.ECDSA(hashes.SHA256()))


def test_an_hmac_is_the_same_for_the_same_data_and_differs_by_key(vault: Running) -> None:
    admin = vault.admin.vault()
    assert vault.as_service("features").hmac("split", b"client-1") == admin.hmac("split", b"client-1")
    assert admin.hmac("split", b"client-1") != admin.hmac("split", b"client-2")
    assert admin.hmac("split", b"client-1") != admin.hmac("dedup", b"client-1")
    assert len(base64.b64decode(admin.hmac("split", b"").removeprefix("vault:v1:"), validate=True)) == 32


def test_a_key_does_only_what_its_kind_does(vault: Running) -> None:
    admin = vault.admin.vault()
    with pytest.raises(VaultRefused):
        admin.sign("split", DATA)
    with pytest.raises(VaultRefused):
        admin.encrypt("log", DATA)
    with pytest.raises(NotFound):
        admin.public_key("split")


def test_a_key_that_is_not_there_is_not_found_and_not_made_on_the_way(vault: Running) -> None:
    admin = vault.admin.vault()
    with pytest.raises(NotFound):
        admin.sign("fact-nothing", DATA)
    with pytest.raises(NotFound):
        admin.decrypt("batch-nothing", "vault:v1:AAAA")
    with pytest.raises(NotFound):
        admin.hmac("nothing", DATA)
    with pytest.raises(NotFound):
        admin.public_key("fact-nothing")


def test_vaults_own_data_keys_unwrap_without_a_context(vault: Running, batch: str) -> None:
    made = vault.admin.client.secrets.transit.generate_data_key(batch, "plaintext", bits=256)["data"]
    key = base64.b64decode(made["plaintext"])
    assert len(key) == 32
    assert vault.admin.vault().decrypt(batch, made["ciphertext"]) == key
