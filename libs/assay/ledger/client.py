"""The ledger over mTLS: every answer is proven against a checkpoint that continues the last one seen."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any, Final

import httpx

from assay.contracts import Fact, FactKind, SignedFact, canonical, strict_json
from assay.errors import BadRequest, NotFound, SignatureInvalid, Unavailable
from assay.ledger.bundle import VerifiedBundle, read_bundle, read_path
from assay.ledger.checkpoint import Checkpoint
from assay.ledger.cosignature import open_checkpoint
from assay.ledger.errors import KeyReplaced
from assay.ledger.memory import CheckpointMemory
from assay.ledger.record import Record
from assay.ledger.root import Root
from assay.ledger.signer import FactSigner
from assay.web.client import call

TRIES: Final = 2  # appending is idempotent, so a lost answer is asked for again
NEXT_ROOT_SECONDS: Final = 5.0  # for a next root that the ledger follows already, and the signer not yet
_PAUSE_SECONDS: Final = 0.05


class LedgerClient:
    """A `Ledger` that believes only proofs; without a signer it reads. Safe for threads."""

    def __init__(
        self, http: httpx.Client, root: Root, memory: CheckpointMemory, signer: FactSigner | None = None
    ) -> None:
        self._http = http
        self._root = root
        self._newest = root
        self._memory = memory
        self._signer = signer
        self._acknowledged = 0

    @property
    def root(self) -> Root:
        """The newest root that an answer with proofs named: the pinned one, or one that follows it in the log."""
        return self._newest

    @property
    def acknowledged(self) -> int:
        """The size the log has at least: one past the last entry it acknowledged to this client."""
        return self._acknowledged

    def append(self, fact: Fact) -> Record:
        """See `Ledger.append`."""
        signed, answer = self._appended(fact)
        if answer.get("digest") != fact.digest:
            raise SignatureInvalid(f"the ledger acknowledged {answer.get('digest')} for {fact.digest}")
        index = int(answer["index"])
        self._acknowledged = max(self._acknowledged, index + 1)
        return self.fact(fact.digest) if answer.get("repeated") else Record(index, signed)

    def _appended(self, fact: Fact) -> tuple[SignedFact, dict[str, Any]]:
        """Sign and send a fact; where a next root came in between, sign it anew once that root is known here.

        A version is not: what it names was signed with a key of the same root, and is for its maker to sign anew.
        """
        if self._signer is None:
            raise BadRequest("this client reads the ledger and has no key to sign facts with")
        patient_until = time.monotonic() + NEXT_ROOT_SECONDS
        signed = self._signer.sign(fact)
        while True:
            try:
                return signed, self._json(self._send("POST", "/v1/facts", tries=TRIES, json=signed.to_json()))
            except KeyReplaced:
                ended = signed.keyid
                while (signed := self._signer.sign(fact)).keyid == ended:
                    if time.monotonic() > patient_until:
                        raise
                    time.sleep(_PAUSE_SECONDS)
                if fact.kind is FactKind.VERSION:
                    raise

    def head(self, about: str) -> Record | None:
        """See `Ledger.head`."""
        proven = self._prove({"heads": [about]})
        digest = proven.heads[about]
        return proven.records[digest] if digest is not None else None

    def fact(self, digest: str) -> Record:
        """See `Ledger.fact`."""
        found = self._prove({"digests": [digest]}).records.get(digest)
        if found is None:
            raise SignatureInvalid(f"the ledger answered with another fact than {digest}")
        return found

    def checkpoint(self) -> Checkpoint:
        """See `Ledger.checkpoint`."""
        return self._admitted(self._send("GET", "/v1/checkpoint").text)

    def next_checkpoint(self, after_ms: int, seconds: float) -> Checkpoint:
        """Return the newest checkpoint, waiting up to `seconds` for one signed after `after_ms`."""
        params = {"after_ms": str(after_ms), "seconds": str(seconds)}
        return self._admitted(self._send("GET", "/v1/checkpoint", params=params).text)

    def entries(self, start: int, limit: int = 1000) -> list[Record]:
        """See `Ledger.entries`."""
        params = {"start": str(start), "limit": str(limit)}
        answer = self._json(self._send("GET", "/v1/entries", params=params))
        return [Record(start + at, SignedFact.from_json(one)) for at, one in enumerate(answer["entries"])]

    def envelopes(self, start: int, limit: int = 1000) -> list[bytes]:
        """Return entries as the ledger shows them, judged by nobody yet: for an audit."""
        params = {"start": str(start), "limit": str(limit)}
        return [
            canonical(one) for one in self._json(self._send("GET", "/v1/entries", params=params))["entries"]
        ]

    def note(self) -> str:
        """Return the newest note as the ledger shows it, judged by nobody yet: for an audit."""
        return self._send("GET", "/v1/checkpoint").text

    def consistency(self, first: int, second: int) -> list[bytes]:
        """Return the path that shall show that the log of `second` entries continues that of `first`."""
        params = {"first": str(first), "second": str(second)}
        return read_path(self._json(self._send("GET", "/v1/proofs/consistency", params=params))["path"])

    def proof_bundle(
        self, digests: Sequence[str], *, revocation_keys: Sequence[str], heads: Sequence[str] = ()
    ) -> dict[str, Any]:
        """See `Ledger.proof_bundle`."""
        asked = {"digests": list(digests), "revocations": list(revocation_keys), "heads": list(heads)}
        bundle = self._bundle(asked)
        proven = self._verified(bundle)
        if missing := [one for one in digests if one not in proven.records]:
            raise NotFound(f"the ledger did not prove {', '.join(missing)}")
        return bundle

    def _prove(self, asked: Mapping[str, Any]) -> VerifiedBundle:
        return self._verified(self._bundle(asked))

    def _bundle(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """Ask for proofs against a checkpoint that covers everything this client appended."""
        answer = self._send("POST", "/v1/proofs", json={**asked, "at_least": self._acknowledged})
        return self._json(answer)

    def _verified(self, bundle: Mapping[str, Any]) -> VerifiedBundle:
        proven = read_bundle(bundle, self._root)
        self._remember(proven.checkpoint)
        if proven.root.version > self._newest.version:
            self._newest = proven.root
        return proven

    def _admitted(self, note: str) -> Checkpoint:
        checkpoint = open_checkpoint(note, self._root)
        self._remember(checkpoint)
        return checkpoint

    def _remember(self, checkpoint: Checkpoint) -> None:
        self._memory.admit(checkpoint, self._root, self.consistency)

    def _send(self, method: str, path: str, *, tries: int = 1, **options: Any) -> httpx.Response:  # noqa: ANN401 - httpx's
        try:
            return call(self._http.request(method, path, **options))
        except httpx.TransportError as error:
            if tries > 1:
                return self._send(method, path, tries=tries - 1, **options)
            raise Unavailable(f"the ledger does not answer: {error}") from error

    @staticmethod
    def _json(response: httpx.Response) -> dict[str, Any]:
        answer = strict_json(response.content)
        if not isinstance(answer, dict):
            raise Unavailable("the ledger answered with something else than an object")
        return answer
