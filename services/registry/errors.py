"""What the registry refuses, by name."""

from __future__ import annotations

from assay.errors import BadRequest, Conflict, Forbidden, Invalid, NotFound, SignatureInvalid


class UnknownModel(NotFound):
    """No model of that name has a version."""

    fix = "GET /v1/models lists them; register a checkpoint of a run first"


class UnknownVersion(NotFound):
    """The model has no version of that number."""

    fix = "GET /v1/models/{name} lists a model's versions"


class UnknownRun(NotFound):
    """No run of that id, or of that fact, is in the ledger."""

    fix = "wait until the run has succeeded: its provenance is then in the ledger"


class UnknownCheckpoint(NotFound):
    """The run made no package at that checkpoint."""

    fix = "GET /v1/runs/{id} at training lists a run's checkpoints"


class UnknownPackage(NotFound):
    """No registered version has that package."""


class UnknownAlias(NotFound):
    """The model has no such alias in that environment."""

    fix = "POST /v1/models/{name}/aliases/{alias} moves one through the gate"


class UnknownFact(NotFound):
    """What is to be revoked is not in the ledger."""

    fix = "name a fact's digest, or `key/<keyid>`, `person/<id>`, `identity/<path>`, `dependency/<name>@<version>`"


class NothingRevoked(NotFound):
    """No revocation stands that could be ended."""

    fix = "name exactly what was revoked: a fact's digest, or `identity/…`, `person/…`, `key/…`"


class NoWayBack(Conflict):
    """It stops what could end the revocation: the ledger's or registry's identity, the last administrators."""

    fix = "stop the part instead, or make another administrator; to revoke all the same: `--no-way-back`"


class PackageDiffers(SignatureInvalid):
    """Training handed out other bytes than its run's provenance names."""

    fix = "do not use the run; its stored output is not what was trained"


class NotYours(Forbidden):
    """Somebody hands in what another person signed, or acts where only a person may."""

    fix = "hand in your own signed statement, with your own certificate"


class WhoseVoice(Conflict):
    """Several people who are away let this person decide in that role, and they are one voice each."""

    fix = "say for whom: `holder=<person>`; the request's page offers each"


class NothingToWithdraw(Conflict):
    """The person has no standing approval of that version for that environment."""

    fix = "withdraw what you said yourself; to end what somebody said for you, say your own word: reject"


class ProjectionTampered(Conflict):
    """A row of the database does not say what its fact says, or is missing."""

    fix = "stop the registry, delete its database and start it again: it is rebuilt from the ledger"


class AliasMoved(Conflict):
    """The alias is not where the caller last saw it."""

    fix = "read the alias again and decide again"


class AliasProtected(Forbidden):
    """A protected alias is to be taken off: it changes at its gate only."""

    fix = "promote another version at the gate (`assay promote`), or revoke the one it names (`assay revoke`)"


class BadAlias(BadRequest):
    """An alias is spelled so that it means something else."""

    fix = (
        "use lower-case letters, digits and inner hyphens; not `latest`, a number or an environment's prefix"
    )


class WrittenThroughTheGate(Forbidden):
    """MLflow's API does not change this: a version's facts stand, and what no longer counts is revoked."""


class NoLiveRollout(Forbidden):
    """A predictor asks for a package that the newest rollout of its endpoint does not name."""

    fix = "roll the version out first; its predictor fetches it then"


class LooksLikeAnother(BadRequest):
    """A name differs from one that is taken in case or look-alike characters only."""

    fix = "use the name that is there, or one that nobody confuses with it"


class SourceIsNoCheckpoint(BadRequest):
    """A version is to be made of something that is no checkpoint of a run."""

    fix = "register runs:/<MLflow run>/<checkpoint> of a run that has succeeded"


class NoSignedRun(Forbidden):
    """What a client logged by itself has no provenance: nobody signed what it was made of."""

    fix = "train it as a run of the platform (`session.runs.start`), and register runs:/<its MLflow run>/<checkpoint>"


class NoteRefused(Invalid):
    """A tag or description is the platform's own word, or too large."""

    fix = "tags that begin with `assay.` are facts, and change with those only"


class UnknownTier(Invalid):
    """A version is registered under a tier of risk that no gate knows."""

    fix = "leave the tag `assay.tier` out, or say `low`, `limited` or `high`"


class DocumentRefused(Invalid):
    """A model card or risk record leaves something out, or has members of no heading."""

    fix = "fill every heading: `assay card edit` and `assay risk edit` show them"


class DocumentMoved(Conflict):
    """Somebody else wrote the document meanwhile: what was made from an earlier one would undo that."""

    fix = "read what stands now, `assay evidence MODEL/NUMBER --type TYPE`, and write yours into it"


class BomInvalid(Invalid):
    """A bill of materials is not what CycloneDX 1.6 describes."""

    fix = "the package's card.json is the part people make: give it CycloneDX 1.6 members only"


class EvidenceUnknown(NotFound):
    """No standing statement of that type is about the version."""

    fix = "`assay gate explain MODEL/NUMBER --to ENVIRONMENT` says what is missing and how to get it"


class UnknownRequest(NotFound):
    """No such request for approval is kept."""

    fix = "`assay request list` shows what waits for you and what you asked for"


class AlreadyAsked(Conflict):
    """The same person asks the same once more, in other words, while the first stands."""

    fix = "comment on the request that stands, or withdraw it first: `assay request withdraw ID`"


class RequestEnded(Conflict):
    """The request was decided, withdrawn or came to its end."""

    fix = "ask anew: `assay request ask MODEL/NUMBER --to ENVIRONMENT`"


class DuePassed(BadRequest):
    """A request would be due before it is made."""

    fix = "name a time to come, with its time zone: 2026-12-24T12:00:00Z"


class BadComment(BadRequest):
    """A note, comment or reason is empty, too long or cannot be shown."""

    fix = "write 1 to 2000 characters of text"


class DelegationRefused(Conflict):
    """A role cannot be handed on like that."""

    fix = "hand on a role you hold yourself (approver, risk), to another person with a role, for 92 days at most"
