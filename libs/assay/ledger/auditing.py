"""An audit: everything recomputed from the entries by nobody's word but the root's, and every change located.

An auditor keeps a checkpoint and the leaf hashes under it (`Kept`, 32 bytes an entry, checked against that
checkpoint's root): what was changed since is then named by its index. What came later is judged by signatures,
assertions and the order of heads, entry by entry, and lies otherwise between two checkpoints.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from assay.contracts import SignedFact
from assay.errors import ServiceError
from assay.ledger.admission import admit
from assay.ledger.checkpoint import Checkpoint
from assay.ledger.errors import LogForked
from assay.ledger.known import Known, Maps, revocations_of
from assay.ledger.record import Record
from assay.ledger.root import Root
from assay.ledger.spelling import open_exactly, said_size
from assay.ledger.tree import HASH, Tree, leaf_hash, root_of

MOST_FINDINGS: Final = 50


@dataclass(frozen=True)
class Finding:
    """Something that is not what was signed: `what` it is, the entries from `first` to `last` it lies among, why."""

    what: str
    first: int
    last: int
    why: str

    def __str__(self) -> str:
        where = f"{self.first}" if self.first == self.last else f"{self.first} to {self.last}"
        return f"{self.what} {where}: {self.why}"


@dataclass(frozen=True)
class Kept:
    """What an auditor kept: a checkpoint, and the leaf hashes it covers, joined; b"" when only the checkpoint is."""

    checkpoint: Checkpoint
    leaves: bytes = field(default=b"", repr=False)

    def require_whole(self) -> None:
        """Return when the leaves are the checkpoint's; raises LogForked: our own memory is damaged."""
        if self.leaves and root_of(leaves_of(self.leaves)) != self.checkpoint.root:
            raise LogForked(
                "the leaf hashes kept from the last audit are not those of the checkpoint kept beside them",
                fix="restore them, or audit anew with a checkpoint that somebody else kept",
            )


@dataclass(frozen=True)
class Audit:
    """What an audit found. `kept` is for the next one: None while anything was found, or nothing is signed."""

    size: int
    findings: tuple[Finding, ...]
    kept: Kept | None


def audit(
    entries: Iterable[tuple[int, bytes]],
    notes: Sequence[str],
    root: Root,
    kept: Kept | None = None,
    *,
    witnessed: bool = True,
    read: Callable[[bytes], SignedFact] = SignedFact.from_bytes,
) -> Audit:
    """Recompute a log from its entries (index and canonical envelope, in order) and its signed notes.

    The notes may be one, the newest, or all that were saved; each is judged; without `witnessed` the
    log's own signature is enough for them, but not for what was kept. `read` opens an entry, and may verify its
    signature beforehand (`Root.verified`). Raises LogForked when what was kept is damaged itself; whatever is wrong
    with the log is a finding.
    """
    if kept is not None:
        kept.require_whole()
    auditor = _Auditor(root, kept, read)
    auditor.take_notes(notes, witnessed=witnessed)
    for index, entry in entries:
        auditor.take(index, entry)
    return auditor.done()


