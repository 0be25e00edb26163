"""A package's OpenSSF model signature (`model_signing` 1.1.1): proves the bytes, binds no name or number.

The private key never leaves Vault's transit engine. Signing and verifying work on the bytes in memory,
through model_signing's own classes (private: the version is pinned); the stock command verifies what we sign:
`model_signing verify key FOLDER --signature FILE --public_key FILE`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

from assay.contracts import sha256_hex
from assay.custody.package import FileEntry, PackageFiles, check_shape
from assay.errors import SignatureInvalid

if TYPE_CHECKING:
    from assay.ledger.signer import Transit

KEY: Final = "model-signing"
LIMIT: Final = 4 << 20
_SERIALIZATION: Final = {"method": "files", "hash_type": "sha256", "allow_symlinks": False}


class _TransitKey:
    """Stands where model_signing expects an elliptic-curve private key; signs in Vault."""

    def __init__(self, vault: Transit) -> None:
        self._vault = vault
        self._public = _public(vault.public_key(KEY))

    def public_key(self) -> ec.EllipticCurvePublicKey:
        return self._public

    def sign(self, data: bytes, algorithm: ec.ECDSA) -> bytes:
        name = getattr(algorithm.algorithm, "name", "prehashed")
        if name != "sha256":
            raise SignatureInvalid(f"Vault signs with SHA-256, not {name}")
        return self._vault.sign(KEY, data)


def sign_package(vault: Transit, files: PackageFiles, *, name: str = "package") -> bytes:
    """Return the sigstore bundle over these files by Vault's transit key `model-signing`.

    `name` is what the bundle calls the subject; it is informative and verifies nothing.
    """
    from model_signing._signing import sign_ec_key, signing

    signer = sign_ec_key.Signer.__new__(sign_ec_key.Signer)
    signer._private_key = _TransitKey(vault)  # noqa: SLF001 - no public way to bring a remote key
    signature = signer.sign(signing.Payload(_manifest(files, name)))
    bundle: str = signature.bundle.to_json()
    return bundle.encode()


def verify_package(files: PackageFiles, signature: bytes, public_key_pem: str) -> None:
    """Raise SignatureInvalid unless the bundle is this key's and names exactly these files, byte for byte."""
    verify_digests({path: sha256_hex(data) for path, data in files.items()}, signature, public_key_pem)


def verify_manifest(entries: Sequence[FileEntry], signature: bytes, public_key_pem: str) -> None:
    """Raise SignatureInvalid unless the bundle is this key's and names exactly a manifest's files."""
    verify_digests({entry["path"]: entry["sha256"] for entry in entries}, signature, public_key_pem)


def verify_digests(digests: Mapping[str, str], signature: bytes, public_key_pem: str) -> None:
    """Raise SignatureInvalid unless the bundle is this key's and names exactly these paths with their SHA-256."""
    from model_signing._signing import sign_ec_key, sign_sigstore_pb

    verifier = sign_ec_key.Verifier.__new__(sign_ec_key.Verifier)
    verifier._public_key = _public(public_key_pem)  # noqa: SLF001 - its constructor only reads files
    try:
        bundle = sign_sigstore_pb.bundle_pb.Bundle.from_dict(_bundle(signature))
        signed = verifier.verify(sign_sigstore_pb.Signature(bundle))
    except InvalidSignature as error:
        raise SignatureInvalid("the model signature is not by the root's model-signing key") from error
    except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        raise SignatureInvalid(f"the model signature does not verify: {str(error)[:300]}") from error
    if signed.serialization_type != _SERIALIZATION:
        raise SignatureInvalid(f"the model signature hashes otherwise than ours: {signed.serialization_type}")
    if difference := _difference(_digests(signed), digests):
        raise SignatureInvalid(f"the package is not what was signed: {difference}")


def _bundle(signature: bytes) -> dict[str, Any]:
    """Read a bundle: one signature, a key hint, and no member its reader would skip over."""
    if len(signature) > LIMIT:
        raise ValueError("the bundle is larger than any of ours")
    document = json.loads(signature)
    document["verificationMaterial"].setdefault("tlogEntries", [])
    if not document["verificationMaterial"]["publicKey"]["hint"]:
        raise ValueError("the bundle names no key")
    if len(document["dsseEnvelope"]["signatures"]) != 1:
        raise ValueError("the bundle has not exactly one signature")
    found: dict[str, Any] = document
    return found


def keyid(public_key_pem: str) -> str:
    """Return SHA-256 of a public key's DER SubjectPublicKeyInfo, hex: what a revocation of the key names."""
    der = _public(public_key_pem).public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return sha256_hex(der)


def _public(pem: str) -> ec.EllipticCurvePublicKey:
    key = load_pem_public_key(pem.encode())
    if not isinstance(key, ec.EllipticCurvePublicKey) or key.curve.name != "secp256r1":
        raise SignatureInvalid("the model-signing key is not on P-256")
    return key


def _manifest(files: PackageFiles, name: str) -> Any:  # noqa: ANN401 - model_signing.manifest.Manifest
    from model_signing import manifest
    from model_signing._hashing import hashing

    items = [
        manifest.FileManifestItem(
            path=PurePosixPath(path), digest=hashing.Digest("sha256", bytes.fromhex(sha256_hex(data)))
        )
        for path, data in check_shape(files).items()
    ]
    return manifest.Manifest(name, items, manifest.SerializationType.from_args(dict(_SERIALIZATION)))


def _digests(signed: Any) -> dict[str, str]:  # noqa: ANN401 - model_signing.manifest.Manifest
    return {entry.identifier: entry.digest.digest_hex for entry in signed.resource_descriptors()}


def _difference(signed: Mapping[str, str], actual: Mapping[str, str]) -> str:
    """Return what differs between two maps path -> digest, or nothing."""
    parts = [f"{path!r} is not signed" for path in sorted(actual.keys() - signed.keys())]
    parts += [f"{path!r} is missing" for path in sorted(signed.keys() - actual.keys())]
    both = sorted(signed.keys() & actual.keys())
    parts += [f"{path!r} has other bytes" for path in both if signed[path] != actual[path]]
    return ", ".join(parts)
