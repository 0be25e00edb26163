"""A receipt's bundle: one file from which anybody with `root.json` can walk a prediction back to its rows.

    {"type": "assay-receipt-bundle/v1",
     "receipt": {"receipt": …, "index", "size", "path": [hex], "journal": fact digest},
     "proofs": what `Ledger.proof_bundle` gave: envelopes, inclusion, no revocation, heads, checkpoint}

A bundle holds exactly what its receipt needs, no more and no less, so no member of it can change unseen. Gate
rules are not in it: it shows who approved what, and names the policy that found this enough by its revision.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from assay.contracts import FactKind, JournalBatch, PolicyActivated, SpiffeId, body_of, canonical
from assay.custody.approvals import SECOND, VerifiedApproval
from assay.custody.chain import Chain, chain, revoked_identity, revoked_key
from assay.custody.errors import ChainBroken, ChainRevoked, ConditionsUnjudged, ReceiptTooOld, WrongSubject
from assay.custody.facts import Facts
from assay.custody.judging import count_listed, judge_listed
from assay.custody.needs import Needs, spoken
from assay.custody.offline import BundleFacts
from assay.custody.people import Founder, check_people, with_administrators
from assay.custody.shown import moment
from assay.custody.signing import KEY, keyid
from assay.custody.spelling import check_spelling
from assay.custody.story import Node, tell
from assay.errors import SignatureInvalid

if TYPE_CHECKING:
    from assay.ledger import Ledger, Record, Root, VerifiedBundle
    from assay.policy import Policy

__all__ = ["Node", "VerifiedReceipt", "export", "verify_bundle"]

BUNDLE: Final = "assay-receipt-bundle/v1"
RECEIPT: Final = "assay-receipt/v1"
CLOCK_SKEW_SECONDS: Final = 300.0
_HEX: Final = ("package", "rollout", "input", "output")
_TEXTS: Final = ("id", "endpoint", "environment", "model", "caller", "time", "policy", *_HEX)
_PLACE: Final = frozenset({"receipt", "index", "size", "path", "journal"})


@dataclass(frozen=True)
class VerifiedReceipt:
    """What a bundle proves. `size` and `time_ms` are the checkpoint's; later revocations are unknown."""

    receipt: Mapping[str, Any]
    chain: Chain
    approvals: tuple[VerifiedApproval, ...]
    size: int
    time_ms: int
    tree: Node

    @property
    def valid_as_of(self) -> str:
        """Say how far the proof reaches."""
        time = datetime.fromtimestamp(self.time_ms / 1000, UTC).isoformat(timespec="seconds")
        return f"valid as of log size {self.size}, time {time}; later revocations unknown"


def export(receipt_part: Mapping[str, Any], ledger: Ledger, facts: Facts) -> dict[str, Any]:
    """Return the bundle of a receipt; `receipt_part` is what the predictor's GET /v1/receipts/{id} answers.

    Raises:
        ChainBroken, WrongSubject: the receipt's chain does not hold together.
    """
    receipt = _receipt(receipt_part)
    payload = _root_payload(facts)
    founders = {(admin["person"], admin["credential_id"]) for admin in payload["admins"]}
    whole = chain(facts, receipt["rollout"])
    journal = _journal(facts, receipt_part)
    needs = _needs(facts, founders, keyid(model_key(facts, whole.version)), whole, journal, receipt)
    proofs = ledger.proof_bundle(
        list(needs.records), revocation_keys=needs.revocation_keys, heads=needs.heads
    )
    return {"type": BUNDLE, "receipt": dict(receipt_part), "proofs": proofs}


def verify_bundle(
    bundle: Mapping[str, Any],
    root: Root,
    *,
    now: float,
    max_age: float | None = None,
    policy: Policy | None = None,
) -> VerifiedReceipt:
    """Verify a bundle with nothing but the root; `now` in seconds since 1970, `max_age` in seconds.

    With a `policy` (the very revision the rollout names) its gate is judged again; without, the approvals are
    verified and shown, and whether they are enough is the named policy's word.

    Raises:
        SignatureInvalid, ChainBroken, WrongSubject: something in it does not verify or fit.
        ChainRevoked: something in the chain was revoked.
        ReceiptTooOld: its checkpoint is older than `max_age`.
        ConditionsUnjudged: an approval had ended by its conditions, and no policy says whether the others suffice.
    """
    try:
        return _verify(bundle, root, now, max_age, policy)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError, RecursionError) as error:
        raise SignatureInvalid(f"not a receipt's bundle: {error!r}"[:300]) from error


