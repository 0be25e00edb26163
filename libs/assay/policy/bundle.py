"""A signed policy bundle, in OPA's format: rules, policy.wasm, `.manifest` and `.signatures.json` in one tar.gz.

`PolicyBundle` exists verified only: signed (ES256) by the key that root.json names for policy, every file the one
the signature lists, and no others. Its `revision` is SHA-256 of policy.wasm, its `digest` SHA-256 of the archive:
a policy fact names both. OPA verifies the same signature over the same bytes.
"""

from __future__ import annotations

import gzip
import io
import json
import tarfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final, Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from assay.contracts import sha256_hex, strict_json
from assay.errors import BadRequest, Invalid, SignatureInvalid
from assay.identity import base64url

WASM: Final = "policy.wasm"
MANIFEST: Final = ".manifest"
SIGNATURES: Final = ".signatures.json"
KEY: Final = "policy"  # its name among the root's services, and the id in the signature
ROOTS: Final = ("assay",)  # what a bundle may own: one without roots would erase OPA's own admission rule
LARGEST: Final = 4 << 20  # bytes of an archive
LARGEST_WITHIN: Final = 32 << 20  # bytes of all its files
MOST_FILES: Final = 200
_COORDINATE: Final = 32  # bytes
_PROOF: Final = object()


class PolicyBundleRefused(Invalid):
    """The archive is no policy bundle of ours: of another shape, or it owns more than our rules."""

    fix = "make it with `assay policy build`, from rules that `opa check` and `opa test` accept"


class PolicySignatureInvalid(SignatureInvalid):
    """A policy bundle is not signed, over these very files, by the key that root.json names for policy."""

    fix = "sign it with the policy author's key: `assay policy build --key`; use nothing of this archive"


@dataclass(frozen=True)
class PolicyBundle:
    """A verified bundle. `files` are its rules, policy.wasm and manifest by name; `archive` the bytes checked."""

    archive: bytes = field(repr=False)
    digest: str
    revision: str
    files: Mapping[str, bytes] = field(repr=False)
    _made_by: object = field(repr=False, compare=False)

    def __post_init__(self) -> None:
        if self._made_by is not _PROOF:
            raise TypeError("a PolicyBundle is made by PolicyBundle.verified alone")

    @property
    def wasm(self) -> bytes:
        """The compiled rules."""
        return self.files[WASM]

    @property
    def manifest(self) -> dict[str, Any]:
        """What OPA is told of it."""
        return dict(strict_json(self.files[MANIFEST]))

    @classmethod
    def verified(cls, archive: bytes, public_key_pem: str) -> Self:
        """Return the bundle in these bytes.

        Raises:
            PolicySignatureInvalid: the key did not sign exactly these files.
            PolicyBundleRefused: they are no policy of ours.
        """
        files = _unpacked(archive)
        _verify(files, public_key_pem)
        inside = {name: data for name, data in files.items() if name != SIGNATURES}
        revision = _checked(inside)
        return cls(bytes(archive), sha256_hex(archive), revision, MappingProxyType(inside), _PROOF)


def packed(files: Mapping[str, bytes], private_key_pem: bytes) -> bytes:
    """Return the archive of these files, signed; the same files and key make the same bytes.

    Raises:
        PolicyBundleRefused: the files are no policy of ours.
        PolicySignatureInvalid: the key is no private key on P-256.
    """
    _checked(files)
    listed = [
        {"name": name, "hash": _hash(name, data), "algorithm": "SHA-256"}
        for name, data in sorted(files.items())
    ]
    token = _signed({"files": listed, "keyid": KEY}, private_key_pem)
    signatures = json.dumps({"signatures": [token]}).encode()
    return _archive({**dict(sorted(files.items())), SIGNATURES: signatures})


def _archive(files: Mapping[str, bytes]) -> bytes:
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name, data in files.items():
            entry = tarfile.TarInfo(f"/{name}")
            entry.size, entry.mode = len(data), 0o600
            tar.addfile(entry, io.BytesIO(data))
    return gzip.compress(raw.getvalue(), mtime=0)


def _unpacked(archive: bytes) -> dict[str, bytes]:
    """Return the plain files of an archive by name; nothing is written anywhere."""
    if len(archive) > LARGEST:
        raise PolicyBundleRefused(f"the archive has {len(archive)} bytes and may have {LARGEST}")
    try:
        unzip = zlib.decompressobj(wbits=31)
        raw = unzip.decompress(archive, LARGEST_WITHIN)
        if not unzip.eof or unzip.unused_data:
            raise PolicyBundleRefused("the archive is cut off, followed by something, or too large within")
        with tarfile.open(fileobj=io.BytesIO(raw), mode="r:") as tar:
            return _plain(tar)
    except (zlib.error, tarfile.TarError, ValueError, EOFError) as error:
        raise PolicyBundleRefused(f"the archive is no tar.gz: {error}") from error


def _plain(tar: tarfile.TarFile) -> dict[str, bytes]:
    files: dict[str, bytes] = {}
    for entry in tar:
        name = entry.name.lstrip("/")
        held = tar.extractfile(entry) if entry.isreg() else None
        if held is None or "/" in name or not name.isascii() or not name.isprintable():
            raise PolicyBundleRefused(f"{entry.name[:80]!r} is no plain file at the top of the archive")
        if name in files or len(files) >= MOST_FILES:
            raise PolicyBundleRefused(f"the archive has {name[:80]!r} twice, or more than {MOST_FILES} files")
        files[name] = held.read()
    return files


