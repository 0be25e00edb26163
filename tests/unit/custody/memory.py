"""A vault of real keys and a log with the ledger's real rules, both in memory."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from assay.contracts import Fact, FactKind, SignedFact
from assay.errors import HeadMoved, NotFound
from assay.ledger import Checkpoint, FactSigner, Record, Root
from assay.ledger.admission import admit
from assay.ledger.bundle import entry_json
from assay.ledger.checkpoint import open_note, sign_note
from assay.ledger.known import Known, Maps, head_key
from assay.ledger.tree import Tree, leaf_hash


class MemoryVault:
    """Signs like transit: `log` is Ed25519, every other key ECDSA P-256, made when first asked for."""

    def __init__(self) -> None:
        self._keys: dict[str, ec.EllipticCurvePrivateKey | Ed25519PrivateKey] = {}
        self._wrapping: dict[tuple[str, str], bytes] = {}

    def public_key(self, key: str) -> str:
        """Return the public half, PEM."""
        public = self._key(key).public_key()
        return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()

    def sign(self, key: str, data: bytes) -> bytes:
        """Sign: DER for P-256, 64 raw bytes for Ed25519."""
        private = self._key(key)
        if isinstance(private, Ed25519PrivateKey):
            return private.sign(data)
        return private.sign(data, ec.ECDSA(hashes.SHA256()))

    def rotate(self, key: str) -> None:
        """Make a new version; the one before is gone from here."""
        self._keys.pop(key, None)

    def create_key(self, key: str, kind: str) -> None:
        """Make a key that wraps."""
        self._wrapping.setdefault((key, kind), AESGCM.generate_key(256))

    def data_key(self, key: str, *, context: bytes = b"") -> tuple[bytes, str]:
        """Return 32 fresh bytes and the same bytes wrapped."""
        fresh = os.urandom(32)
        return fresh, self.encrypt(key, fresh, context=context)

    def encrypt(self, key: str, plaintext: bytes, *, context: bytes = b"") -> str:
        """Return what is wrapped; a key of a service's own is made when first asked for."""
        if key == "webhooks":
            self.create_key(key, "aes256-gcm96")
        nonce = os.urandom(12)
        return (nonce + self._aead(key).encrypt(nonce, plaintext, context)).hex()

    def decrypt(self, key: str, ciphertext: str, *, context: bytes = b"") -> bytes:
        """Return what was wrapped."""
        data = bytes.fromhex(ciphertext)
        return self._aead(key).decrypt(data[:12], data[12:], context)

    def _aead(self, key: str) -> AESGCM:
        return AESGCM(self._wrapping[key, "aes256-gcm96"])

    def _key(self, key: str) -> ec.EllipticCurvePrivateKey | Ed25519PrivateKey:
        if key not in self._keys:
            made = Ed25519PrivateKey.generate() if key == "log" else ec.generate_private_key(ec.SECP256R1())
            self._keys[key] = made
        return self._keys[key]


class MemoryLog:
    """A `Ledger` and a follower's `Log`: admits, chains and signs as the ledger does."""

    def __init__(self, root: Root, vault: MemoryVault) -> None:
        self.root = root
        self._vault = vault
        self._signer = FactSigner(vault)
        self._known = Known(root)
        self._tree = Tree()
        self._maps = Maps()
        self._records: list[Record] = []
        self._by_digest: dict[str, Record] = {}
        self._time_ms = 0

    @property
    def acknowledged(self) -> int:
        """The size of the log."""
        return len(self._records)

    def append(self, fact: Fact) -> Record:
        """Sign, admit and append a fact; the same payload again is the same record."""
        if known := self._by_digest.get(fact.digest):
            return known
        head = self._known.heads.get(fact.about)
        if fact.previous != head:
            raise HeadMoved(f"{fact.about} moved", head=head)
        signed = SignedFact.from_bytes(self._signer.sign(fact).to_bytes())
        admit(self._known, signed, len(self._records), self._tree.root)
        record = Record(len(self._records), signed)
        self._tree.extend([leaf_hash(signed.to_bytes())])
        self._maps = self._maps.after([record])
        self._known.apply(record)
        self._records.append(record)
        self._by_digest[record.digest] = record
        return record

    def head(self, about: str) -> Record | None:
        """Return the newest fact about something."""
        digest = self._known.heads.get(about)
        return self.fact(digest) if digest else None

    def fact(self, digest: str) -> Record:
        """Return a fact by digest."""
        if record := self._by_digest.get(digest):
            return record
        raise NotFound(f"no fact {digest[:12]}")

    def checkpoint(self) -> Checkpoint:
        """Return a checkpoint signed now."""
        self._time_ms = max(self._time_ms + 1, time.time_ns() // 1_000_000)
        said = Checkpoint(
            origin=self.root.log_origin,
            size=len(self._records),
            root=self._tree.root(),
            revocations=self._maps.revocations.root,
            heads=self._maps.heads.root,
            time_ms=self._time_ms,
        )
        note = sign_note(said, self.root.log_key_pem, lambda text: self._vault.sign("log", text))
        return open_note(note, self.root.log_origin, self.root.log_key_pem)

    def next_checkpoint(self, after_ms: int, seconds: float) -> Checkpoint:  # noqa: ARG002 - a `Log`
        """Return a checkpoint that is newer."""
        return self.checkpoint()

    def entries(self, start: int, limit: int = 1000) -> list[Record]:
        """Return entries in order."""
        return self._records[start : start + limit]

    def proof_bundle(
        self, digests: Sequence[str], *, revocation_keys: Sequence[str], heads: Sequence[str] = ()
    ) -> dict[str, Any]:
        """Return proofs against one checkpoint, as the ledger's API spells them."""
        checkpoint = self.checkpoint()
        named = [self._maps.revocations.get(bytes.fromhex(key)) for key in revocation_keys]
        named += [self._maps.heads.get(head_key(about)) for about in heads]
        wanted = dict.fromkeys([*digests, *(digest.hex() for digest in named if digest)])
        records = [self.fact(digest) for digest in wanted]
        return {
            "checkpoint": checkpoint.note,
            "roots": [
                entry_json(r, self._tree.inclusion(r.index, checkpoint.size)) for r in self._next_roots()
            ],
            "entries": [entry_json(r, self._tree.inclusion(r.index, checkpoint.size)) for r in records],
            "revocations": [
                {"key": key, "proof": self._maps.revocations.prove(bytes.fromhex(key))}
                for key in revocation_keys
            ],
            "heads": [{"about": a, "proof": self._maps.heads.prove(head_key(a))} for a in heads],
        }

    def _next_roots(self) -> list[Record]:
        return [record for record in self._records[1:] if record.kind is FactKind.ROOT]
