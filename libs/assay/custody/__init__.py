"""Custody: what a package is, what stands behind it, and the only way to bytes that may be loaded.

Light at import; heavy libraries (onnx, model_signing) are imported by the function that uses them.
Ideas: `package` (digest, tar, folder), `content` (what is refused), `card`, `provenance` (a run's body),
`chain` (the walk), `approvals`, `shown` (evidence), `judging` (what a gate says), `verify` (from facts to
`VerifiedPackage`), `signing` (OpenSSF), `receipt` (the offline bundle), `pack` and `pack_page` (an evidence pack and
its one page), `needs` (what files of proofs hold).
"""

from assay.custody.approvals import VerifiedApproval
from assay.custody.card import Card, model_card, read_card
from assay.custody.chain import Chain, chain
from assay.custody.content import Content, inspect
from assay.custody.facts import Facts
from assay.custody.judging import Judgement, judge, judge_move
from assay.custody.package import (
    CARD_FILE,
    MODEL_FILE,
    PackageFiles,
    from_tar,
    manifest,
    package_digest,
    read_folder,
    to_tar,
)
from assay.custody.provenance import Provenance, provenance, read_provenance
from assay.custody.receipt import VerifiedReceipt, export, verify_bundle
from assay.custody.signing import sign_package, verify_package
from assay.custody.verify import VerifiedPackage, verify

__all__ = [
    "CARD_FILE",
    "MODEL_FILE",
    "Card",
    "Chain",
    "Content",
    "Facts",
    "Judgement",
    "PackageFiles",
    "Provenance",
    "VerifiedApproval",
    "VerifiedPackage",
    "VerifiedReceipt",
    "chain",
    "export",
    "from_tar",
    "inspect",
    "judge",
    "judge_move",
    "manifest",
    "model_card",
    "package_digest",
    "provenance",
    "read_card",
    "read_folder",
    "read_provenance",
    "sign_package",
    "to_tar",
    "verify",
    "verify_bundle",
    "verify_package",
]