def _verify(
    bundle: Mapping[str, Any], root: Root, now: float, max_age: float | None, policy: Policy | None
) -> VerifiedReceipt:
    from assay.ledger import read_bundle

    if set(bundle) != {"type", "receipt", "proofs"} or bundle["type"] != BUNDLE:
        raise SignatureInvalid(f"not a bundle of type {BUNDLE}")
    part = bundle["receipt"]
    receipt = _receipt(part)
    proven = read_bundle(bundle["proofs"], root)
    root = proven.root
    _in_time(proven, receipt, now=now, max_age=max_age)
    facts = BundleFacts(proven, root)
    whole = chain(facts, receipt["rollout"])
    journal = _journal(facts, part)
    founders = {(c.person, c.credential_id) for c in root.founders}
    needs = _needs(
        facts, founders, keyid(root.service_key(KEY, whole.version.index)), whole, journal, receipt
    )
    _unrevoked(facts, needs)
    _exactly(bundle["proofs"], proven, needs, root)
    _fits(receipt, whole, journal, root)
    _in_batch(part, receipt, journal)
    for record in needs.people:
        check_people(facts, root, record)
    approvals = count_listed(facts, root, whole)
    answered_ns = int(moment(receipt["time"]) * SECOND)
    if policy is not None:
        judge_listed(facts, root, policy, whole, now_ns=answered_ns)
    else:
        _none_ended(approvals, receipt, answered_ns)
    tree = tell(receipt, whole, approvals, root, judged=policy is not None)
    checkpoint = proven.checkpoint
    return VerifiedReceipt(receipt, whole, approvals, checkpoint.size, checkpoint.time_ms, tree)


def _none_ended(approvals: Sequence[VerifiedApproval], receipt: Mapping[str, Any], answered_ns: int) -> None:
    """Return when no approval had ended by its conditions; without the rules nobody says that the others suffice."""
    for one in approvals:
        if unmet := one.conditions.unmet(receipt["endpoint"], answered_ns):
            raise ConditionsUnjudged(
                f"{one.person} approved {' and '.join(unmet)}, and this answered after it"
            )


def _receipt(part: Mapping[str, Any]) -> dict[str, Any]:
    """Return the receipt of a part whose members are all there, of their types, and no others."""
    receipt = part["receipt"]
    if set(part) != _PLACE or set(receipt) != {"type", "number", *_TEXTS} or receipt["type"] != RECEIPT:
        raise SignatureInvalid(f"not a receipt of type {RECEIPT}")
    texts_fit = all(isinstance(receipt[name], str) for name in _TEXTS)
    hex_fits = all(_is_sha256(text) for text in [*(receipt[name] for name in _HEX), *part["path"]])
    whole_fit = all(type(n) is int for n in (receipt["number"], part["index"], part["size"]))
    if not (texts_fit and hex_fits and whole_fit):
        raise SignatureInvalid("a member of the receipt is of the wrong type")
    found: dict[str, Any] = receipt
    return found


def _is_sha256(text: str) -> bool:
    return len(text) == 64 and bytes.fromhex(text).hex() == text  # noqa: PLR2004 - hex digits


def _journal(facts: Facts, part: Mapping[str, Any]) -> Record:
    record = facts.record(part["journal"])
    if record is None or record.kind is not FactKind.JOURNAL:
        raise ChainBroken("the receipt's journal batch is not in the log")
    return record


def model_key(facts: Facts, version: Record) -> str:
    """Return the key (PEM) that packages were signed with when a version was registered."""
    key: str = _root_payload(facts, version.index)["services"][KEY]
    return key


def _root_payload(facts: Facts, before: int | None = None) -> Mapping[str, Any]:
    """Return what the newest root says, or the one that was in force when an entry was made."""
    roots = [r for r in facts.records(FactKind.ROOT, "root") if before is None or r.index < before]
    if not roots:
        raise ChainBroken("the log has no root")
    payload: Mapping[str, Any] = roots[-1].fact.body["payload"]
    return payload