def _checked(files: Mapping[str, bytes]) -> str:
    """Return the revision of files that are a policy of ours."""
    try:
        manifest = strict_json(files[MANIFEST])
        code = files[WASM]
    except (KeyError, BadRequest) as error:
        raise PolicyBundleRefused(f"the bundle has no {MANIFEST} and {WASM}: {error!r}") from error
    if not isinstance(manifest, dict) or manifest.get("roots") != list(ROOTS):
        raise PolicyBundleRefused(f"the manifest's roots are not exactly {list(ROOTS)}")
    if manifest.get("revision") != sha256_hex(code):
        raise PolicyBundleRefused(f"the manifest's revision is not SHA-256 of {WASM}")
    if strays := sorted(n for n in files if n not in {MANIFEST, WASM} and not _is_rule(n)):
        raise PolicyBundleRefused(
            f"a bundle holds rules, {WASM} and {MANIFEST}; data is written as Rego: {', '.join(strays)[:200]}"
        )
    if not any(_is_rule(name) for name in files):
        raise PolicyBundleRefused("the bundle has no rules for OPA")
    return str(manifest["revision"])


def _is_rule(name: str) -> bool:
    return name.endswith(".rego") and not name.endswith("_test.rego")


# ---- the signature


def _verify(files: Mapping[str, bytes], public_key_pem: str) -> None:
    token = _token(files)
    header, payload, signature = token.split(".")
    if _json(header).get("alg") != "ES256":
        raise PolicySignatureInvalid("a policy bundle is signed with ES256 and nothing else")
    raw = base64url.decode(signature, "the signature")
    if len(raw) != 2 * _COORDINATE:
        raise PolicySignatureInvalid("the signature is none of ES256")
    der = encode_dss_signature(*(int.from_bytes(half) for half in (raw[:_COORDINATE], raw[_COORDINATE:])))
    try:
        _public(public_key_pem).verify(der, f"{header}.{payload}".encode(), ec.ECDSA(hashes.SHA256()))
    except InvalidSignature as error:
        raise PolicySignatureInvalid(
            "the bundle is not signed by the key root.json names for policy"
        ) from error
    _same(_listed(_json(payload)), files)


def _token(files: Mapping[str, bytes]) -> str:
    try:
        document = strict_json(files[SIGNATURES])
    except (KeyError, BadRequest) as error:
        raise PolicySignatureInvalid(f"the bundle has no {SIGNATURES}: nobody signed it") from error
    match document:
        case {"signatures": [str(token)]} if token.count(".") == 2:  # noqa: PLR2004 - a compact JWS has three parts
            return token
    raise PolicySignatureInvalid(f"{SIGNATURES} does not hold exactly one signature")


def _listed(payload: Mapping[str, Any]) -> dict[str, str]:
    try:
        entries = payload["files"]
        if any(entry["algorithm"] != "SHA-256" for entry in entries):
            raise PolicySignatureInvalid("the signature lists files by another digest than SHA-256")
        listed = {str(entry["name"]): str(entry["hash"]) for entry in entries}
    except (KeyError, TypeError) as error:
        raise PolicySignatureInvalid("the signature does not say what it signs") from error
    if len(listed) != len(entries):
        raise PolicySignatureInvalid("the signature lists a file twice")
    return listed


def _same(listed: Mapping[str, str], files: Mapping[str, bytes]) -> None:
    found = {name: _hash(name, data) for name, data in files.items() if name != SIGNATURES}
    differing = sorted(name for name in listed.keys() | found.keys() if listed.get(name) != found.get(name))
    if differing:
        raise PolicySignatureInvalid(f"the signature is of other files: {', '.join(differing)[:200]}")


def _hash(name: str, data: bytes) -> str:
    """Return the digest as OPA has it: of the bytes, and of the manifest with its members in order."""
    if name != MANIFEST:
        return sha256_hex(data)
    ordered = json.dumps(strict_json(data), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return sha256_hex(ordered.encode())


def _signed(payload: Mapping[str, Any], private_key_pem: bytes) -> str:
    try:
        key = load_pem_private_key(private_key_pem, None)
    except (ValueError, TypeError) as error:
        raise PolicySignatureInvalid("the policy author's key is no private key in PEM") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey) or key.curve.name != "secp256r1":
        raise PolicySignatureInvalid("the policy author's key is not on P-256")
    header = {"alg": "ES256", "kid": KEY, "typ": "JWT"}
    parts = [base64url.encode(json.dumps(part).encode()) for part in (header, payload)]
    der = key.sign(".".join(parts).encode(), ec.ECDSA(hashes.SHA256(), deterministic_signing=True))
    raw = b"".join(half.to_bytes(_COORDINATE) for half in decode_dss_signature(der))
    return ".".join([*parts, base64url.encode(raw)])


def _json(part: str) -> dict[str, Any]:
    try:
        document = strict_json(base64url.decode(part, "the signature"))
    except BadRequest as error:
        raise PolicySignatureInvalid("the signature is no JSON web signature") from error
    if not isinstance(document, dict):
        raise PolicySignatureInvalid("the signature is no JSON web signature")
    return document


def public_pem(pem: bytes) -> str:
    """Return an author's public key (PEM) as a root spells it; raises PolicySignatureInvalid."""
    key = _public(pem.decode("utf-8", "replace"))
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def _public(pem: str) -> ec.EllipticCurvePublicKey:
    try:
        key = load_pem_public_key(pem.encode())
    except ValueError as error:
        raise PolicySignatureInvalid("the policy key of root.json is no PEM") from error
    if not isinstance(key, ec.EllipticCurvePublicKey) or key.curve.name != "secp256r1":
        raise PolicySignatureInvalid("the policy key of root.json is not on P-256")
    return key
