"""Random changes of a log, its proofs and its checkpoints, and whether an auditor finds each and says where.

The auditor holds the root and what it kept when the log was shorter. The attacker has the store, the network and,
to fork, every key: the log's own and the witness's too. What was kept was cosigned.
"""

from __future__ import annotations

import base64
import copy
import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from assay.contracts import SignedFact
from assay.errors import SignatureInvalid
from assay.ledger.auditing import Audit, Finding, Kept, audit
from assay.ledger.auditing_proofs import audit_proofs
from assay.ledger.bundle import path_json
from assay.ledger.checkpoint import Checkpoint, open_note, sign_note
from assay.ledger.cosignature import cosign, with_cosignatures
from assay.ledger.known import Maps
from assay.ledger.record import Record
from assay.ledger.root import Root
from assay.ledger.tree import Tree, leaf_hash
from services.ledger.proofs import Asked, Proofs
from tests.support.ledger import House, revocation, run

KINDS: Final = ("flip", "delete", "insert", "reorder", "truncate", "fork")
TARGETS: Final = ("entries", "proofs", "checkpoints")


@dataclass(frozen=True)
class Log:
    """What the ledger shows: entries, its newest note, and proofs with the path from the kept checkpoint."""

    entries: tuple[bytes, ...]
    note: str
    bundle: Mapping[str, Any]
    path: tuple[str, ...]


@dataclass(frozen=True)
class Change:
    """One change: of what, how, and the place (of an entry; of a proof in its list; the size of a checkpoint)."""

    target: str
    kind: str
    of: Log
    changed: Log
    what: str
    place: int | None


@dataclass
class Tally:
    """What became of many changes."""

    made: Counter[tuple[str, str]]
    exact: Counter[tuple[str, str]]
    within: Counter[tuple[str, str]]
    missed: list[Change]
    elsewhere: list[tuple[Change, tuple[Finding, ...]]]