def _needs(
    facts: Facts,
    founders: Collection[Founder],
    signing_keyid: str,
    whole: Chain,
    journal: Record,
    receipt: Mapping[str, Any],
) -> Needs:
    """Return what a receipt's bundle proves: the same question, asked of the log and of the bundle."""
    said = spoken(facts, whole.approvals)
    people = list(said.people)
    people += _policies(facts, {receipt["policy"], whole.move.fact.body["policy"]} if whole.move else set())
    shown = with_administrators(facts, founders, people)
    standing = [*whole.standing(), journal, *people]
    keys = dict.fromkeys([*whole.revocation_keys(), revoked_key(signing_keyid)])
    keys.update(dict.fromkeys(record.digest for record in standing))
    keys.update(dict.fromkeys(revoked_key(record.signed.keyid) for record in standing))
    keys.update(dict.fromkeys(said.keys))
    keys[revoked_identity(journal.about.removeprefix("journal/"))] = None
    records = {r.digest: r for r in (*whole.records(), journal, *said.before)} | shown
    return Needs(records, tuple(shown.values()), tuple(keys), said.heads)


def _policies(facts: Facts, revisions: Collection[str]) -> list[Record]:
    records = facts.records(FactKind.POLICY, "policy")
    found = {body_of(r.fact, PolicyActivated).revision: r for r in records}
    if missing := sorted(set(revisions) - set(found)):
        raise ChainBroken(f"policy {missing[0][:12]} was never activated")
    return [found[revision] for revision in sorted(set(revisions))]


def _exactly(proofs: Mapping[str, Any], proven: VerifiedBundle, needs: Needs, root: Root) -> None:
    """Demand that a bundle holds what its receipt needs, each once, in the one spelling exporters use."""
    pairs = (
        ("facts", sorted(proven.records), sorted(needs.records)),
        ("revocations", sorted(one["key"] for one in proofs["revocations"]), sorted(needs.revocation_keys)),
        ("heads", sorted(one["about"] for one in proofs["heads"]), sorted(needs.heads)),
    )
    for what, there, needed in pairs:
        if there != needed:
            raise ChainBroken(f"the bundle's {what} are not exactly those the receipt needs")
    check_spelling(proofs, proven, root)


def _unrevoked(facts: Facts, needs: Needs) -> None:
    for key in needs.revocation_keys:
        if revocation := facts.revoked(key):
            raise ChainRevoked(f"{revocation.what} was revoked: {revocation.reason}", revoked=key)


def _fits(receipt: Mapping[str, Any], whole: Chain, journal: Record, root: Root) -> None:
    """Demand that receipt, rollout and journal speak of one model at one endpoint, in log order."""
    rollout, move = whole.rollout, whole.move
    if rollout is None or move is None:
        raise WrongSubject("the receipt names no rollout")
    identity = SpiffeId(root.trust_domain, f"/svc/{receipt['environment']}/predictor/{receipt['endpoint']}")
    environment = receipt["environment"]
    body = body_of(journal.fact, JournalBatch)
    pairs = [
        (move.about, f"endpoint/{environment}/{receipt['endpoint']}"),
        ((rollout.model, rollout.number), (receipt["model"], receipt["number"])),
        (rollout.package, receipt["package"]),
        (journal.about, f"journal{identity.path}"),
        (body.identity, str(identity)),
        (journal.fact.environment, move.fact.environment),
    ]
    for found, expected in pairs:
        if found != expected:
            raise WrongSubject(f"the receipt speaks of {expected}, and its proof of {found}")
    if journal.index <= move.index:
        raise WrongSubject("the receipt was journaled before its rollout")


def _in_batch(part: Mapping[str, Any], receipt: Mapping[str, Any], journal: Record) -> None:
    from assay.ledger import tree

    batch = body_of(journal.fact, JournalBatch)
    if part["size"] != batch.count:
        raise WrongSubject("the receipt's batch has another size")
    path = [bytes.fromhex(node) for node in part["path"]]
    leaf = tree.leaf_hash(canonical(receipt))
    tree.verify_inclusion(leaf, part["index"], batch.count, path, bytes.fromhex(batch.root))


def _in_time(
    proven: VerifiedBundle, receipt: Mapping[str, Any], *, now: float, max_age: float | None
) -> None:
    signed = proven.checkpoint.time_ms / 1000
    if signed > now + CLOCK_SKEW_SECONDS or moment(receipt["time"]) > signed + CLOCK_SKEW_SECONDS:
        raise SignatureInvalid("the receipt or its checkpoint is from the future")
    age = now - signed
    if max_age is not None and age > max_age:
        raise ReceiptTooOld(f"the checkpoint is {age:.0f} s old; at most {max_age:.0f} s are accepted")
