"""What the registry does, each request as a sentence: load, authorise, decide, append the fact, project."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from assay.contracts import (
    Alias,
    Environment,
    Fact,
    FactKind,
    Revocation,
    Version,
    body_of,
    check_name,
    sha256_hex,
)
from assay.custody import (
    Content,
    Judgement,
    PackageFiles,
    Provenance,
    judge,
    package_digest,
    read_provenance,
    sign_package,
    verify_package,
)
from assay.custody.chain import contributors_to, require_unrevoked, run_inputs
from assay.custody.errors import WrongSubject
from assay.custody.signing import KEY
from assay.errors import HeadMoved
from assay.ledger import Ledger, Record, Root
from assay.ledger.signer import Transit
from assay.policy import Policy
from assay.web.caller import Caller
from services.registry.believing import Believed
from services.registry.domain import VersionRow, alias_about, check_alias, model_about
from services.registry.errors import (
    AliasMoved,
    NotYours,
    PackageDiffers,
    UnknownCheckpoint,
    UnknownFact,
    UnknownPackage,
    UnknownRun,
)
from services.registry.packages import Packages
from services.registry.ports import Log, Runs

RACES: Final = 20


@dataclass(frozen=True)
class Registry:
    """The models of one tenant. `now` gives RFC 3339 in UTC, `now_ns` nanoseconds since 1970."""

    tenant: str
    root: Root
    vault: Transit
    ledger: Ledger
    log: Log
    policy: Policy
    packages: Packages
    runs: Runs
    inspect: Callable[[PackageFiles], Content]
    believed: Believed
    now: Callable[[], str]
    now_ns: Callable[[], int]

    # ---- registering

    def register(self, model: str, *, run: str, checkpoint: str, tier: str, by: Caller) -> Record:
        """Give one checkpoint of a run (by id or fact) the model's next number; again gives the same number.

        Raises:
            UnknownRun, UnknownCheckpoint, WrongSubject: the run did not make that for this model.
            PackageDiffers, PackageRefused: the bytes are not the run's, or not such as are kept.
        """
        check_name(model, "model")
        made = self._run(run)
        provenance = read_provenance(made.fact)
        package = _package_of(provenance, model, checkpoint)
        if existing := self._registered(model, made, checkpoint, tier):
            return existing
        sets, batches = run_inputs(self.log, made.digest)
        require_unrevoked(self.log, [r.digest for r in (made, *sets, *batches)], f"run {provenance.run}")
        files = self.runs.package(provenance.run, checkpoint)
        if package_digest(files) != package:
            raise PackageDiffers(f"training handed out other bytes than run {provenance.run} names")
        card = self.inspect(files).card
        if card.model != model or not set(card.datasets) <= {record.digest for record in sets}:
            raise WrongSubject(f"the model card speaks of {card.model!r} or of data the run was not given")
        self.packages.keep(files)
        body = {
            "trust_domain": self.root.trust_domain,
            "model": model,
            "package": package,
            "signature": self._signed(package, files, model),
            "run": made.digest,
            "checkpoint": checkpoint,
            "tier": tier,
            "contributors": _contributors(contributors_to([made], sets, batches), by),
        }
        return self._append_version(model, body)

    def _append_version(self, model: str, body: Mapping[str, Any]) -> Record:
        """Append after the newest version; whoever comes second takes the next number."""
        about = model_about(self.tenant, model)
        for _ in range(RACES):
            head = self.log.head(about)
            number = body_of(head.fact, Version).number + 1 if head else 1
            version = Version.model_validate({**body, "number": number})
            fact = self._fact(
                FactKind.VERSION,
                about,
                version.model_dump(mode="json"),
                head,
                subjects=((model, version.package),),
            )
            try:
                return self.commit(fact)
            except HeadMoved:
                self.log.catch_up()
        raise HeadMoved(f"{about} moved {RACES} times")

    def _run(self, run: str) -> Record:
        self.log.catch_up()
        found = self.log.record(run) or self.log.head(f"run/{run}")
        if found is None or found.kind is not FactKind.RUN:
            raise UnknownRun(f"there is no run {run[:80]!r} in the ledger")
        return found

    def _registered(self, model: str, run: Record, checkpoint: str, tier: str) -> Record | None:
        for record in self.log.records(FactKind.VERSION, model_about(self.tenant, model)):
            row = VersionRow.of(record)
            if (row.model, row.run, row.checkpoint, row.tier) == (model, run.digest, checkpoint, tier):
                return None if self.log.revoked(record.digest) else record
        return None

    def _signed(self, package: str, files: Mapping[str, bytes], model: str) -> str:
        """Return the digest of the package's model signature; bytes that are signed already keep theirs."""
        for record in self.log.records(FactKind.VERSION, f"model/{self.tenant}/"):
            row = VersionRow.of(record)
            if row.package == package:
                verify_package(files, self.packages.signature(row.signature), self.root.services[KEY])
                return row.signature
        signature = sign_package(self.vault, files, name=model)
        verify_package(files, signature, self.root.services[KEY])
        return self.packages.keep_signature(signature)

    def of_package(self, package: str) -> VersionRow:
        """Return the newest version with a package; its model signature is that of the bytes."""
        for record in reversed(self.log.records(FactKind.VERSION, f"model/{self.tenant}/")):
            row = VersionRow.of(record)
            if row.package == package:
                return row
        raise UnknownPackage(f"no version has package {package[:64]!r}")

    # ---- judging and promoting

    def judged(self, model: str, number: int, environment: Environment) -> Judgement:
        """Judge a version for an environment; the gate may not have passed."""
        record = self.believed.version(model, number)
        card = self.packages.card(body_of(record.fact, Version).package)
        return judge(
            self.log,
            self.root,
            self.policy,
            version=record.digest,
            environment=environment,
            card=card,
            now_ns=self.now_ns(),
        )

    def promote(
        self,
        model: str,
        alias: str,
        *,
        number: int,
        environment: Environment,
        by: Caller,
        previous: str | None = None,
    ) -> Record:
        """Make an alias name a version whose gate is met; `previous` is the move the caller last saw, if any.

        Raises:
            GateNotMet: what is missing, and how to get it.
            AliasMoved, HeadMoved: somebody moved it meanwhile.
        """
        check_alias(alias)
        self.policy.require("registry/promote", by, {"model": model, "environment": environment.value})
        self.log.catch_up()
        head = self.log.head(alias_about(environment.value, model, alias))
        if previous is not None and previous != (head.digest if head else None):
            raise AliasMoved(
                f"{model}@{alias} is at {head.digest[:12] if head else 'nothing'}, not {previous[:12]}"
            )
        judgement = self.judged(model, number, environment).require()
        body = Alias(
            model=model,
            alias=alias,
            number=number,
            version=judgement.chain.version.digest,
            approvals=tuple(approval.record.digest for approval in judgement.approvals),
            evidence=judgement.evidence,
            policy=judgement.verdict.revision,
        )
        about = alias_about(environment.value, model, alias)
        return self.commit(self._fact(FactKind.ALIAS, about, body.model_dump(mode="json"), head, environment))

    # ---- revoking

    def revoke(self, revokes: str, *, what: str, reason: str, by: Caller) -> Record:
        """Say that a fact, key, person or identity no longer counts; again is the same revocation.

        `revokes` is a fact's digest, or the SHA-256 of `what` when that is `key/…`, `person/…` or `identity/…`.
        """
        if by.person is None:
            raise NotYours("only a person revokes")
        self.log.catch_up()
        kind = self._revocable(revokes, what)
        self.policy.require("registry/revoke", by, {"kind": kind})
        about = f"revocation/{revokes}"
        head = self.log.head(about)
        if head is not None and self.log.revoked(revokes):
            return head
        body = Revocation(revokes=revokes, what=what, reason=reason, by=by.person)
        return self.commit(self._fact(FactKind.REVOCATION, about, body.model_dump(mode="json"), head))

    def _revocable(self, revokes: str, what: str) -> str:
        record = self.log.record(revokes)
        if record is not None:
            return record.kind.value
        kind, _, name = what.partition("/")
        if kind in {"key", "person", "identity"} and name and sha256_hex(what.encode()) == revokes:
            return kind
        raise UnknownFact(f"{revokes[:12]} is no fact of this ledger, and not the SHA-256 of {what[:80]!r}")

    # ---- shared

    def _fact(
        self,
        kind: FactKind,
        about: str,
        body: Mapping[str, Any],
        head: Record | None,
        environment: Environment | None = None,
        subjects: tuple[tuple[str, str], ...] = (),
    ) -> Fact:
        previous = head.digest if head else None
        return Fact(kind, about, self.tenant, self.now(), body, subjects, environment, previous)

    def commit(self, fact: Fact) -> Record:
        """Append a fact, which is the commit, and follow up to it, which projects it."""
        record = self.ledger.append(fact)
        self.log.catch_up()
        return record


def _package_of(provenance: Provenance, model: str, checkpoint: str) -> str:
    if provenance.model != model:
        raise WrongSubject(
            f"run {provenance.run} made {provenance.model}, not {model}: signed bytes are not renamed",
            fix=f"register it as {provenance.model}, or train {model}",
        )
    package = provenance.packages.get(checkpoint)
    if package is None:
        raise UnknownCheckpoint(f"run {provenance.run} made no checkpoint {checkpoint[:80]!r}")
    return package


def _contributors(behind: frozenset[str], by: Caller) -> list[str]:
    """Return who contributed, and who registers it: nobody approves what they brought here."""
    return sorted(behind | ({str(by.person)} if by.person else frozenset()))
