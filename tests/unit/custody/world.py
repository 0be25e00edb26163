"""A whole platform's facts in memory: real keys, passkeys, log, follower and rules; no service, no network."""

from __future__ import annotations

import functools
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from assay.contracts import Assertion, CredentialBound, Environment, Fact, FactKind, Rollout, sha256_hex
from assay.custody import Judgement, judge, package_digest, provenance, sign_package
from assay.custody.card import card_digest
from assay.identity.authenticator import SoftwareAuthenticator
from assay.identity.enrol import credential_fact, policy_fact, role_fact
from assay.identity.statements import approval_statement, asserted, delegation_about
from assay.ledger import Follower, Record, Root, root_fact
from assay.policy import OpaWasm
from assay_laptop.genesis.people import ROLES, Enrolled, founders_say, opening_facts
from assay_laptop.genesis.trust import root_json
from tests.support.policy import Author
from tests.unit.custody.lending import delegated, lent
from tests.unit.custody.memory import MemoryLog, MemoryVault

DOMAIN, TENANT, MODEL, ENDPOINT = "assay.demo", "demo", "credit-default", "credit"
ORIGIN = "https://localhost:8443"
POLICY = Path(__file__).parents[3] / "infra" / "opa" / "policy.wasm"
GOOD = {"auc": 0.78, "f1": 0.47, "brier": 0.13, "ece": 0.02, "threshold": 0.5, "n": 6000.0}
MINUTE = 60_000_000_000


@functools.cache
def checked_in_policy() -> OpaWasm:
    """Return the repository's policy, compiled once."""
    return OpaWasm(POLICY)


def digest_of(text: str) -> str:
    """Return some SHA-256."""
    return sha256_hex(text.encode())


