"""Every refusal of features."""

from __future__ import annotations

from assay.errors import BadRequest, Conflict, Forbidden, Invalid, NotFound


class UnknownView(NotFound):
    """No definition was set for this view."""

    fix = "set it first: PUT /v1/views/{name}"


class UnknownFeatureSet(NotFound):
    """No feature-set fact has that digest, or no split of one has that ciphertext."""

    fix = "POST /v1/feature-sets builds one and returns its fact"


class UnknownBatch(NotFound):
    """No batch fact has that digest."""

    fix = "GET /v1/datasets/{name}/batches of ingestion lists batch facts"


class BadDefinition(Invalid):
    """A view's definition does not hold together."""

    fix = "correct the member the detail names and set the view again"


class BadFeatureSet(Invalid):
    """The batches, dates or label asked for do not make a feature set of this view."""

    fix = "correct the member the detail names"


class LabelLeak(Invalid):
    """The label is among the view's own columns."""

    fix = "take the label's column out of the view"


class PersonalFeature(Invalid):
    """A view uses a column that is tagged as personal."""

    fix = "take the column out of the view: features never hold direct identifiers"


class NothingToLearn(Invalid):
    """A split has no row."""

    fix = "give batches with labelled rows of more entities"


class NoContributor(Forbidden):
    """Features have contributors, and the caller acts for no person."""

    fix = "call with a person's certificate, or as a service with that person's grant"


class OrderRefused(Forbidden):
    """The order is not signed for this caller, has expired, or is about something else."""

    fix = "ask the service that started the run for a fresh order"


class HeldOut(Forbidden):
    """These rows are held out from this caller."""

    fix = "train on the split the order names; only the evaluator reads held-out rows"


class BatchRevoked(Conflict):
    """A batch no longer counts, and nothing made of it does."""

    fix = "build a feature set from batches that count"


class FeatureSetRevoked(Conflict):
    """The feature set no longer counts."""

    fix = "build a new feature set"


class RowContradictsFact(Conflict):
    """A row of this service's database does not say what the ledger says."""

    fix = "stop features, delete its database and start it: it is rebuilt from the ledger"


class BadParameter(BadRequest):
    """A name or date is malformed."""
