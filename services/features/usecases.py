"""What features does, each request as a sentence: load, decide, append the fact (the commit), project."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import polars as pl

from assay.contracts import Fact, FactKind, FeatureSet, body_of, canonical, new_id, sha256_hex
from assay.custody.chain import revocation_of
from assay.ledger import Follower, Ledger, Record, Root
from assay.objects import Objects
from assay.policy import Policy
from assay.sealed import SealedTables
from assay.vault import Vault
from assay.web.caller import Caller
from services.features import split
from services.features.building import Builder, Ground, Request
from services.features.definition import Definition, check_view
from services.features.errors import (
    BadFeatureSet,
    BatchRevoked,
    FeatureSetRevoked,
    NoContributor,
    RowContradictsFact,
    UnknownBatch,
    UnknownFeatureSet,
)
from services.features.orders import Order
from services.features.ports import PointInTime, Snapshots, SplitIndex
from services.features.shelves import Views


class Features:
    """The use cases of one tenant, in a `region`. `clock` gives naive UTC, `now` seconds since the epoch."""

    def __init__(
        self,
        *,
        tenant: str,
        objects: Objects,
        vault: Vault,
        ledger: Ledger,
        follower: Follower,
        root: Root,
        engine: PointInTime,
        snapshots: Snapshots,
        index: SplitIndex,
        policy: Policy,
        region: str,
        clock: Callable[[], datetime],
        now: Callable[[], float],
    ) -> None:
        self._tenant = tenant
        self._objects = objects
        self._vault = vault
        self._ledger = ledger
        self._follower = follower
        self._root = root
        self._engine = engine
        self._index = index
        self._policy = policy
        self._region = region
        self._clock = clock
        self._now = now
        self._sealed = SealedTables(objects, vault)
        self._views = Views(objects, tenant)
        self._builder = Builder(snapshots, engine)

    def define(self, view: str, document: Mapping[str, Any], *, by: Caller) -> tuple[Definition, int]:
        """Set a view's definition; returns it with its number."""
        definition = Definition.parse(document)
        self._engine.define(check_view(view), definition)
        return definition, self._views.add(view, definition, _person(by))

    def build(self, document: Mapping[str, Any], *, by: Caller) -> Record:
        """Build, split, seal and append a feature set; returns its fact.

        Raises:
            BadFeatureSet, LabelLeak, PersonalFeature, NothingToLearn, UnknownView, UnknownBatch,
            BatchRevoked.
        """
        request, person = Request.parse(document), _person(by)
        self._check_dates(request)
        definition, author = self._views.current(check_view(request.view))
        ground = Ground.of([self._standing_batch(fact) for fact in request.facts])
        ground.check(definition, request.label)
        resource = {"tenant": self._tenant, **ground.released}
        context = {"purpose": request.purpose, "region": self._region}
        self._policy.require("features/build-feature-set", by, resource, **context)
        made = self._builder.rows(request, definition, ground)
        parts = split.parted(made, definition.entity.key, self._split_secret())
        record = self._ledger.append(
            self._fact(request, definition, ground, parts, {person, author} | ground.contributors)
        )
        self._follower.catch_up()
        return record

    def described(self, fact: str) -> Record:
        """Return a feature set's fact, revoked or not."""
        record = self._follower.record(fact)
        if record is None or record.kind is not FactKind.FEATURE_SET or record.fact.tenant != self._tenant:
            raise UnknownFeatureSet(f"there is no feature set {fact[:12]}")
        return record

    def ciphertext(self, digest: str) -> bytes:
        """Return a split as it is stored: encrypted, checked against its digest."""
        fact = self._index.holding(digest)
        if fact is None:
            raise UnknownFeatureSet(f"no feature set has the split {digest[:12]}")
        if digest not in body_of(self.described(fact).fact, FeatureSet).splits.values():
            raise RowContradictsFact(f"the row of split {digest[:12]} is not what its fact says")
        return self._sealed.ciphertext(digest)

    def release_key(self, token: str, wanted: str, *, by: Caller) -> tuple[bytes, str, Record]:
        """Return the key of a split, the ciphertext it opens and the set's fact, as a signed order allows.

        Raises:
            OrderRefused: the order is not for this caller.
            HeldOut: the split is not for this caller, whatever the order says.
            FeatureSetRevoked, BatchRevoked: it no longer counts.
            Stale: the ledger was not heard of for longer than the lease.
        """
        self._follower.catch_up()
        self._follower.fresh()
        order = Order.verified(token, by.identity, self._root.services, self._now())
        order.admit(wanted, by.identity)
        record = self._standing(order.feature_set)
        body = body_of(record.fact, FeatureSet)
        if wanted not in body.splits:
            raise UnknownFeatureSet(f"feature set {record.digest[:12]} has no split {wanted[:63]}")
        digest = body.splits[wanted]
        return self._sealed.data_key(digest, body.key, wanted), digest, record

    def _check_dates(self, request: Request) -> None:
        latest = max(request.dates)
        if latest > self._clock().date():
            raise BadFeatureSet(f"as_of: {latest} is yet to come")

    def _split_secret(self) -> bytes:
        """Return what decides the tenant's splits; nothing a view says goes into it."""
        said = canonical(["assay/split/v1", self._tenant])
        return bytes.fromhex(sha256_hex(self._vault.hmac("split", said).encode()))

    def _fact(
        self,
        request: Request,
        definition: Definition,
        ground: Ground,
        parts: Mapping[str, pl.DataFrame],
        contributors: set[str],
    ) -> Fact:
        key = new_id(f"features-{self._tenant}")
        self._vault.create_key(key, "aes256-gcm96")
        splits = {name: self._sealed.seal(part.to_arrow(), key, name) for name, part in parts.items()}
        body = FeatureSet(
            view=request.view,
            definition=self._objects.put_addressed(canonical(definition.document())),
            features=definition.features,
            splits=splits,
            rows={name: part.height for name, part in parts.items()},
            as_of=tuple(day.isoformat() for day in request.dates),
            facts=ground.facts,
            key=key,
            tags=ground.tags(definition),
            purpose=request.purpose,
            contributors=tuple(sorted(contributors)),
        )
        return Fact(
            kind=FactKind.FEATURE_SET,
            about=f"feature-set/{self._tenant}/{new_id('set')}",
            tenant=self._tenant,
            time=self._clock().isoformat(timespec="milliseconds") + "Z",
            body=body.model_dump(mode="json"),
            subjects=tuple(splits.items()),
        )

    def _standing_batch(self, fact: str) -> Record:
        record = self._follower.record(fact)
        if record is None or record.kind is not FactKind.BATCH or record.fact.tenant != self._tenant:
            raise UnknownBatch(f"there is no batch {fact[:12]}")
        revocation = revocation_of(self._follower, record)
        if revocation is not None:
            raise BatchRevoked(f"batch {fact[:12]} was revoked: {revocation.reason[:200]}")
        return record

    def _standing(self, fact: str) -> Record:
        record = self.described(fact)
        revocation = revocation_of(self._follower, record)
        if revocation is not None:
            raise FeatureSetRevoked(f"feature set {fact[:12]} was revoked: {revocation.reason[:200]}")
        for batch in body_of(record.fact, FeatureSet).facts:
            self._standing_batch(batch)
        return record


def _person(by: Caller) -> str:
    if by.person is None:
        raise NoContributor(f"{by.identity} acts for no person")
    return by.person
