"""Transit: keys that sign, encrypt and authenticate, and never leave."""

from __future__ import annotations

import base64
import binascii
import hmac
import os
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from assay_laptop.vault.server.barrier import Barrier
from assay_laptop.vault.server.calls import Answer, Call, Refused, Route

_KEY = "transit/keys/{name}"
_NONCE = 12
_TAG = 16
_CIPHERTEXT = re.compile(r"vault:v([1-9][0-9]{0,5}):([A-Za-z0-9+/=]+)")
_SIGN_TAKES = frozenset({"input", "hash_algorithm", "key_version", "marshaling_algorithm"})


@dataclass(frozen=True)
class _Key:
    """A key and its versions, oldest first: PKCS 8 for key pairs, else the bytes."""

    kind: str
    versions: tuple[bytes, ...]
    deletion_allowed: bool = False

    @property
    def newest(self) -> int:
        """The number of the version that signs and encrypts."""
        return len(self.versions)

    @property
    def material(self) -> bytes:
        """What signs and encrypts."""
        return self.versions[-1]

    def kept(self) -> dict[str, Any]:
        versions = [base64.b64encode(each).decode() for each in self.versions]
        return {"kind": self.kind, "versions": versions, "deletion_allowed": self.deletion_allowed}


class Transit:
    """The mount `transit`."""

    def __init__(self, barrier: Barrier) -> None:
        self._barrier = barrier

    def routes(self) -> Iterable[Route]:
        """Yield the calls of the mount `transit`."""
        yield Route("update", _KEY, self._create, frozenset({"type", "key_size"}))
        yield Route("read", _KEY, self._read)
        yield Route("delete", _KEY, self._delete)
        yield Route("list", "transit/keys/", self._list)
        yield Route("update", f"{_KEY}/rotate", self._rotate)
        yield Route("update", f"{_KEY}/config", self._configure, frozenset({"deletion_allowed"}))
        yield Route("update", "transit/sign/{name}", self._sign, _SIGN_TAKES)
        yield Route("update", "transit/hmac/{name}", self._hmac, frozenset({"input", "algorithm"}))
        takes = frozenset({"plaintext", "associated_data"})
        yield Route("update", "transit/encrypt/{name}", self._encrypt, takes, exists=self._exists)
        takes = frozenset({"ciphertext", "associated_data"})
        yield Route("update", "transit/decrypt/{name}", self._decrypt, takes)
        yield Route("update", "transit/datakey/plaintext/{name}", self._datakey, frozenset({"bits"}))

    def _exists(self, name: str) -> bool:
        return self._barrier.get(f"transit/{name}") is not None

    def _key(self, name: str, missing: Refused) -> _Key:
        kept = self._barrier.get(f"transit/{name}")
        if kept is None:
            raise missing
        versions = tuple(base64.b64decode(each) for each in kept["versions"])
        return _Key(kept["kind"], versions, kept["deletion_allowed"])

    def _used(self, call: Call, kinds: tuple[str, ...], what: str) -> _Key:
        missing = Refused(400, f"{'signing' if what == 'signing' else 'encryption'} key not found")
        key = self._key(call.names["name"], missing)
        if key.kind not in kinds:
            raise Refused(400, f"key type {key.kind} does not support {what}")
        return key

    def _create(self, call: Call) -> Answer:
        name, kind = call.names["name"], str(call.parameters.get("type", "aes256-gcm96"))
        if not self._exists(name):
            if kind not in _MATERIAL or call.parameters.get("key_size", 32) != 32:  # noqa: PLR2004
                raise Refused(400, f"unknown key type {kind}, or a size other than 32 bytes")
            self._barrier.put(f"transit/{name}", _Key(kind, (_MATERIAL[kind](),)).kept())
        return self._read(call)

    def _read(self, call: Call) -> Answer:
        name = call.names["name"]
        key = self._key(name, Refused(404))
        public = {
            str(number): {"public_key": _public(material)} if key.kind in _PAIRS else 0
            for number, material in enumerate(key.versions, 1)
        }
        facts = {"name": name, "type": key.kind, "latest_version": key.newest, "exportable": False}
        return Answer(data={**facts, "deletion_allowed": key.deletion_allowed, "keys": public})

    def _list(self, _: Call) -> Answer:
        names = sorted(path.removeprefix("transit/") for path, _kept in self._barrier.under("transit/"))
        if not names:
            raise Refused(404)
        return Answer(data={"keys": names})

    def _rotate(self, call: Call) -> Answer:
        """Add a version: it signs and encrypts from here on, and what older ones sealed still opens."""
        name = call.names["name"]
        key = self._key(name, Refused(400, f"no existing key named {name} could be found"))
        rotated = replace(key, versions=(*key.versions, _MATERIAL[key.kind]()))
        self._barrier.put(f"transit/{name}", rotated.kept())
        return self._read(call)

    def _configure(self, call: Call) -> Answer:
        name = call.names["name"]
        key = self._key(name, Refused(400, f"no existing key named {name} could be found"))
        allowed = call.parameters.get("deletion_allowed") is True
        self._barrier.put(f"transit/{name}", replace(key, deletion_allowed=allowed).kept())
        return self._read(call)

    def _delete(self, call: Call) -> Answer:
        name = call.names["name"]
        refusal = f"error deleting policy {name}: "
        key = self._key(name, Refused(400, refusal + "could not delete key; not found"))
        if not key.deletion_allowed:
            raise Refused(400, refusal + "deletion is not allowed for this key")
        self._barrier.delete(f"transit/{name}")
        return Answer(status=204)

    def _sign(self, call: Call) -> Answer:
        if call.parameters.get("hash_algorithm", "sha2-256") != "sha2-256":
            raise Refused(400, "the built-in development server signs SHA-256")
        key = self._used(call, _PAIRS, "signing")
        version = _version(call.parameters.get("key_version"), key)
        private = serialization.load_der_private_key(key.versions[version - 1], None)
        data = _unb64(call.text("input"))
        if isinstance(private, ed25519.Ed25519PrivateKey):
            signature = _b64(private.sign(data))
        elif isinstance(private, ec.EllipticCurvePrivateKey):
            der = private.sign(data, ec.ECDSA(hashes.SHA256()))
            signature = _marshalled(der, str(call.parameters.get("marshaling_algorithm", "asn1")))
        else:
            raise Refused(500, "a signing key of another kind")
        return Answer(data={"signature": f"vault:v{version}:{signature}", "key_version": version})

    def _hmac(self, call: Call) -> Answer:
        if call.parameters.get("algorithm", "sha2-256") != "sha2-256":
            raise Refused(400, "the built-in development server does HMAC-SHA-256")
        key = self._used(call, ("hmac",), "HMAC here")
        mac = hmac.digest(key.material, _unb64(call.text("input")), "sha256")
        return Answer(data={"hmac": f"vault:v{key.newest}:{_b64(mac)}"})

    def _encrypt(self, call: Call) -> Answer:
        key = self._used(call, ("aes256-gcm96",), "message encryption")
        ciphertext = _sealed(key, _unb64(call.text("plaintext")), _associated(call.parameters))
        return Answer(data={"ciphertext": ciphertext, "key_version": key.newest})

    def _decrypt(self, call: Call) -> Answer:
        key = self._used(call, ("aes256-gcm96",), "message decryption")
        plaintext = _opened(key, call.text("ciphertext"), _associated(call.parameters))
        return Answer(data={"plaintext": _b64(plaintext)})

    def _datakey(self, call: Call) -> Answer:
        if call.parameters.get("bits", 256) != 256:  # noqa: PLR2004
            raise Refused(400, "the built-in development server makes data keys of 256 bits")
        key = self._used(call, ("aes256-gcm96",), "data keys")
        fresh = os.urandom(32)
        return Answer(data={"plaintext": _b64(fresh), "ciphertext": _sealed(key, fresh, None)})


