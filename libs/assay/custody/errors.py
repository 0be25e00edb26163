"""What custody refuses, by name: packages that are not data, chains that do not hold together."""

from __future__ import annotations

from assay.errors import Conflict, Forbidden, Invalid, SignatureInvalid, TooLarge


class PackageRefused(Invalid):
    """The package holds something that is no model data."""

    fix = "a package holds data, never code: ONNX or safetensors, MLmodel, its text files and card.json"


class PickleRefused(PackageRefused):
    """A file is a pickle, or an archive that may hold one, whatever its name says."""


class CodeRefused(PackageRefused):
    """A file is code, or MLmodel names code that whoever loads the model would import."""


class LinkRefused(PackageRefused):
    """An entry is a link, a device or anything else that is no plain file."""


class UnsafePath(PackageRefused):
    """A path leaves the package, repeats another or is spelled so that systems read it differently."""


class UnknownFile(PackageRefused):
    """A file has a name no package of ours needs."""


class MalformedFile(PackageRefused):
    """A file is not what its name says."""


class NoModelCard(PackageRefused):
    """The package has no model card, or one that leaves out what an approver needs."""

    fix = "write card.json with `assay.custody.model_card(...)`: intended use, limits and data"


class PackageTooLarge(TooLarge):
    """The package has too many files or bytes."""

    fix = "keep weights and text only; the detail names the limit"


class ChainBroken(SignatureInvalid):
    """A fact the chain needs is missing, of the wrong kind, or says something else than its neighbour."""

    fix = "do not use the model; `assay verify` shows where its chain breaks"


class WrongSubject(SignatureInvalid):
    """A proof is real, and about something else."""

    fix = "do not use these bytes under this name; the detail says what the proof is about"


class ChainRevoked(Forbidden):
    """Something in the chain no longer counts."""

    fix = "roll back to a version whose chain stands; the detail names what was revoked and why"


class ApprovalDoesNotCount(Invalid):
    """An approval is real or not, and does not count for this version and environment."""

    fix = "sign the statement the registry shows now: `assay approve MODEL/NUMBER --to ENVIRONMENT`"


class SelfApproval(Forbidden):
    """Somebody who contributed to a version tried to approve it."""

    fix = "ask people who had no hand in its data, features, code or run"


class GateNotMet(Conflict):
    """Evidence or approvals for this environment are missing."""

    fix = "the detail names each thing that is missing and how to get it"


class ReceiptTooOld(SignatureInvalid):
    """The bundle's checkpoint is older than the verifier accepts."""

    fix = "export the receipt again: `assay receipt export ID`"


class PolicyUnlike(Invalid):
    """The rules given are of another revision than the one that was in force: they judge nothing here."""

    fix = "give the policy.wasm of the revision the detail names, or verify without --policy"


class ConditionsUnjudged(Invalid):
    """An approval had ended by its own conditions, and without the rules nobody can say whether the rest suffices."""

    fix = "judge it with the rules: `--policy policy.wasm` of the revision the proof names"


class HistoryUnknown(Invalid):
    """The time asked about lies after what the ledger has signed."""

    fix = "ask about a time in the past"
