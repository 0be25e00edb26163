"""From facts and bytes to a model that may be loaded: the one place a `VerifiedPackage` comes from."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from assay.contracts import Rollout, Version, sha256_hex
from assay.custody.card import Card, card_digest, read_card
from assay.custody.chain import Chain
from assay.custody.errors import WrongSubject
from assay.custody.facts import Facts
from assay.custody.judging import Judgement, judge_move, name_of
from assay.custody.package import PackageFiles, check_shape, manifest, manifest_digest
from assay.custody.signing import KEY, verify_manifest
from assay.policy import Policy

if TYPE_CHECKING:
    from assay.ledger import Root

_PROOF: Final = object()


@dataclass(frozen=True)
class VerifiedPackage:
    """The very bytes that were checked, with their proof. Only `verify` makes one."""

    files: PackageFiles
    digest: str
    version: Version
    rollout: Rollout
    judgement: Judgement
    _made_by: object = field(repr=False, compare=False)

    def __post_init__(self) -> None:
        if self._made_by is not _PROOF:
            raise TypeError("a VerifiedPackage is made by assay.custody.verify alone")


def verify(
    facts: Facts,
    root: Root,
    policy: Policy,
    *,
    rollout: str,
    files: PackageFiles,
    signature: bytes,
    now_ns: int,
) -> VerifiedPackage:
    """Verify a rollout's whole chain over these very bytes.

    `rollout` is the rollout fact's digest, `signature` the OpenSSF bundle, `now_ns` nanoseconds since 1970.

    Raises:
        SignatureInvalid, WrongSubject, ChainBroken: bytes, signature or facts do not belong together.
        ChainRevoked, GateNotMet: they do, and may not be used.
    """
    held = MappingProxyType({path: bytes(data) for path, data in check_shape(files).items()})
    judgement = judge_move(facts, root, policy, move=rollout, card=card_digest(held), now_ns=now_ns)
    whole = judgement.chain
    if whole.rollout is None:
        raise WrongSubject(f"{rollout[:12]} is no rollout")
    check_bytes(whole, held, signature, root)
    return VerifiedPackage(held, whole.body.package, whole.body, whole.rollout, judgement, _PROOF)


def check_bytes(whole: Chain, files: PackageFiles, signature: bytes, root: Root) -> Card:
    """Return the card of bytes that are the version's, signed by the root's key, with a card of its own."""
    entries = manifest(files)  # every byte is hashed once
    if manifest_digest(entries) != whole.body.package:
        raise WrongSubject(f"the bytes are not those of {name_of(whole)}")
    if sha256_hex(signature) != whole.body.signature:
        raise WrongSubject(f"the model signature is not the one {name_of(whole)} names")
    verify_manifest(entries, signature, root.service_key(KEY, whole.version.index))
    return fitting_card(whole, files)


def fitting_card(whole: Chain, files: PackageFiles) -> Card:
    """Return the package's card when it speaks of this model and of the data its run had."""
    card = read_card(files)
    sets = {record.digest for record in whole.feature_sets}
    if card.model != whole.body.model or not set(card.datasets) <= sets:
        raise WrongSubject(f"the model card speaks of {card.model} or of other data than {name_of(whole)}")
    return card
