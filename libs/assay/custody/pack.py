"""An evidence pack: everything that stands about one version, in a file anybody with `root.json` can check.

    {"type": "assay-evidence-pack/v2", "version": digest of its fact,
     "root": {"trust_domain", "version", "fingerprint"}       of the root in force,
     "documents": {SHA-256: text}      the package's manifest, card and model signature, and what evidence names,
     "proofs": what `Ledger.proof_bundle` gave: envelopes, inclusion, revocations, heads, checkpoint}

Of each type of evidence it holds the newest, or the proof that there is none, and every evaluation: none can be left
out. Of people's words it holds each newest one known to its maker; a word left out does not show. It says what was
stated and carries no verdict: whoever verifies it counts the words, and judges the gate when they have its rules.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from assay.contracts import (
    Approval,
    Conditions,
    Environment,
    Evidence,
    FactKind,
    PolicyActivated,
    body_of,
    canonical,
    sha256_hex,
    strict_json,
)
from assay.custody.approvals import (
    VERBS,
    Approvable,
    VerifiedApproval,
    check_assertion,
    check_statement,
    count_approval,
)
from assay.custody.chain import Chain, chain, revoked_key, revoked_person
from assay.custody.errors import ApprovalDoesNotCount, ChainBroken, PolicyUnlike, ReceiptTooOld, WrongSubject
from assay.custody.facts import Facts
from assay.custody.judging import Judgement, approvable, judge, require_standing, standing_now
from assay.custody.needs import Needs, spoken
from assay.custody.offline import BundleFacts
from assay.custody.pack_page import DRAWN, TABLES
from assay.custody.package import CARD_FILE, PackageFiles
from assay.custody.people import Founder, check_people, with_administrators
from assay.custody.receipt import CLOCK_SKEW_SECONDS, model_key
from assay.custody.shown import kinds_shown
from assay.custody.signing import KEY, keyid, verify_digests
from assay.custody.spelling import check_spelling
from assay.custody.story import Node, Word, tell_pack
from assay.custody.verify import fitting_card
from assay.errors import ServiceError, SignatureInvalid

if TYPE_CHECKING:
    from assay.ledger import Ledger, Record, Root, VerifiedBundle
    from assay.policy import Policy

PACK: Final = DRAWN
PACKS: Final = frozenset({TABLES, DRAWN})  # which differ in how their page shows the same statements
TYPES: Final = ("fairness", "robustness", "privacy", "scan", "data", "sbom", "model-card", "risk-record")
_MS: Final = 1_000_000  # nanoseconds


@dataclass(frozen=True)
class VerifiedPack:
    """What a pack proves as of its checkpoint. `judgement` is there when a policy judged it here."""

    chain: Chain
    words: tuple[Word, ...]
    card: str
    judgement: Judgement | None
    size: int
    time_ms: int
    tree: Node

    @property
    def valid_as_of(self) -> str:
        """Say how far the proof reaches."""
        time = datetime.fromtimestamp(self.time_ms / 1000, UTC).isoformat(timespec="seconds")
        return f"valid as of log size {self.size}, time {time}; later statements and revocations unknown"


def export_pack(
    version: str, ledger: Ledger, facts: Facts, root: Root, content: Callable[[str], bytes]
) -> dict[str, Any]:
    """Return the pack of a version (by its fact); `content` gives the bytes of a digest.

    Raises:
        ChainBroken, WrongSubject: the version's chain does not hold together.
    """
    founders = {(one.person, one.credential_id) for one in root.founders}
    needs = _needs(facts, founders, lambda of: model_key(facts, of), version)
    proofs = ledger.proof_bundle(
        list(needs.records), revocation_keys=needs.revocation_keys, heads=needs.heads
    )
    from assay.ledger import read_bundle

    now = read_bundle(proofs, root)
    whole = standing_now(BundleFacts(now, now.root), chain(BundleFacts(now, now.root), version))
    documents: dict[str, str] = {}
    for digest in (whole.body.package, whole.body.signature, *_contents(whole)):
        documents[digest] = content(digest).decode()
    card = _card_of(documents, whole.body.package)
    documents[card] = content(card).decode()
    return {
        "type": PACK,
        "version": version,
        "root": _root_part(now.root),
        "documents": documents,
        "proofs": proofs,
    }


def verify_pack(
    bundle: Mapping[str, Any],
    root: Root,
    *,
    now: float,
    max_age: float | None = None,
    policy: Policy | None = None,
    environment: Environment = Environment.PROD,
) -> VerifiedPack:
    """Verify a pack with nothing but the root; `now` in seconds since 1970, `max_age` in seconds.

    With a `policy` (of the revision in force at the pack's checkpoint) the gate of `environment` is judged here.

    Raises:
        SignatureInvalid, ChainBroken, WrongSubject: something in it does not verify or fit.
        ChainRevoked: the version, or something it was made of, was revoked.
        ReceiptTooOld: its checkpoint is older than `max_age`.
        PolicyUnlike: the policy is of another revision.
    """
    try:
        proven = _proven(bundle, root)
        _in_time(proven, now=now, max_age=max_age)
        return _verified(bundle, proven, policy, environment)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError, RecursionError) as error:
        raise SignatureInvalid(f"not an evidence pack: {error!r}"[:300]) from error


def _proven(bundle: Mapping[str, Any], root: Root) -> VerifiedBundle:
    """Return what the proofs prove, once they are exactly those a version's pack needs."""
    from assay.ledger import read_bundle

    if set(bundle) != {"type", "version", "root", "documents", "proofs"} or bundle["type"] not in PACKS:
        raise SignatureInvalid(f"not a pack of type {' or '.join(sorted(PACKS))}")
    proven = read_bundle(bundle["proofs"], root)
    if canonical(bundle["root"]) != canonical(_root_part(proven.root)):
        raise SignatureInvalid("the pack names another root than the one it is checked with")
    facts = BundleFacts(proven, proven.root)
    founders = {(one.person, one.credential_id) for one in proven.root.founders}
    root_now = proven.root
    needs = _needs(facts, founders, lambda of: root_now.service_key(KEY, of.index), bundle["version"])
    _exactly(bundle["proofs"], proven, needs)
    check_spelling(bundle["proofs"], proven, proven.root)
    for record in needs.people:
        check_people(facts, proven.root, record)
    return proven


def _verified(
    bundle: Mapping[str, Any], proven: VerifiedBundle, policy: Policy | None, environment: Environment
) -> VerifiedPack:
    root, facts, at_ns = proven.root, BundleFacts(proven, proven.root), proven.checkpoint.time_ms * _MS
    whole = chain(facts, bundle["version"])
    require_standing(facts, root, whole)
    standing = standing_now(facts, whole)
    card = _check_documents(bundle["documents"], standing, root)
    words = tuple(_word(facts, root, standing, card, r, at_ns) for r in _words(facts, standing))
    judgement = None
    if policy is not None:
        judgement = judge(
            facts,
            root,
            policy,
            version=bundle["version"],
            environment=environment,
            card=card,
            now_ns=at_ns,
        )
        _in_force(facts, judgement.verdict.revision)
    tree = tell_pack(standing, words, _moves(facts, whole), root, judgement, at_ns=at_ns)
    checkpoint = proven.checkpoint
    return VerifiedPack(standing, words, card, judgement, checkpoint.size, checkpoint.time_ms, tree)


# ---- what a pack has to hold


def _needs(
    facts: Facts, founders: Collection[Founder], signed_by: Callable[[Record], str], version: str
) -> Needs:
    """Return what a version's pack proves: the same question, asked of the log and of the pack.

    `signed_by` gives the key (PEM) packages were signed with when a version was registered.
    """
    whole = chain(facts, version)
    package = whole.body.package
    abouts = [f"evidence/{package}/{kind}" for kind in TYPES]
    newest = [head for about in abouts if (head := facts.head(about)) is not None]
    held = {record.digest for record in newest}
    whole = replace(whole, evidence=tuple(r for r in whole.evidence if r.digest in held))
    measured = _line(facts, facts.head(f"evaluation/{package}"))
    words, moves = _words(facts, whole), _moves(facts, whole)
    said = spoken(facts, words)
    policy = facts.head("policy")
    people = with_administrators(facts, founders, [*said.people, *([policy] if policy else [])])
    shown = (*whole.records(), *newest, *measured, *words, *said.before, *moves)
    records = {record.digest: record for record in shown} | people
    keys = dict.fromkeys([*whole.revocation_keys(), revoked_key(keyid(signed_by(whole.version)))])
    keys.update(dict.fromkeys(records))
    keys.update(dict.fromkeys(revoked_key(record.signed.keyid) for record in records.values()))
    keys.update(dict.fromkeys(revoked_person(record.about.rsplit("/", 1)[-1]) for record in words))
    keys.update(dict.fromkeys(said.keys))
    heads = [*abouts, f"evaluation/{package}", "policy", *said.heads, *(move.about for move in moves)]
    return Needs(records, tuple(people.values()), tuple(keys), tuple(dict.fromkeys(heads)))


def _line(facts: Facts, newest: Record | None) -> list[Record]:
    """Return a fact and those before it about the same thing."""
    found: list[Record] = []
    while newest is not None:
        found.append(newest)
        previous = newest.fact.previous
        newest = None if previous is None else facts.record(previous)
        if previous is not None and newest is None:
            raise ChainBroken(f"{found[0].about} names fact {previous[:12]}, which is not there")
    return found


def _words(facts: Facts, whole: Chain) -> list[Record]:
    """Return what each person said last about the version, in every environment, in log order."""
    prefix = f"approval/{whole.body.model}/{whole.body.number}/"
    abouts = {
        r.about
        for r in facts.records(None, prefix)
        if r.kind in VERBS and r.fact.tenant == whole.version.fact.tenant
    }
    newest = [head for about in abouts if (head := facts.head(about)) is not None]
    return sorted(newest, key=lambda record: record.index)


def _moves(facts: Facts, whole: Chain) -> list[Record]:
    """Return the aliases and rollouts that name the version now, in log order."""
    found: dict[str, Record] = {}
    for kind in (FactKind.ALIAS, FactKind.ROLLOUT):
        for record in facts.records(kind):
            if record.fact.body["version"] == whole.version.digest and record.about not in found:
                head = facts.head(record.about)
                if head is not None and _names(head.fact.body, whole.version.digest):
                    found[record.about] = head
    return sorted(found.values(), key=lambda record: record.index)


def _names(move: Mapping[str, Any], version: str) -> bool:
    """Whether the newest move of an alias or endpoint names a version: a removal names nothing."""
    return bool(move["version"] == version and move.get("ended", False) is False)


def _exactly(proofs: Mapping[str, Any], proven: VerifiedBundle, needs: Needs) -> None:
    """Demand that a pack holds what its version needs, each once, and the facts of what was revoked."""
    revoked = [key for key, said in proven.revocations.items() if said is not None]
    said = {r.about: r.digest for r in proven.records.values() if r.kind is FactKind.REVOCATION}
    wanted = {*needs.records, *(said[f"revocation/{key}"] for key in revoked)}
    pairs = (
        ("facts", sorted(proven.records), sorted(wanted)),
        ("revocations", sorted(one["key"] for one in proofs["revocations"]), sorted(needs.revocation_keys)),
        ("heads", sorted(one["about"] for one in proofs["heads"]), sorted(needs.heads)),
    )
    for what, there, needed in pairs:
        if there != needed:
            raise ChainBroken(f"the pack's {what} are not exactly those its version needs")


# ---- documents


def _contents(whole: Chain) -> list[str]:
    return [body_of(record.fact, Evidence).content for record in whole.evidence]


def _card_of(documents: Mapping[str, str], package: str) -> str:
    """Return SHA-256 of the package's card, by its manifest."""
    named = {entry["path"]: entry["sha256"] for entry in strict_json(documents[package])}
    if CARD_FILE not in named:
        raise WrongSubject(f"package {package[:12]} has no {CARD_FILE}")
    return str(named[CARD_FILE])


def _check_documents(documents: Mapping[str, str], whole: Chain, root: Root) -> str:
    """Return the card's digest once every document is the one a fact names, and the model signature holds."""
    for digest, text in documents.items():
        if sha256_hex(text.encode()) != digest:
            raise SignatureInvalid(f"document {digest[:12]} has other bytes than its name says")
    version = whole.body
    card = _card_of(documents, version.package)
    wanted = {version.package, version.signature, card, *_contents(whole)}
    if set(documents) != wanted:
        raise ChainBroken("the pack's documents are not exactly those its facts name")
    files = {entry["path"]: entry["sha256"] for entry in strict_json(documents[version.package])}
    verify_digests(files, documents[version.signature].encode(), root.service_key(KEY, whole.version.index))
    shown: PackageFiles = {CARD_FILE: documents[card].encode()}
    fitting_card(whole, shown)
    return card


# ---- what people said


def _word(facts: Facts, root: Root, whole: Chain, card: str, record: Record, at_ns: int) -> Word:
    """Return a person's word, with why it does not count where it does not."""
    environment = record.fact.environment
    statement = record.fact.body["assertion"]["statement"]
    person, role = record.about.rsplit("/", 1)[-1], str(statement["role"])
    try:
        if environment is None:
            raise WrongSubject(f"the word of {person} is for no environment")
        about = approvable(whole, root, environment, kinds_shown(whole, card))
        if record.kind is FactKind.APPROVAL:
            _unended(count_approval(facts, root, record, about, at_ns=at_ns), at_ns)
        else:
            _spoken(facts, root, record, about)
    except ServiceError as error:
        return Word(record, person, role, error.detail)
    return Word(record, person, role, None)


def _unended(approval: VerifiedApproval, at_ns: int) -> None:
    if Conditions(until=approval.conditions.until).unmet(None, at_ns):
        raise ApprovalDoesNotCount(f"{approval.person} approved it only until {approval.conditions.ends}")


def _spoken(facts: Facts, root: Root, record: Record, about: Approvable) -> None:
    """Return when a rejection or withdrawal is what its person signed about this version as it stands."""
    assertion = body_of(record.fact, Approval).assertion
    if record.about != about.about(assertion.person):
        raise WrongSubject(f"the word of {assertion.person} stands in {record.about}")
    check_assertion(root, facts, assertion)
    check_statement(assertion, VERBS[record.kind], about)


# ---- root, time, policy


def _root_part(root: Root) -> dict[str, Any]:
    return {"trust_domain": root.trust_domain, "version": root.version, "fingerprint": root.fingerprint}


def _in_time(proven: VerifiedBundle, *, now: float, max_age: float | None) -> None:
    age = now - proven.checkpoint.time_ms / 1000
    if age < -CLOCK_SKEW_SECONDS:
        raise SignatureInvalid("the pack's checkpoint is from the future")
    if max_age is not None and age > max_age:
        raise ReceiptTooOld(
            f"the checkpoint is {age:.0f} s old; at most {max_age:.0f} s are accepted",
            fix="make the pack again: `assay pack NAME/NUMBER`",
        )


def _in_force(facts: Facts, judged_by: str) -> None:
    head = facts.head("policy")
    revision = "" if head is None else body_of(head.fact, PolicyActivated).revision
    if revision != judged_by:
        raise PolicyUnlike(
            f"policy {revision[:12] or 'none'} was in force at the checkpoint; the one given is {judged_by[:12]}"
        )
