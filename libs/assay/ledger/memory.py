"""What we last saw of a log: one that contradicts it is refused, whatever it now signs."""

from __future__ import annotations

import fcntl
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from assay.errors import BadRequest, NotFound, SignatureInvalid
from assay.ledger.checkpoint import Checkpoint
from assay.ledger.cosignature import Authorities, open_checkpoint
from assay.ledger.errors import LogForked, LogTruncated, NotWitnessed
from assay.ledger.tree import verify_consistency

Proof = Callable[[int, int], Sequence[bytes]]


class CheckpointMemory:
    """The largest checkpoint seen, kept in a file when there is a path; safe for threads and processes."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._last: Checkpoint | None = None

    def admit(self, new: Checkpoint, root: Authorities, consistency: Proof) -> None:
        """Remember a verified checkpoint after it has shown that it continues the last one.

        `consistency(first, second)` fetches the proof between two sizes. Nobody waits for anybody's proof: it is
        fetched with no lock held, and counts only while what it starts from is still the last one seen.

        Raises:
            LogTruncated: the log is shorter than it was and cannot show where the rest is.
            LogForked: it is another log than the one we saw, or our own memory of it is damaged.
        """
        with self._alone():
            last = self._recall(root)
            if last is None:
                self._remember(new)
        while last is not None and _continues(last, new, consistency):
            with self._alone():
                seen = self._recall(root)
                if seen is None or seen == last:
                    self._remember(new)
                    return
            last = seen  # another one was remembered meanwhile: compared with that

    def _recall(self, root: Authorities) -> Checkpoint | None:
        if self._path is None:
            return self._last
        try:
            note = self._path.read_text()
        except FileNotFoundError:
            return None
        if self._last is None or self._last.note != note:
            try:
                self._last = open_checkpoint(note, root)
            except (SignatureInvalid, NotWitnessed) as error:
                raise LogForked(f"{self._path} holds no checkpoint of this log: {error}") from error
        return self._last

    def _remember(self, checkpoint: Checkpoint) -> None:
        self._last = checkpoint
        if self._path is None:
            return
        partial = self._path.with_name(self._path.name + ".partial")
        with partial.open("w") as file:
            file.write(checkpoint.note)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(self._path)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Let one thread of one process at a time compare and remember; nothing is fetched in here."""
        with self._lock:
            if self._path is None:
                yield
                return
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.with_name(self._path.name + ".lock").open("w") as file:
                fcntl.flock(file, fcntl.LOCK_EX)
                yield


def _continues(last: Checkpoint, new: Checkpoint, consistency: Proof) -> bool:
    """Return whether `new` is further on; raises when the two cannot be of one log."""
    if new.size == last.size:
        if not new.same_log(last):
            raise LogForked(f"two different checkpoints of size {new.size} were signed")
        return False
    older, newer = sorted((last, new), key=lambda one: one.size)
    refusal = LogTruncated if new is older else LogForked
    if older.size == 0:
        return new is newer
    try:
        path = consistency(older.size, newer.size)
        verify_consistency(older.size, newer.size, path, older.root, newer.root)
    except (SignatureInvalid, NotFound, BadRequest) as error:
        raise refusal(
            f"the log shows size {new.size} and cannot prove that it continues size {last.size}: {error}"
        ) from error
    return new is newer
