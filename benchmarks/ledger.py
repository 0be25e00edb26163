"""The ledger beside raw SQLite, a bare listener and bare elliptic curves, in one run.

Every append is durable before it is acknowledged. "At the store" the envelopes are parsed and their signatures
verified beforehand, as the ledger does before its writer; "with admission" that is part of what is measured.
"""

from __future__ import annotations

import asyncio
import gc
import os
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from starlette.types import Receive, Scope, Send

from assay.contracts import SignedFact, SpiffeId
from assay.ledger import Record
from assay.ledger.auditing import audit
from assay.ledger.checkpoint import Checkpoint, sign_note
from assay.ledger.known import head_key
from assay.ledger.maps import map_of
from assay.ledger.tree import Tree, leaf_hash
from benchmarks.ledger_parts.facts import admitted, chains, rows, signed
from benchmarks.ledger_parts.listener import Authority, listening, load
from benchmarks.report import Row
from services.ledger.adapters.sqlite import SqliteRows
from services.ledger.log import Log
from services.ledger.ports import Row as Entry
from services.ledger.proofs import Asked, Proofs
from services.ledger.waiting import Prepared
from tests.support.ledger import DOMAIN, House

ROUNDS: Final = 3
EACH: Final = {1: 700, 8: 250, 64: 60, 512: 16}  # appends a writer and round
AIMS: Final = {1: "p50 ≤ 0.6 ms", 64: "≥ 15,000/s", 512: "≥ 40,000/s"}
CONNECTIONS: Final = 64
MILLION: Final = int(os.environ.get("ASSAY_BENCH_ENTRIES", "1000000"))
TRAINING: Final = f"spiffe://{DOMAIN}/svc/core/training"


def run() -> Iterator[Row]:
    """Measure."""
    for writers in EACH:
        yield _at_the_store(writers)
    yield _with_admission()
    yield _over_https()
    yield _verified_with_signatures()
    yield from _million()


def _at_the_store(writers: int) -> Row:
    ours: list[float] = []
    raw: list[float] = []
    seconds: list[float] = []
    with TemporaryDirectory() as folder:
        house = House(Path(folder))
        with house.open() as log, closing(SqliteRows(Path(folder) / "raw.db", create=True)) as peer:
            house.found(log)
            for turn in range(ROUNDS):
                waiting = [admitted(house, one) for one in chains(writers, EACH[writers], named=f"r{turn}")]
                gc.freeze()
                ours.append(_rate(writers, asyncio.run(_appended(log, waiting, seconds))))
                raw.append(_rate(writers, _raw(peer, waiting)))
    return Row(
        f"durable appends at the store, {writers} writer{'s' if writers > 1 else ''}",
        f"{_per_second(ours)} (p50 {_ms(seconds, 50)}, p99 {_ms(seconds, 99)})",
        f"{_per_second(raw)} raw SQLite, commits of {writers}",
        f"{statistics.median(ours) / statistics.median(raw):.2f}",
        AIMS.get(writers, ""),
        "one Python process: deciding and waking tasks share a core's lock with the event loop"
        if writers == 512
        else "",
    )


async def _appended(log: Log, waiting: Sequence[Sequence[Prepared]], seconds: list[float]) -> float:
    async def write(chain: Sequence[Prepared]) -> None:
        for one in chain:
            start = time.perf_counter()
            await log.placed(one)
            seconds.append(time.perf_counter() - start)

    start = time.perf_counter()
    await asyncio.gather(*map(write, waiting))
    return time.perf_counter() - start


def _raw(peer: SqliteRows, waiting: Sequence[Sequence[Prepared]]) -> float:
    """Commit the same rows in groups of one a writer, with nothing decided and nobody told."""
    size = peer.size()
    groups = []
    for at in range(len(waiting[0])):
        group = []
        for chain in waiting:
            fact = chain[at].signed.fact
            group.append(
                Entry(size, bytes.fromhex(fact.digest), fact.kind.value, fact.about, chain[at].entry)
            )
            size += 1
        groups.append(group)
    start = time.perf_counter()
    for group in groups:
        peer.commit(group)
    return time.perf_counter() - start


def _rate(writers: int, seconds: float) -> float:
    return writers * EACH[writers] / seconds


def _with_admission() -> Row:
    with TemporaryDirectory() as folder:
        house = House(Path(folder))
        facts = [signed(house, one) for one in chains(CONNECTIONS, 40, named="r")]
        count = sum(map(len, facts))
        with house.open() as log:
            house.found(log)
            start = time.perf_counter()
            asyncio.run(_all_admitted(log, facts))
            ours = count / (time.perf_counter() - start)
        bare = _verifications(house, [fact for one in facts for fact in one])
    return Row(
        f"the same with admission, {CONNECTIONS} writers: parsing, P-256, placing",
        f"{ours:,.0f}/s",
        f"{bare:,.0f}/s P-256 verifications alone, one thread",
        f"{ours / bare:.2f}",
    )


async def _all_admitted(log: Log, facts: Sequence[Sequence[SignedFact]]) -> None:
    caller = SpiffeId.parse(TRAINING)

    async def write(chain: Sequence[SignedFact]) -> None:
        for one in chain:
            body = one.to_bytes()
            await log.appended(lambda body=body: SignedFact.from_bytes(body), caller)  # type: ignore[misc]

    await asyncio.gather(*map(write, facts))


