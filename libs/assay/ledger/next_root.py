"""A next root before it is one: what would change, and whose word it still takes.

Founders of the root in force and of the next one say the very same statement, each root's threshold of them. The
digest they are shown, SHA-256 of the canonical statement, is the fingerprint of the root it becomes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self

from assay.contracts import Assertion, canonical
from assay.errors import Conflict, Forbidden, SignatureInvalid
from assay.ledger.root import Root, keyid_of, root_document
from assay.ledger.succession import require_follows

_SHORT = 16  # characters of an id, where people compare


class DraftStale(Conflict):
    """The drafted root follows another root than the one in force: it can never count."""

    fix = "withdraw the draft and make a new one: `assay rotate signing --withdraw`, `assay rotate signing`"


@dataclass(frozen=True)
class Change:
    """One thing that differs: how it is in force, and how it would be; "" where it is not there."""

    what: str
    before: str
    after: str

    def __str__(self) -> str:
        if not (self.before and self.after):
            return f"{self.what} {self.after or self.before} {'comes' if self.after else 'goes'}"
        return f"{self.what}: {self.before} -> {self.after}"


@dataclass(frozen=True)
class Quorum:
    """One root's founders before a draft: how many it takes, who said it, who may still."""

    needed: int
    said: tuple[str, ...]
    waiting: tuple[str, ...]

    @property
    def met(self) -> bool:
        """Whether it is enough."""
        return len(self.said) >= self.needed


@dataclass(frozen=True)
class NextRoot:
    """A drafted root beside the one in force; it counts for nothing. `statement` is what founders say."""

    root: Root
    new: Root
    statement: Mapping[str, Any]

    @classmethod
    def drafted(cls, root: Root, statement: Mapping[str, Any]) -> Self:
        """Return a draft that may follow `root`.

        Raises:
            BadRequest: it is no root.
            DraftStale: it follows another one.
            SignatureInvalid: it changes what a next root keeps.
        """
        new = Root.unsaid(statement)
        if (new.version, new.previous) != (root.version + 1, root.fingerprint):
            raise DraftStale(f"the draft follows another root than version {root.version}, which is in force")
        require_follows(root, new)
        return cls(root, new, dict(statement))

    @property
    def digest(self) -> str:
        """What is signed, as hex; the fingerprint of the root it becomes."""
        return self.new.fingerprint

    @property
    def text(self) -> str:
        """The canonical statement: the very bytes whose SHA-256 is signed."""
        return canonical(dict(self.statement)).decode()

    def speaks(self, assertion: Assertion) -> None:
        """Return when a founder of one of the two roots says exactly this.

        Raises:
            SignatureInvalid: it says something else, or does not verify.
            Forbidden: it is by no founder, or with another passkey than a root names.
        """
        if canonical(assertion.statement) != canonical(dict(self.statement)):
            raise SignatureInvalid(
                f"{assertion.person} signed something else than this draft",
                fix="look at the draft as it is now, and sign that",
            )
        credential = self.root.credential(assertion.person, assertion.credential_id) or self.new.credential(
            assertion.person, assertion.credential_id
        )
        if credential is None:
            raise Forbidden(
                f"{assertion.person} is no founder with that passkey",
                fix="founders sign, each with the passkey that the root, or the next one, names",
            )
        self.root.verify_person(assertion, credential)

    def quorums(self, assertions: Iterable[Assertion]) -> tuple[Quorum, Quorum]:
        """Return what the root in force and the next one each still need; a founder counts once in each."""
        used = {(one.person, one.credential_id) for one in assertions}
        return _quorum(self.root, used), _quorum(self.new, used)

    def document(self, assertions: Iterable[Assertion]) -> bytes:
        """Return the bytes of the root.json it becomes, if it takes no more."""
        return root_document(self.statement, assertions)

    def changes(self) -> list[Change]:
        """Return all that differs but version and what it follows, in words and ids."""
        old, new = _described(self.root), _described(self.new)
        found = [
            Change(what, old.get(what, ""), new.get(what, ""))
            for what in dict.fromkeys([*old, *new])
            if old.get(what) != new.get(what)
        ]
        return [*_keys_changed(self.root, self.new), *found]


def _quorum(root: Root, used: set[tuple[str, str]]) -> Quorum:
    said = tuple(one.person for one in root.founders if (one.person, one.credential_id) in used)
    waiting = tuple(one.person for one in root.founders if one.person not in said)
    return Quorum(root.threshold, said, waiting)


def _described(root: Root) -> dict[str, str]:
    """Return what founders compare, by name; keys of facts are told apart."""
    return {
        "expires": root.expires.isoformat(),
        "founders that must say the one after": str(root.threshold),
        "origins of passkeys": ", ".join(sorted(root.origins)),
        **{f"passkey of founder {one.person}": one.credential_id[:_SHORT] for one in root.founders},
        **{f"key of {name}": keyid_of(pem)[:_SHORT] for name, pem in sorted(root.services.items())},
    }


def _keys_changed(root: Root, new: Root) -> Iterator[Change]:
    """Yield the keys of facts that stop counting, and those that begin to, by who says what with them."""
    old, later = _listed(root), _listed(new)
    for what in dict.fromkeys([*old, *later]):
        before, after = old.get(what, set()), later.get(what, set())
        if before != after:
            yield Change(what, _ids(before), _ids(after))


def _listed(root: Root) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for one in root.signers:
        if one.until is None:
            where = f" in {', '.join(one.environments)}" if one.environments else ""
            by = one.identity.removeprefix(f"spiffe://{root.trust_domain}")
            found.setdefault(f"key of {one.kind} facts by {by}{where}", set()).add(one.keyid)
    return found


def _ids(keyids: Iterable[str]) -> str:
    return ", ".join(sorted(one[:_SHORT] for one in keyids))