@dataclass
class World:
    """Facts are said one after the other by the methods; each returns the record, or what was made with it."""

    folder: Path
    vault: MemoryVault = field(default_factory=MemoryVault)
    start: datetime = field(default_factory=lambda: datetime.now(UTC) - timedelta(hours=1))
    origins: tuple[str, ...] = (ORIGIN,)

    def __post_init__(self) -> None:
        self.people = {name: self._enrol(name) for name in ROLES}
        self.author = Author()
        author = self.author.public_pem
        said = root_json(
            self.people,
            DOMAIN,
            list(self.origins),
            self.vault.public_key,
            policy_author=author,
            demonstration=True,
        )
        self.root = Root.parse(said)
        self.log = MemoryLog(self.root, self.vault)
        self.follower = Follower(self.log, self.root, lease_seconds=3600)
        self.policy: OpaWasm = checked_in_policy()
        self.log.append(root_fact(self.root, time=self.time()))
        for fact in opening_facts(self.people, DOMAIN, self.time()):
            self.log.append(fact)
        self.activate_policy()
        self.follower.catch_up()

    def _enrol(self, name: str) -> Enrolled:
        path = self.folder / f"{name}.json"
        passkey = SoftwareAuthenticator.create(f"p-{name}", "localhost", ORIGIN, path)
        return Enrolled.with_software(name, passkey)

    def person(self, name: str) -> str:
        """Return a person's opaque id."""
        return self.people[name].person

    def time(self) -> str:
        """Return the next moment: facts of one world are a second apart."""
        self.start += timedelta(seconds=1)
        return self.start.isoformat(timespec="seconds")

    def now_ns(self) -> int:
        """Return the world's present."""
        return int(self.start.timestamp()) * 1_000_000_000 + MINUTE

    def say(
        self,
        kind: FactKind,
        about: str,
        body: dict[str, Any],
        *,
        subjects: tuple[tuple[str, str], ...] = (),
        environment: Environment | None = None,
    ) -> Record:
        """Append a fact after the head of what it is about."""
        head = self.log.head(about)
        fact = Fact(
            kind=kind,
            about=about,
            tenant=TENANT,
            time=self.time(),
            body=body,
            subjects=subjects,
            environment=environment,
            previous=head.digest if head else None,
        )
        record = self.log.append(fact)
        self.follower.catch_up()
        return record

    def activate_policy(self) -> Record:
        """Put the checked-in policy in force."""
        bundle = self.author.signed()
        bare = policy_fact(
            revision=self.policy.revision,
            bundle=bundle.digest,
            preview=sha256_hex(b"nothing stands"),
            tenant=TENANT,
            time=self.time(),
        )
        head = self.log.head(bare.about)
        bare = replace(bare, previous=head.digest if head else None)
        said = founders_say(self.people, bare, DOMAIN)
        return self.log.append(
            replace(bare, body={**bare.body, "assertions": [a.model_dump() for a in said]})
        )

    def enrol_by(self, name: str, role: str, *, by: tuple[str, ...]) -> None:
        """Have administrators bind a new person's passkey and grant a role."""
        new = self.people[name] = self._enrol(name)
        bound = credential_fact(
            person=new.person,
            credential_id=new.credential.credential_id,
            public_key=new.credential.public_key,
            software=True,
            tenant=TENANT,
            time=self.time(),
        )
        self._say_of_people(bound, by)
        self.grant_role(name, role, by=by)

    def bind(self, bound: CredentialBound, *, by: tuple[str, ...]) -> None:
        """Have administrators bind one more passkey of somebody."""
        given = bound.model_dump(exclude={"assertions"})
        self._say_of_people(credential_fact(**given, tenant=TENANT, time=self.time()), by)

    def grant_role(self, name: str, role: str, *, by: tuple[str, ...]) -> None:
        """Have administrators grant a role."""
        bare = role_fact(person=self.person(name), role=role, tenant=TENANT, time=self.time())
        self._say_of_people(bare, by)

    def _say_of_people(self, bare: Fact, by: tuple[str, ...]) -> None:
        statement = asserted(bare, DOMAIN)
        said = [self.people[one].passkey.assert_(statement).model_dump() for one in by]
        self.log.append(replace(bare, body={**bare.body, "assertions": said}))
        self.follower.catch_up()

    # ---- data, features, run

    def batch(self, name: str = "2005-04", contributors: tuple[str, ...] = ("dana",)) -> Record:
        """Say a data set's batch."""
        body = {
            "dataset": "statements",
            "batch": name,
            "media_type": "application/vnd.apache.parquet",
            "rows": 1000,
            "quarantined": 3,
            "columns": {"id": "int64"},
            "tags": {},
            "suite": digest_of("suite"),
            "result": digest_of("result"),
            "success": True,
            "source": "test",
            "key": f"batch-demo-statements-{name}",
            "openlineage": digest_of("event"),
            "contributors": [self.person(c) for c in contributors],
        }
        return self.say(
            FactKind.BATCH, "dataset/demo/statements", body, subjects=(("data", digest_of(name)),)
        )

    def feature_set(self, *batches: Record, name: str = "fs-1") -> Record:
        """Say a feature set over batches."""
        splits = {"train": digest_of(f"{name} train"), "test": digest_of(f"{name} test")}
        body = {
            "view": "credit",
            "definition": digest_of("view"),
            "features": ["limit", "age"],
            "splits": splits,
            "rows": {"train": 800, "test": 200},
            "as_of": ["2005-09-01"],
            "facts": [batch.digest for batch in batches],
            "key": f"features-demo-{name}",
            "tags": {},
            "contributors": [self.person("dana")],
        }
        return self.say(
            FactKind.FEATURE_SET, f"feature-set/demo/{name}", body, subjects=tuple(splits.items())
        )

    def run(
        self,
        features: Record,
        packages: dict[str, str],
        *,
        run: str = "run-1",
        model: str = MODEL,
        contributors: tuple[str, ...] = ("dana",),
    ) -> Record:
        """Say a run that made these packages (checkpoint -> digest)."""
        body = provenance(
            run=run,
            model=model,
            builder=f"spiffe://{DOMAIN}/svc/core/training",
            entry="train.py",
            source={"train.py": digest_of("train.py")},
            parameters={"epochs": 3},
            feature_sets=[features.digest],
            contributors=[self.person(c) for c in contributors],
            environment={"python": "3.11", "ray": "2.60"},
            seeds={"torch": 7},
            started=self.time(),
            finished=self.time(),
            mlflow_run="0" * 32,
        )
        return self.say(FactKind.RUN, f"run/{run}", body, subjects=tuple(packages.items()))

    def evaluation(
        self,
        run: Record,
        package: str,
        features: Record,
        *,
        slices: dict[str, Any] | None = None,
        drawn: dict[str, Any] | None = None,
        **metrics: float,
    ) -> Record:
        """Say what the evaluator measured; `drawn` is what there is to draw of it besides the slices."""
        body = {
            "package": package,
            "run": run.digest,
            "feature_set": features.digest,
            "rows": features.fact.body["splits"]["test"],
            "metrics": {**GOOD, **metrics},
            "slices": slices or {},
            "calibration": [],
            **(drawn or {}),
        }
        return self.say(FactKind.EVALUATION, f"evaluation/{package}", body)

    def evidence(
        self, package: str, kind: str, content: str | bytes = "document", **changed: object
    ) -> Record:
        """State something about a package; `content` is the document, or stands for it. It is not kept here."""
        body: dict[str, Any] = {
            "package": package,
            "type": kind,
            "content": digest_of(content) if isinstance(content, str) else sha256_hex(content),
            "media_type": "application/json",
            "figures": {},
            "facts": [],
            "by": self.person("dana"),
            "valid_until": None,
        }
        return self.say(FactKind.EVIDENCE, f"evidence/{package}/{kind}", body | changed)

    # ---- registry

    def version(
        self,
        run: Record,
        checkpoint: str,
        files: dict[str, bytes],
        /,
        *,
        model: str = MODEL,
        **changed: object,
    ) -> tuple[Record, bytes]:
        """Say a version of these bytes; returns the fact and the model signature."""
        signature = sign_package(self.vault, files)
        head = self.log.head(f"model/{TENANT}/{model}")
        body = {
            "trust_domain": DOMAIN,
            "model": model,
            "number": head.fact.body["number"] + 1 if head else 1,
            "package": package_digest(files),
            "signature": sha256_hex(signature),
            "run": run.digest,
            "checkpoint": checkpoint,
            "tier": "limited",
            "contributors": [self.person("dana")],
        } | changed
        subjects = ((model, str(body["package"])),)
        return self.say(FactKind.VERSION, f"model/{TENANT}/{model}", body, subjects=subjects), signature

    def statement(self, judgement: Judgement, name: str, **changed: object) -> dict[str, Any]:
        """Return what a person would sign now for a judged version."""
        checkpoint = self.log.checkpoint()
        body = judgement.chain.body
        seconds = self.now_ns() // 1_000_000_000
        said = approval_statement(
            trust_domain=DOMAIN,
            tenant=TENANT,
            model=body.model,
            number=body.number,
            verb="approve",
            environment=judgement.environment,
            tier=body.tier,
            package=body.package,
            evidence=judgement.evidence,
            policy=self.policy.revision,
            conditions={},
            nonce=digest_of(f"{name} {seconds} {checkpoint.size}"),
            not_before=seconds - 600,
            expiry=seconds + 86_400,
            person=self.person(name),
            role="approver",
            log_size=checkpoint.size,
            log_root=checkpoint.root.hex(),
        )
        return said | changed

    def decide(
        self, assertion: Assertion, judgement: Judgement, kind: FactKind = FactKind.APPROVAL
    ) -> Record:
        """Append a person's word about a judged version."""
        body = judgement.chain.body
        environment = judgement.environment
        about = f"approval/{body.model}/{body.number}/{environment.value}/{assertion.person}"
        said = {
            "model": body.model,
            "number": body.number,
            "version": judgement.chain.version.digest,
            "assertion": assertion.model_dump(mode="json"),
        }
        return self.say(kind, about, said, environment=environment)

    def approve(self, judgement: Judgement, name: str, **changed: object) -> Record:
        """Have a person approve what was judged; `changed` members of the statement are theirs."""
        statement = self.statement(judgement, name, **changed)
        return self.decide(self.people[name].passkey.assert_(statement), judgement)

    def delegate(self, name: str, to: str, /, **changed: object) -> Record:
        """Have a person let another decide in their role approver for a day; `changed` members are theirs."""
        role = str(changed.get("role", "approver"))
        about = delegation_about(TENANT, self.person(name), role)
        head = self.log.head(about)
        said = lent(self.person(name), self.person(to), role, self.now_ns(), head) | changed
        return self.say(FactKind.DELEGATION, about, delegated(said, self.people[name].passkey))

    def judge(
        self, version: Record, files: dict[str, bytes], environment: Environment = Environment.PROD
    ) -> Judgement:
        """Judge a version now."""
        return judge(
            self.follower,
            self.root,
            self.policy,
            version=version.digest,
            environment=environment,
            card=card_digest(files),
            now_ns=self.now_ns(),
        )

    def rollout(self, judgement: Judgement, **changed: object) -> Record:
        """Say that a judged version answers at the endpoint."""
        body = judgement.chain.body
        rollout = Rollout(
            endpoint=ENDPOINT,
            model=body.model,
            number=body.number,
            version=judgement.chain.version.digest,
            package=body.package,
            approvals=tuple(a.record.digest for a in judgement.approvals),
            evidence=judgement.evidence,
            policy=judgement.verdict.revision,
            reason="a test",
        )
        about = f"endpoint/{judgement.environment.value}/{ENDPOINT}"
        said = rollout.model_dump(mode="json") | changed
        return self.say(FactKind.ROLLOUT, about, said, environment=judgement.environment)

    def revoke(self, digest: str, what: str = "a fact") -> Record:
        """Revoke a fact, or the digest of a key or person."""
        body = {"revokes": digest, "what": what, "reason": "a test", "by": self.person("ada"), "ended": False}
        return self.say(FactKind.REVOCATION, f"revocation/{digest}", body)