def _verifications(house: House, facts: Sequence[SignedFact]) -> float:
    start = time.perf_counter()
    for one in facts:
        house.root.verify(one)
    return len(facts) / (time.perf_counter() - start)


def _over_https() -> Row:
    with TemporaryDirectory() as folder:
        house = House(Path(folder))
        authority = Authority(Path(folder))
        authority.issue("ledger", f"spiffe://{DOMAIN}/svc/core/ledger")
        authority.issue("training", TRAINING)
        facts = [signed(house, one) for one in chains(CONNECTIONS, 60, named="r")]
        bodies = [[fact.to_bytes() for fact in one] for one in facts]
        with house.open() as log:
            house.found(log)
            with listening(house.app(log), Path(folder)) as port:
                ours, seconds = load(Path(folder), port, "/v1/facts", bodies)
        with listening(_nothing, Path(folder)) as port:
            bare, _ = load(Path(folder), port, "/", bodies)
    return Row(
        f"appends over HTTPS with mTLS, {CONNECTIONS} connections",
        f"{ours:,.0f}/s (p50 {_ms(seconds, 50)}, p99 {_ms(seconds, 99)})",
        f"{bare:,.0f}/s the same listener with nothing behind it",
        f"{ours / bare:.2f}",
        "≥ 7,000/s",
        "with admission; the load runs on the same cores",
    )


async def _nothing(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] != "http":
        return
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
    await send({"type": "http.response.body", "body": b""})


def _verified_with_signatures() -> Row:
    with TemporaryDirectory() as folder:
        house = House(Path(folder))
        with house.open() as log:
            house.found(log)
            for fact in signed(house, chains(1, 1500, named="r")[0]):
                last = log.submit(fact)
            size = last.result(60).index + 1
            note = log.publisher.covering(size, 30).checkpoint.note
            entries = list(enumerate(log.rows.bodies(0, size)))
        start = time.perf_counter()
        found = audit(entries, [note], house.root)
        ours = size / (time.perf_counter() - start)
        bare = _verifications(house, [SignedFact.from_bytes(body) for _, body in entries[-1000:]])
    if found.findings:
        raise AssertionError(found.findings)
    return Row(
        "full audit: every form, signature, assertion, head and root",
        f"{ours:,.0f} entries/s",
        f"{bare:,.0f}/s P-256 verifications alone",
        f"{ours / bare:.2f}",
    )


def _million() -> Iterator[Row]:
    with TemporaryDirectory() as folder:
        house = House(Path(folder))
        _fill(house)
        with closing(SqliteRows(Path(folder) / "ledger.db", create=False)) as stored:
            bare = _seconds(lambda: sum(len(leaf_hash(row.body)) for row in stored.stored()))
        start = time.perf_counter()
        with house.open(create=False) as log:
            opened = time.perf_counter() - start
            log.publisher.covering(MILLION, 60)
            yield Row(
                f"verifying {MILLION:,} entries as at start: tree, both maps, order of heads",
                f"{MILLION / opened:,.0f} entries/s ({opened:.1f} s)",
                f"{MILLION / bare:,.0f}/s reading rows and hashing them",
                f"{bare / opened:.2f}",
                "≥ 100,000 entries/s",
                "without signatures: a signed checkpoint covers entries that were admitted",
            )
            yield from _proofs(log)


def _fill(house: House) -> None:
    """Write a log of a million entries and its last signed checkpoint, past admission."""
    tree = Tree()
    heads: dict[bytes, bytes] = {}
    with closing(SqliteRows(house.folder / "ledger.db", create=True)) as store:
        batch: list[Entry] = []
        for row in rows(MILLION, heads=max(1, MILLION // 10)):
            heads[head_key(row.about)] = row.digest
            batch.append(row)
            if len(batch) == 1024 or row.position + 1 == MILLION:
                tree.extend([leaf_hash(one.body) for one in batch])
                store.commit(batch)
                batch.clear()
        unsigned = Checkpoint(
            house.root.log_origin,
            MILLION,
            tree.root(),
            map_of({}).root,
            map_of(heads).root,
            int(time.time() * 1000),
        )
        note = sign_note(unsigned, house.root.log_key_pem, lambda data: house.keys.sign("log", data))
        store.save_note(MILLION, note)


def _proofs(log: Log) -> Iterator[Row]:
    proofs = Proofs(log)
    step = max(1, MILLION // 500)
    records: list[Record] = [log.entry(index) for index in range(0, MILLION, step)]
    asked: dict[str, Callable[[Record], object]] = {
        "inclusion": lambda one: proofs.inclusion(one.digest, MILLION),
        "consistency": lambda one: proofs.consistency(one.index + 1, MILLION),
        "a bundle: entry, head, not revoked": lambda one: proofs.bundle(
            Asked(digests=[one.digest], heads=[one.about], revocations=[one.digest])
        ),
    }
    for name, ask in asked.items():
        seconds = []
        for one in records:
            start = time.perf_counter()
            ask(one)
            seconds.append(time.perf_counter() - start)
        yield Row(
            f"{name} at {MILLION:,} entries",
            f"p50 {_ms(seconds, 50)}, p99 {_ms(seconds, 99)}",
            "",
            "",
            "p50 ≤ 0.5 ms",
        )


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _per_second(rates: Sequence[float]) -> str:
    return f"{statistics.median(rates):,.0f}/s"


def _ms(seconds: Sequence[float], percentile: int) -> str:
    return f"{sorted(seconds)[len(seconds) * percentile // 100 - 1] * 1000:.2f} ms"
