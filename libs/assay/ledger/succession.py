"""The next root: what the founders of the old one, and those of the new, say together.

It counts from the entry after its own. Signers and services' keys of the old root end there and stay listed, so that
what they said before goes on counting: the value is one root for the whole log.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from assay.contracts import Fact, canonical
from assay.errors import BadRequest, SignatureInvalid
from assay.ledger.root import RetiredKey, Root, SignerEntry


def succeeded(root: Root, fact: Fact, index: int) -> Root:
    """Return the root after the new-root fact at `index`.

    Raises:
        SignatureInvalid: too few founders of the old root or of the new one say it, or it follows another root.
    """
    try:
        new = Root.parse(canonical(dict(fact.body)), before=root)
    except BadRequest as error:
        raise SignatureInvalid(f"entry {index} holds no root: {error}") from error
    require_follows(root, new)
    start = index + 1
    begun = [replace(one, from_index=max(one.from_index, start)) for one in new.signers]
    ended = (_ended(one, start) for one in root.signers)
    return replace(new, signers=(*begun, *ended), retired=(*root.retired, *_retired(root, new, start)))


def require_follows(root: Root, new: Root) -> None:
    """Return when a root may come after another one, whoever says so; raises SignatureInvalid."""
    if (new.version, new.previous) != (root.version + 1, root.fingerprint):
        raise SignatureInvalid(f"version {new.version} follows another root than this version {root.version}")
    for what in ("trust_domain", "demonstration", "rp_id", "authority"):
        if getattr(new, what) != getattr(root, what):
            raise SignatureInvalid(f"a next root keeps the {what.replace('_', ' ')} of the one before it")


def _retired(root: Root, new: Root, at: int) -> Iterator[RetiredKey]:
    """Yield the services' keys that another one replaces."""
    for name, key in root.services.items():
        if new.services.get(name) != key:
            yield RetiredKey(name, key, at)


def _ended(one: SignerEntry, at: int) -> SignerEntry:
    return replace(one, until=at if one.until is None else min(one.until, at))