class _Auditor:
    def __init__(self, root: Root, kept: Kept | None, read: Callable[[bytes], SignedFact]) -> None:
        self._read = read
        self._root = root
        self._kept = kept
        self._known = Known(root)
        self._tree = Tree()
        self._maps = Maps()
        self._pending: list[Record] = []
        self._digests: set[str] = set()
        self._leaves: list[bytes] = []
        self._signed: dict[int, Checkpoint] = {}
        self._against: list[int] = []  # sizes whose checkpoints do not agree, so far
        self._good = 0  # the size up to which a checkpoint agrees
        self._moved = False  # an entry is not where it was kept: those after it are not compared
        self._findings: list[Finding] = []
        if kept is not None:
            self._signed[kept.checkpoint.size] = kept.checkpoint

    def take_notes(self, notes: Sequence[str], *, witnessed: bool) -> None:
        """Judge every note by itself, and against the others of its size."""
        opened = [one for note in notes if (one := self._opened(note, witnessed=witnessed)) is not None]
        for one in sorted(opened, key=lambda one: (one.size, one.time_ms)):
            other = self._signed.setdefault(one.size, one)
            if not one.same_log(other):
                self._find("checkpoint", one.size, one.size, "another one of this size was signed: a fork")
        newest = 0
        for size in sorted(self._signed):
            if self._signed[size].time_ms < newest:
                self._find("checkpoint", size, size, "dated before one of a smaller size")
            newest = max(newest, self._signed[size].time_ms)
        if self._kept is not None and max(self._signed) == self._kept.checkpoint.size and opened:
            self._behind(max(one.size for one in opened), self._kept.checkpoint.size)

    def _behind(self, newest: int, seen: int) -> None:
        if newest < seen:
            self._find(
                "checkpoint", newest, newest, f"one of size {seen} was seen before: the log was shortened"
            )

    def take(self, index: int, entry: bytes) -> None:
        """Take the next entry."""
        expected = len(self._leaves)
        if index != expected:
            self._find(
                "entry", min(index, expected), expected, f"entry {index} stands where {expected} should"
            )
        leaf = leaf_hash(entry)
        self._compare_kept(expected, leaf)
        self._leaves.append(leaf)
        self._judge(expected, entry)
        self._tree.extend([leaf])
        if (signed := self._signed.get(expected + 1)) is not None:
            self._compare_signed(signed)

    def done(self) -> Audit:
        """Say what was found."""
        size = len(self._leaves)
        if (signed := max(self._signed, default=0)) > size:
            first = size if self._as_kept(size) else self._good
            self._find("entry", first, signed - 1, f"missing here: {signed} were signed and {size} are there")
        for size in self._against[:1]:
            self._find("entry", self._good, size - 1, f"not what the checkpoint of size {size} signs")
        covered = self._signed.get(max((one for one in self._signed if one <= size), default=-1))
        clean = covered is not None and not self._findings
        kept = Kept(covered, b"".join(self._leaves[: covered.size])) if clean and covered else None
        return Audit(
            size, tuple(sorted(self._findings, key=lambda one: (one.last - one.first, one.first))), kept
        )

    def _as_kept(self, size: int) -> bool:
        """Say whether the first `size` entries are all known to be those that were kept."""
        return self._kept is not None and not self._moved and HASH * size <= len(self._kept.leaves)

    def _opened(self, note: str, *, witnessed: bool) -> Checkpoint | None:
        size = said_size(note)
        try:
            return open_exactly(note, self._root, witnessed=witnessed)
        except ServiceError as error:
            self._find("checkpoint", size, size, error.detail)
            return None

    def _compare_kept(self, index: int, leaf: bytes) -> None:
        if self._kept is None or self._moved or HASH * index >= len(self._kept.leaves):
            return
        was = self._kept.leaves[HASH * index : HASH * index + HASH]
        if leaf == was:
            return
        self._moved = True
        after = self._kept.leaves[HASH * (index + 1) : HASH * (index + 2)]
        why = "not the entry that was kept"
        if leaf == after:
            why = "the entry that was kept here is gone and the next one stands in its place, or they changed places"
        self._find("entry", index, index, why)

    def _judge(self, index: int, entry: bytes) -> None:
        """Whether the entry counts at its place; what it says is taken into account even when it does not."""
        try:
            record = Record(index, self._read(entry))
        except ServiceError as error:
            self._find("entry", index, index, f"no envelope: {error.detail}")
            return
        if record.digest in self._digests:
            self._find("entry", index, index, "the same fact stands in the log before")
        if record.fact.previous != self._known.heads.get(record.about):
            self._find("entry", index, index, f"it does not follow the head of {record.about}")
        try:
            admit(self._known, record.signed, index, self._tree.root)
        except ServiceError as error:
            self._find("entry", index, index, f"it does not count: {error.detail}")
        self._digests.add(record.digest)
        try:
            self._known.apply(record)
            revocations_of([record])
        except (ServiceError, ValueError) as error:
            self._find("entry", index, index, f"it says nothing that can be read: {error}")
        else:
            self._pending.append(record)

    def _compare_signed(self, signed: Checkpoint) -> None:
        self._maps, self._pending = self._maps.after(self._pending), []
        roots = (self._tree.root(), self._maps.revocations.root, self._maps.heads.root)
        if roots != (signed.root, signed.revocations, signed.heads):
            self._against.append(signed.size)
            return
        self._good = signed.size
        for size in self._against:
            self._find(
                "checkpoint", size, size, "it signs something else than the entries, and a later one does not"
            )
        self._against.clear()

    def _find(self, what: str, first: int, last: int, why: str) -> None:
        if len(self._findings) < MOST_FINDINGS:
            self._findings.append(Finding(what, first, last, why))


def leaves_of(leaves: bytes) -> list[bytes]:
    """Return joined leaf hashes one by one."""
    return [leaves[at : at + HASH] for at in range(0, len(leaves), HASH)]
