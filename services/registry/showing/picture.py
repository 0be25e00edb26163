"""The lineage of a version as a picture: facts from the rows down to where it answers, one a line, with their links.

A picture is places and lengths in units of its own; templates draw it, and the same lines stand beside it as words.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from assay.contracts import DatasetBatch, Evaluation, Evidence, FactKind, FeatureSet, body_of
from assay.custody import Chain
from assay.custody.chain import chain, revocation_of
from assay.ledger import Record
from services.registry.domain import WordRow
from services.registry.showing.proofs import WORDS
from services.registry.usecases import Registry

WIDTH: Final = 360
LINE: Final = 48
RAIL: Final = 66  # where the dots stand
MOST_OF_A_KIND: Final = 8
LONGEST_TEXT: Final = 36  # characters that fit beside the rail


@dataclass(frozen=True)
class Node:
    """A fact in the picture: its group names its colour, `from_` the nodes it was made of."""

    key: str
    group: str
    title: str
    detail: str
    record: Record | None = None
    from_: tuple[str, ...] = ()
    revoked: bool = False


@dataclass
class Picture:
    """Nodes from top to bottom, and links between their dots."""

    nodes: list[Node] = field(default_factory=list)

    @property
    def height(self) -> int:
        """How tall it is; it is `WIDTH` wide."""
        return LINE * len(self.nodes)

    def places(self) -> list[tuple[Node, int]]:
        """Return each node with the height of its dot."""
        return [(node, LINE // 2 + LINE * n) for n, node in enumerate(self.nodes)]

    def links(self) -> list[str]:
        """Return the paths of the links, each an arc to the left of the dots; longer ones reach further out."""
        height = {node.key: (n, y) for n, (node, y) in enumerate(self.places())}
        found = []
        for node in self.nodes:
            for source in node.from_:
                if source in height:
                    (m, top), (n, bottom) = height[source], height[node.key]
                    out = RAIL if n - m == 1 else RAIL - min(18 + 6 * (n - m), RAIL + 20)
                    found.append(f"M{RAIL} {top} C{out} {top} {out} {bottom} {RAIL} {bottom}")
        return found


def lineage(registry: Registry, model: str, number: int) -> Picture:
    """Return the picture of a version; raises UnknownVersion."""
    record = registry.believed.version(model, number)
    whole = chain(registry.log, record.digest)
    parts = (_data(registry, whole), _made(registry, whole), _said(registry, whole), _places(registry, whole))
    return Picture([node for part in parts for node in part])


def fitting(text: str) -> str:
    """Return what of a text fits into the picture."""
    return text if len(text) <= LONGEST_TEXT else f"{text[: LONGEST_TEXT - 1]}…"


def _data(registry: Registry, whole: Chain) -> Iterator[Node]:
    for record in whole.batches[:MOST_OF_A_KIND]:
        body = body_of(record.fact, DatasetBatch)
        title = f"{body.dataset} {body.batch}"
        yield _node(registry, "data", title, f"{body.rows:,} rows from {body.source}", record)
    more = len(whole.batches) - MOST_OF_A_KIND
    if more > 0:
        yield Node("more", "data", f"{more} more batches", "")
    for record in whole.feature_sets:
        view = body_of(record.fact, FeatureSet)
        detail = f"{len(view.features)} features, {sum(view.rows.values()):,} rows"
        yield _node(registry, "features", f"features {view.view}", detail, record, (*view.facts, "more"))


def _made(registry: Registry, whole: Chain) -> Iterator[Node]:
    run, version = whole.provenance, whole.body
    yield _node(registry, "run", f"run {run.run}", f"{run.entry}, finished {run.finished[:10]}", whole.run,
                tuple(s.digest for s in whole.feature_sets))  # fmt: skip
    title = f"{version.model} v{version.number}"
    detail = f"package {version.package[:12]}, tier {version.tier}"
    yield _node(registry, "version", title, detail, whole.version, (whole.run.digest,))


def _said(registry: Registry, whole: Chain) -> Iterator[Node]:
    of = (whole.version.digest,)
    for record in whole.evaluations:
        measured = body_of(record.fact, Evaluation).metrics
        figures = ", ".join(
            f"{name} {measured[name]:.3g}" for name in ("auc", "f1", "ece") if name in measured
        )
        yield _node(registry, "said", "evaluation", figures, record, of)
    newest = {record.fact.body["type"]: record for record in whole.evidence}
    for kind, record in sorted(newest.items()):
        by = body_of(record.fact, Evidence).by
        yield _node(registry, "said", WORDS.get(kind, kind), by, record, of)
    for record in registry.believed.words(whole.body.model, whole.body.number):
        row = WordRow.of(record)
        yield _node(registry, "people", f"{row.kind} for {row.environment}", row.person, record, of)


def _places(registry: Registry, whole: Chain) -> Iterator[Node]:
    model, number = whole.body.model, whole.body.number
    for row in registry.believed.aliases(model):
        if row.number == number:
            record = registry.log.record(row.fact)
            made_of = (whole.version.digest, *(record.fact.body["approvals"] if record else ()))
            yield _node(registry, "place", f"@{row.alias}", f"in {row.environment}", record, made_of)
    for record in answering(registry, whole.version.digest):
        _, environment, endpoint = record.about.split("/", 2)
        made_of = (whole.version.digest, *record.fact.body["approvals"])
        yield _node(registry, "place", f"endpoint {endpoint}", f"in {environment}", record, made_of)


def answering(registry: Registry, version: str) -> list[Record]:
    """Return the newest rollouts of the endpoints that are to answer with a version (by its fact), by name."""
    log = registry.log
    abouts = sorted({record.about for record in log.records(FactKind.ROLLOUT, "endpoint/")})
    heads = [head for head in map(log.head, abouts) if head is not None]
    return [head for head in heads if head.fact.body["version"] == version]


def _node(
    registry: Registry,
    group: str,
    title: str,
    detail: str,
    record: Record | None,
    made_of: tuple[str, ...] = (),
) -> Node:
    key = record.digest if record else title
    revoked = record is not None and revocation_of(registry.log, record) is not None
    return Node(key, group, title, detail, record, made_of, revoked)