class World:
    """A log, what an auditor kept of its first part, and the keys to forge with."""

    def __init__(self, folder: Path) -> None:
        self.house = House(folder, witnesses=1)
        self.root: Root = self.house.root
        with self.house.open() as log, self.house.watched(log):
            self.house.found(log)
            previous = None
            for n in range(6):
                previous = log.append(self.house.signer.sign(run("chain", previous=previous))).digest
                log.append(self.house.signer.sign(run(f"r-{n}")))
            early = log.append(self.house.signer.sign(revocation("a" * 64)))
            self._kept_size = early.index + 1
            seen = log.publisher.covering(self._kept_size, 10).checkpoint
            self._kept_size = seen.size
            for n in range(4):
                previous = log.append(self.house.signer.sign(run("chain", previous=previous))).digest
                log.append(self.house.signer.sign(revocation(f"{n}" * 64)))
            size = log.tree.size
            note = log.publisher.covering(size, 10).checkpoint.note
            self.asked = self._asked([one.digest for one in log.entries(0, size)])
            bundle = Proofs(log).bundle(
                Asked(self.asked["entries"], self.asked["revocations"], self.asked["heads"])
            )
            path = tuple(path_json(log.tree.consistency(seen.size, size)))
            entries = tuple(log.rows.bodies(0, size))
        self.clean = Log(entries, note, bundle, path)
        leaves = b"".join(leaf_hash(entry) for entry in entries[: seen.size])
        self.kept = Kept(seen, leaves)
        self._read = lru_cache(256)(self._verified)

    def audit(self, log: Log) -> Audit:
        """Audit the entries and the note."""
        return audit(enumerate(log.entries), [log.note], self.root, self.kept, read=self._read)

    def audit_proofs(self, log: Log) -> tuple[Finding, ...]:
        """Audit the proofs."""
        return audit_proofs(log.bundle, log.path, self.root, self.kept, self.asked)

    def _verified(self, entry: bytes) -> SignedFact:
        """Open an entry; a signature that holds need not be verified again with the next change."""
        signed = SignedFact.from_bytes(entry)
        try:
            return self.root.verified(signed)
        except SignatureInvalid:
            return signed

    def note_over(self, entries: tuple[bytes, ...], *, time_ms: int = 0) -> str:
        """Sign a checkpoint over any entries with every key there is."""
        tree, maps = Tree(map(leaf_hash, entries)), Maps()
        records = [Record(at, SignedFact.from_bytes(entry)) for at, entry in enumerate(entries)]
        maps = maps.after(records)
        newest = open_note(self.clean.note, self.root.log_origin, self.root.log_key_pem)
        unsigned = replace(
            newest,
            size=len(entries),
            root=tree.root(),
            revocations=maps.revocations.root,
            heads=maps.heads.root,
            time_ms=time_ms or newest.time_ms,
        )
        return self.signed(unsigned)

    def signed(self, unsigned: Checkpoint) -> str:
        """Sign anything with the log's own key, and with the witness's."""
        note = sign_note(unsigned, self.root.log_key_pem, lambda data: self.house.keys.sign("log", data))
        opened = open_note(note, self.root.log_origin, self.root.log_key_pem)
        (witness,) = self.root.authority.witnesses
        line = cosign(opened, witness, self.house.witnesses[0].sign, unsigned.time_ms // 1000)
        return with_cosignatures(opened, [line])

    def forged(self, name: str) -> bytes:
        """Return a fact with a good signature that nobody appended."""
        return self.house.signer.sign(run(name)).to_bytes()

    def _asked(self, digests: list[str]) -> dict[str, list[str]]:
        return {
            "entries": digests[3:9],
            "revocations": ["a" * 64, "f" * 64, "0" * 64],
            "heads": ["run/chain", "policy", "run/none"],
        }


def changes(world: World, seed: int) -> Iterator[Change]:
    """Yield random changes for ever, every target and kind in turn."""
    dice = random.Random(seed)  # noqa: S311 - which changes are tried, again when asked again
    makers: dict[str, Callable[[World, str, random.Random], Change | None]] = {
        "entries": _of_entries,
        "proofs": _of_proofs,
        "checkpoints": _of_checkpoint,
    }
    while True:
        for target in TARGETS:
            for kind in KINDS:
                while (made := makers[target](world, kind, dice)) is None or made.changed == world.clean:
                    pass
                yield made


def judged(world: World, tried: Iterator[Change], count: int) -> Tally:
    """Audit that many changes."""
    tally = Tally(Counter(), Counter(), Counter(), [], [])
    for change, _ in zip(tried, range(count), strict=False):
        found = (
            world.audit_proofs(change.changed)
            if change.target == "proofs"
            else world.audit(change.changed).findings
        )
        key = (change.target, change.kind)
        tally.made[key] += 1
        if not found:
            tally.missed.append(change)
        elif any(_is_exactly(one, change) for one in found):
            tally.exact[key] += 1
        elif any(_holds(one, change) for one in found):
            tally.within[key] += 1
        else:
            tally.elsewhere.append((change, found))
    return tally


def _is_exactly(found: Finding, change: Change) -> bool:
    if found.what != change.what or change.place is None:
        return found.what == change.what
    until = (
        len(change.of.entries) - 1 if change.kind == "truncate" and change.what == "entry" else change.place
    )
    return (found.first, found.last) == (change.place, until)


def _holds(found: Finding, change: Change) -> bool:
    return (
        found.what == change.what and change.place is not None and found.first <= change.place <= found.last
    )


def _of_entries(world: World, kind: str, dice: random.Random) -> Change:
    clean = world.clean
    entries = list(clean.entries)
    at = dice.randrange(len(entries))
    note = clean.note
    match kind:
        case "flip":
            entries[at] = _flipped(entries[at], dice)
        case "delete":
            del entries[at]
        case "insert":
            added = dice.choice([world.forged(f"forged-{dice.random()}"), dice.choice(entries)])
            entries.insert(at, added)
            at += entries[at + 1 : at + 2] == [added]  # of two alike the second is the one too many
        case "reorder":
            other = dice.choice([one for one in range(len(entries)) if one != at])
            entries[at], entries[other] = entries[other], entries[at]
            at = min(at, other)
        case "truncate":
            del entries[at:]
        case _:
            at = dice.randrange(1, world.kept.checkpoint.size)
            entries[at:] = [world.forged(f"forged-{dice.random()}") for _ in entries[at:]]
            note = world.note_over(tuple(entries))
    return Change("entries", kind, clean, replace(clean, entries=tuple(entries), note=note), "entry", at)


def _of_proofs(world: World, kind: str, dice: random.Random) -> Change | None:
    bundle = copy.deepcopy(dict(world.clean.bundle))
    member = dice.choice(("entries", "revocations", "heads", "path"))
    if member == "path":
        path = list(world.clean.path)
        if not _changed_path(path, kind, dice):
            return None
        made = replace(world.clean, path=tuple(path))
        return Change("proofs", kind, world.clean, made, "consistency proof", None)
    at = dice.randrange(len(bundle[member]))
    proof = bundle[member][at]
    path = proof["path"] if member == "entries" else proof["proof"]["siblings"]
    if not _changed_path(path, kind, dice):
        return None
    what = "entry proof" if member == "entries" else f"{member} proof"
    return Change("proofs", kind, world.clean, replace(world.clean, bundle=bundle), what, at)


def _changed_path(path: list[str], kind: str, dice: random.Random) -> bool:
    """Change a path in place; return False where there is nothing to change."""
    if not path:
        return False
    at = dice.randrange(len(path))
    before = list(path)
    match kind:
        case "flip":
            path[at] = _flipped(path[at].encode(), dice).decode("latin-1")
        case "delete":
            del path[at]
        case "insert":
            path.insert(at, dice.choice([*path, base64.b64encode(dice.randbytes(32)).decode()]))
        case "reorder":
            other = dice.randrange(len(path))
            path[at], path[other] = path[other], path[at]
        case "truncate":
            del path[at:]
        case _:  # the path of another tree
            path[:] = [base64.b64encode(dice.randbytes(32)).decode() for _ in path]
    return path != before


def _of_checkpoint(world: World, kind: str, dice: random.Random) -> Change:
    note = world.clean.note
    lines = note.split("\n")
    at = dice.randrange(len(lines))
    match kind:
        case "flip":
            note = _flipped(note.encode(), dice).decode("utf-8", "replace")
        case "delete":
            del lines[at]
            note = "\n".join(lines)
        case "insert":
            lines.insert(at, dice.choice(lines))
            note = "\n".join(lines)
        case "reorder":
            other = dice.randrange(len(lines))
            lines[at], lines[other] = lines[other], lines[at]
            note = "\n".join(lines)
        case "truncate":
            note = note[: dice.randrange(len(note))]
        case _:
            note = _forked(world, dice)
    return Change("checkpoints", kind, world.clean, replace(world.clean, note=note), "checkpoint", None)


def _forked(world: World, dice: random.Random) -> str:
    """Sign, with every key there is, what is not so: another root, other maps, another time, an earlier size."""
    newest = open_note(world.clean.note, world.root.log_origin, world.root.log_key_pem)
    kept = world.kept.checkpoint
    lies = [
        replace(newest, size=kept.size, root=dice.randbytes(32)),
        replace(newest, size=kept.size, heads=dice.randbytes(32)),
        replace(newest, size=kept.size, revocations=dice.randbytes(32)),
        replace(newest, time_ms=kept.time_ms - 1 - dice.randrange(1000)),
        replace(kept, size=dice.randrange(1, kept.size)),
    ]
    return world.signed(dice.choice(lies))


def _flipped(data: bytes, dice: random.Random) -> bytes:
    at = dice.randrange(len(data))
    return data[:at] + bytes([data[at] ^ 1 << dice.randrange(8)]) + data[at + 1 :]


def clean_copies(world: World) -> Iterator[tuple[Finding, ...]]:
    """Audit the log as it was at every size since the kept checkpoint, and every proof; yield what is found."""
    clean = world.clean
    for size in range(world.kept.checkpoint.size, len(clean.entries) + 1):
        entries = clean.entries[:size]
        shown = replace(clean, entries=entries, note=world.note_over(entries))
        for _ in range(20):
            yield world.audit(shown).findings
            yield world.audit_proofs(clean)
