"""The journal: durable before acknowledged, found again by key, and a reason to stop when it cannot land."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from assay.contracts import canonical
from assay.journal import (
    AsyncJournal,
    Draft,
    Journal,
    JournalBroken,
    JournalFull,
    JournalLate,
    JournalUnsent,
    Lander,
)
from assay.ledger import tree
from tests.unit.journal.conftest import OWNER, Opens
from tests.unit.journal.log import Log

FOREVER = """
import sys
from pathlib import Path
from assay.journal import Journal
journal = Journal(Path(sys.argv[1]), lease_seconds=60)
while True:
    print(journal.append({"type": "test"}), flush=True)
"""


def test_indexes_count_up_from_zero_and_go_on_after_a_restart(opens: Opens) -> None:
    first = opens()
    assert [first.append({"n": n}) for n in range(3)] == [0, 1, 2]
    first.close()
    assert opens().append({"n": 3}) == 3


def test_a_record_is_found_by_its_key_as_the_canonical_bytes(opens: Opens) -> None:
    journal = opens()
    journal.append({"b": 1, "a": "ü"}, key="r-1")
    found = journal.find("r-1")
    assert found is not None
    entry, landed = found
    assert entry.body == canonical({"a": "ü", "b": 1})
    assert landed is None
    assert journal.find("r-2") is None


def test_kill_9_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    path = tmp_path / "killed.db"
    writer = subprocess.Popen(
        [sys.executable, "-c", FOREVER, str(path)], stdout=subprocess.PIPE, text=True, bufsize=1
    )
    assert writer.stdout is not None
    acknowledged = [int(writer.stdout.readline()) for _ in range(50)]
    os.kill(writer.pid, signal.SIGKILL)
    acknowledged += [int(line) for line in writer.stdout.read().split("\n")[:-1]]
    writer.wait()
    writer.stdout.close()
    journal = Journal(path, lease_seconds=60)
    after = journal.append({"type": "test"})
    journal.close()
    assert acknowledged == list(range(len(acknowledged)))
    assert after >= len(acknowledged)


def test_many_writers_get_an_index_each_and_no_index_twice(opens: Opens) -> None:
    journal = opens()
    with ThreadPoolExecutor(16) as pool:
        indexes = list(pool.map(lambda n: journal.append({"n": n}), range(400)))
    assert sorted(indexes) == list(range(400))


def test_a_landed_record_proves_its_place_under_the_root_in_the_ledger(opens: Opens) -> None:
    journal, log = opens(), Log()
    for n in range(5):
        journal.append({"n": n}, key=f"r-{n}")
    Lander(journal, log, OWNER).land()
    found = journal.find("r-3")
    assert found is not None
    entry, landed = found
    assert landed is not None
    body = log.records[0].fact.body
    tree.verify_inclusion(
        tree.leaf_hash(entry.body), landed.index, landed.size, landed.path, bytes.fromhex(body["root"])
    )
    assert (landed.index, landed.size, landed.fact) == (3, 5, log.records[0].digest)


def test_a_full_journal_stops_its_service_until_it_has_landed(opens: Opens) -> None:
    journal, log = opens(capacity=2), Log()
    journal.append({"n": 0})
    journal.require_room()
    journal.append({"n": 1})
    with pytest.raises(JournalFull):
        journal.require_room()
    Lander(journal, log, OWNER).land()
    journal.require_room()


def test_a_record_that_waits_past_the_lease_stops_its_service(opens: Opens) -> None:
    now = [100.0]
    journal, log = opens(lease_seconds=5, monotonic=lambda: now[0]), Log()
    journal.append({"n": 0})
    now[0] += 4
    journal.append({"n": 1})
    journal.require_room()
    now[0] += 2
    with pytest.raises(JournalLate):
        journal.require_room()
    Lander(journal, log, OWNER).land()
    journal.require_room()


def test_what_a_restart_left_behind_stops_its_service_until_it_has_landed(opens: Opens) -> None:
    before = opens()
    before.append({"n": 0})
    before.close()
    after, log = opens(), Log()
    with pytest.raises(JournalUnsent):
        after.require_room()
    Lander(after, log, OWNER).land()
    after.require_room()
    assert log.records[0].fact.body["count"] == 1


def test_a_disk_that_refuses_breaks_the_journal_for_good(opens: Opens) -> None:
    journal = opens()
    journal.append({"n": 0}, key="same")
    with pytest.raises(JournalBroken):
        journal.append({"n": 1}, key="same")
    with pytest.raises(JournalBroken):
        journal.append({"n": 2})
    with pytest.raises(JournalBroken):
        journal.require_room()


def test_what_was_enqueued_is_durable_with_the_next_commit_and_before_it(opens: Opens) -> None:
    journal = opens()
    journal.enqueue(Draft(b"{}", "first"))
    assert journal.append({"n": 1}) == 1
    journal.enqueue(Draft(b"{}", "last"))
    journal.close()
    after = opens()
    assert after.find("first") is not None
    assert after.find("last") is not None


def test_a_closed_journal_takes_nothing(opens: Opens) -> None:
    journal = opens()
    journal.close()
    with pytest.raises(JournalBroken):
        journal.append({"n": 0})


def test_one_turn_of_a_loop_is_one_commit_and_everybody_gets_their_index(opens: Opens) -> None:
    journal = opens()

    async def many() -> list[int]:
        appends = AsyncJournal(journal)
        return await asyncio.gather(*(appends.append(Draft(b"{}", f"k{n}")) for n in range(100)))

    assert asyncio.run(many()) == list(range(100))


def test_a_request_that_was_given_up_does_not_stop_the_others(opens: Opens) -> None:
    journal = opens()

    async def one_gives_up() -> int:
        appends = AsyncJournal(journal)
        given_up = asyncio.ensure_future(appends.append(Draft(b"{}", "given-up")))
        await asyncio.sleep(0)
        given_up.cancel()
        return await appends.append(Draft(b"{}"))

    assert asyncio.run(one_gives_up()) == 1
    assert journal.find("given-up") is not None


def test_a_broken_journal_tells_every_coroutine_that_waits(opens: Opens) -> None:
    journal = opens()

    async def many() -> list[int | BaseException]:
        appends = AsyncJournal(journal)
        waiting = [appends.append(Draft(b"{}", "same")) for _ in range(3)]
        return await asyncio.gather(*waiting, return_exceptions=True)

    assert all(isinstance(answer, JournalBroken) for answer in asyncio.run(many()))