def _version(asked: Any, key: _Key) -> int:  # noqa: ANN401 - a JSON value
    """Return the version that signs: the one asked for, or the newest."""
    if asked is None:
        return key.newest
    if type(asked) is not int or not 0 < asked <= key.newest:
        raise Refused(400, "cannot sign with that version of the key")
    return asked


def _pair(private: ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey) -> bytes:
    return private.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


_PAIRS = ("ecdsa-p256", "ed25519")
_MATERIAL: Mapping[str, Callable[[], bytes]] = {
    "ecdsa-p256": lambda: _pair(ec.generate_private_key(ec.SECP256R1())),
    "ed25519": lambda: _pair(ed25519.Ed25519PrivateKey.generate()),
    "aes256-gcm96": lambda: os.urandom(32),
    "hmac": lambda: os.urandom(32),
}


def _public(material: bytes) -> str:
    """Return a public key as Vault shows it: PEM for P-256, the raw bytes in base64 for Ed25519."""
    public = serialization.load_der_private_key(material, None).public_key()
    if isinstance(public, ed25519.Ed25519PublicKey):
        return _b64(public.public_bytes_raw())
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return public.public_bytes(serialization.Encoding.PEM, form).decode()


def _marshalled(der: bytes, algorithm: str) -> str:
    if algorithm == "asn1":
        return _b64(der)
    if algorithm != "jws":
        raise Refused(400, f"unknown marshaling algorithm {algorithm}")
    r, s = decode_dss_signature(der)
    raw = r.to_bytes(32, "big") + s.to_bytes(32, "big")
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _sealed(key: _Key, plaintext: bytes, associated: bytes | None) -> str:
    nonce = os.urandom(_NONCE)
    return f"vault:v{key.newest}:" + _b64(nonce + AESGCM(key.material).encrypt(nonce, plaintext, associated))


def _opened(key: _Key, ciphertext: str, associated: bytes | None) -> bytes:
    found = _CIPHERTEXT.fullmatch(ciphertext)
    data = _unb64(found[2]) if found else b""
    if found is None or int(found[1]) > key.newest or len(data) < _NONCE + _TAG:
        raise Refused(400, "invalid ciphertext: no prefix of this version, or too short")
    try:
        return AESGCM(key.versions[int(found[1]) - 1]).decrypt(data[:_NONCE], data[_NONCE:], associated)
    except InvalidTag as error:
        raise Refused(400, "cipher: message authentication failed") from error


def _associated(parameters: Mapping[str, Any]) -> bytes | None:
    given = parameters.get("associated_data")
    return _unb64(str(given)) if given else None


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _unb64(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise Refused(400, f"illegal base64 data: {error}") from error
