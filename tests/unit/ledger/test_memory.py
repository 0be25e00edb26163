"""What was last seen of a log, asked by many at once: nobody waits for a proof, and nobody is fooled by that."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from assay.errors import ServiceError
from assay.ledger import CheckpointMemory, LogForked, LogTruncated
from assay.ledger.checkpoint import Checkpoint, sign_note
from assay.ledger.cosignature import Authority
from assay.ledger.memory import Proof
from assay.ledger.tree import Tree, leaf_hash
from tests.support.ledger import Keys

ORIGIN = "assay.demo/ledger"
HANG_SECONDS = 20.0


class Signed:
    """One log key, which signs whatever trees it is given."""

    def __init__(self) -> None:
        self.keys = Keys()

    def authority_at(self, _size: int) -> Authority:
        """See `Authorities`."""
        return Authority(ORIGIN, self.keys.public_key("log"))

    def checkpoint(self, tree: Tree, size: int) -> Checkpoint:
        """Return a signed checkpoint over the first `size` leaves."""
        said = Checkpoint(ORIGIN, size, tree.root(size), b"r" * 32, b"h" * 32, 1_700_000_000_000 + size)
        note = sign_note(said, self.keys.public_key("log"), lambda data: self.keys.sign("log", data))
        return replace(said, note=note)


class Slow:
    """Proofs of a tree, held back until `go`."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self.asked, self.go = threading.Event(), threading.Event()
        self.steps: list[object] = []

    def __call__(self, first: int, second: int) -> Sequence[bytes]:
        """Return the proof between two sizes, when it may go."""
        self.asked.set()
        self.go.wait(HANG_SECONDS)
        self.steps.append((first, second))
        return self._tree.consistency(first, second)


def _tree(*entries: str) -> Tree:
    return Tree(leaf_hash(one.encode()) for one in entries)


TRUE = _tree(*"abcdefgh")
FORK = _tree(*"abcdeXYZ")


@pytest.fixture
def log() -> Signed:
    return Signed()


@pytest.fixture(params=["threads", "processes"])
def callers(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[CheckpointMemory, CheckpointMemory]:
    """Two callers of one memory: threads that share it, or processes that share its file."""
    if request.param == "threads":
        one = CheckpointMemory()
        return one, one
    return CheckpointMemory(tmp_path / "checkpoint"), CheckpointMemory(tmp_path / "checkpoint")


def _no_proof(_first: int, _second: int) -> Sequence[bytes]:
    raise AssertionError("no proof is needed")


def _meanwhile(slow: Slow, asks: Callable[[Proof], None], others: Callable[[], None]) -> ServiceError | None:
    """Return what refused a caller whose proof came only after the others were done."""
    refused: list[ServiceError] = []

    def ask() -> None:
        try:
            asks(slow)
        except ServiceError as refusal:
            refused.append(refusal)

    caller = threading.Thread(target=ask)
    caller.start()
    assert slow.asked.wait(HANG_SECONDS)
    others()
    slow.steps.append("others were done")
    slow.go.set()
    caller.join()
    assert slow.steps[0] == "others were done", "they waited for a proof that was not theirs"
    return refused[0] if refused else None


def test_nobody_waits_for_anothers_proof_and_memory_never_goes_back(
    log: Signed, callers: tuple[CheckpointMemory, CheckpointMemory]
) -> None:
    one, other = callers
    one.admit(log.checkpoint(TRUE, 3), log, _no_proof)
    slow = Slow(TRUE)
    refused = _meanwhile(
        slow,
        lambda proof: one.admit(log.checkpoint(TRUE, 5), log, proof),
        lambda: other.admit(log.checkpoint(TRUE, 8), log, TRUE.consistency),
    )
    assert refused is None
    assert slow.steps[1:] == [(3, 5), (5, 8)]  # judged anew by what was seen meanwhile
    for memory in callers:
        with pytest.raises(LogForked, match="size 8"):
            memory.admit(log.checkpoint(FORK, 8), log, _no_proof)


@pytest.mark.parametrize(("size", "refusal"), [(6, LogTruncated), (7, LogForked), (8, LogForked)])
def test_a_fork_proven_from_an_older_memory_is_refused_by_the_newer(
    log: Signed,
    callers: tuple[CheckpointMemory, CheckpointMemory],
    size: int,
    refusal: type[ServiceError],
) -> None:
    one, other = callers
    one.admit(log.checkpoint(TRUE, 3), log, _no_proof)
    slow = Slow(FORK)
    refused = _meanwhile(
        slow,
        lambda proof: one.admit(log.checkpoint(FORK, size), log, proof),
        lambda: other.admit(log.checkpoint(TRUE, 7), log, TRUE.consistency),
    )
    assert type(refused) is refusal
    assert slow.steps[1] == (3, size)  # by itself it was a proof
    one.admit(log.checkpoint(TRUE, 7), log, _no_proof)
    one.admit(log.checkpoint(TRUE, 8), log, TRUE.consistency)


def test_a_proof_that_is_not_given_leaves_memory_as_it_was(log: Signed) -> None:
    memory = CheckpointMemory()
    memory.admit(log.checkpoint(TRUE, 3), log, _no_proof)

    def down(_first: int, _second: int) -> Sequence[bytes]:
        raise ConnectionError("down")

    with pytest.raises(ConnectionError):
        memory.admit(log.checkpoint(TRUE, 8), log, down)
    memory.admit(log.checkpoint(TRUE, 5), log, TRUE.consistency)
