"""Registering: one checkpoint of a run becomes a version, once its bytes are what the run's provenance names."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from assay.contracts import FactKind, Version, body_of, check_name
from assay.custody import (
    Content,
    PackageFiles,
    Provenance,
    package_digest,
    read_provenance,
    sign_package,
    verify_package,
)
from assay.custody.chain import contributors_to, require_unrevoked, revoked_key, run_inputs
from assay.custody.errors import WrongSubject
from assay.custody.signing import KEY
from assay.errors import HeadMoved
from assay.ledger import Record
from assay.ledger.errors import KeyReplaced
from assay.ledger.signer import Transit
from assay.web.caller import Caller
from services.registry.domain import VersionRow, model_about
from services.registry.errors import PackageDiffers, UnknownCheckpoint, UnknownRun
from services.registry.ports import Runs
from services.registry.usecases import Registry

RACES: Final = 20


@dataclass(frozen=True)
class Registering:
    """Gives numbers. `inspect` looks into every file of a package; `keys` hold the model-signing key."""

    registry: Registry
    runs: Runs
    keys: Transit
    inspect: Callable[[PackageFiles], Content]

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
        sets, batches = run_inputs(self.registry.log, made.digest)
        standing = [
            key for one in (made, *sets, *batches) for key in (one.digest, revoked_key(one.signed.keyid))
        ]
        require_unrevoked(self.registry.log, standing, f"run {provenance.run}")
        files = self._fetched(provenance, checkpoint, package, sets)
        self.registry.packages.keep(files)
        body = {
            "trust_domain": self.registry.root.trust_domain,
            "model": model,
            "package": package,
            "run": made.digest,
            "checkpoint": checkpoint,
            "tier": tier,
            "contributors": _contributors(contributors_to([made], sets, batches), by),
        }
        return self._append(made, body, lambda: self._signed(package, files, model))

    def _fetched(
        self, provenance: Provenance, checkpoint: str, package: str, sets: Sequence[Record]
    ) -> PackageFiles:
        """Return the checkpoint's files when they are the run's, hold only data and describe themselves."""
        files = self.runs.package(provenance.run, checkpoint)
        if package_digest(files) != package:
            raise PackageDiffers(f"training handed out other bytes than run {provenance.run} names")
        card = self.inspect(files).card
        if card.model != provenance.model or not set(card.datasets) <= {record.digest for record in sets}:
            raise WrongSubject(f"the model card speaks of {card.model!r} or of data the run was not given")
        return files

    def _append(self, made: Record, body: Mapping[str, Any], signature: Callable[[], str]) -> Record:
        """Append after the newest version; whoever comes second takes the next number, or finds it done.

        Its bytes are signed with the key of the same root as the fact: where a next root came in between, both anew.
        """
        model = body["model"]
        about = model_about(self.registry.tenant, model)
        for _ in range(RACES):
            if existing := self._registered(model, made, body["checkpoint"], body["tier"]):
                return existing
            head = self.registry.log.head(about)
            number = body_of(head.fact, Version).number + 1 if head else 1
            said = Version.model_validate({**body, "number": number, "signature": signature()}).model_dump(
                mode="json"
            )
            subjects = ((model, body["package"]),)
            try:
                return self.registry.commit(
                    self.registry.fact(FactKind.VERSION, about, said, head, subjects=subjects)
                )
            except (HeadMoved, KeyReplaced):
                self.registry.log.catch_up()
        raise HeadMoved(f"{about} moved {RACES} times")

    def _run(self, run: str) -> Record:
        log = self.registry.log
        log.catch_up()
        found = log.record(run) or log.head(f"run/{run}")
        if found is None or found.kind is not FactKind.RUN:
            raise UnknownRun(f"there is no run {run[:80]!r} in the ledger")
        return found

    def _registered(self, model: str, run: Record, checkpoint: str, tier: str) -> Record | None:
        """Return the standing version this very registration already made."""
        wanted = (model, run.digest, checkpoint, tier)
        for record in self._versions(model_about(self.registry.tenant, model)):
            row = VersionRow.of(record)
            same = (row.model, row.run, row.checkpoint, row.tier) == wanted
            if same and not self.registry.log.revoked(record.digest):
                return record
        return None

    def _signed(self, package: str, files: PackageFiles, model: str) -> str:
        """Return the digest of the package's model signature; bytes that are signed already keep theirs.

        Bytes that were signed before the key was replaced are signed anew: a version stands by its own time's key.
        """
        packages, root = self.registry.packages, self.registry.root
        public = root.services[KEY]
        for record in self._versions(f"model/{self.registry.tenant}/"):
            row = VersionRow.of(record)
            if row.package == package and root.service_key(KEY, record.index) == public:
                verify_package(files, packages.signature(row.signature), public)
                return row.signature
        signature = sign_package(self.keys, files, name=model)
        verify_package(files, signature, public)
        return packages.keep_signature(signature)

    def _versions(self, about: str) -> list[Record]:
        return self.registry.log.records(FactKind.VERSION, about)


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
