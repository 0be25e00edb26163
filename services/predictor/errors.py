"""What a predictor refuses, by name."""

from __future__ import annotations

from assay.errors import BadRequest, Invalid, NotFound, TooLarge, Unavailable


class UnknownModel(NotFound):
    """This endpoint serves another model, or none."""

    fix = "ask GET /v2/models for the name of the model this endpoint serves"


class NoReceipt(NotFound):
    """There is no receipt of that id here."""

    fix = "use the `assay_receipt` of a response this endpoint gave"


class NotLandedYet(NotFound):
    """The receipt is journaled and its batch has not reached the ledger."""

    fix = "ask again in a second: batches land within one"


class NotOIP(BadRequest):
    """The body is no Open Inference Protocol v2 request."""

    fix = 'send {"inputs": [{"name", "shape", "datatype", "data"}]} as JSON, or its binary extension'


class WrongTensor(Invalid):
    """The request's tensors are not the ones the model takes."""

    fix = "GET /v2/models/<model> lists the names, datatypes and shapes the model takes"


class WrongShape(WrongTensor):
    """A tensor has another shape than the model takes, or other data than its shape says."""


class WrongDatatype(WrongTensor):
    """A tensor has another datatype than the model takes, or data that is not of its datatype."""


class NotFinite(WrongTensor):
    """A tensor holds NaN or an infinity."""

    fix = "replace missing values before asking; the model answers for finite numbers only"


class TooManyRows(TooLarge):
    """More rows than this endpoint answers at once."""

    fix = "split the request; the detail names the limit"


class NotServing(Unavailable):
    """No verified model is loaded."""

    fix = "the detail says why; `assay status` and GET /v1/state show the endpoint"


class NotJudged(Unavailable):
    """What answers was not judged by the newest facts within the lease."""

    fix = "read the predictor's log: its judge waits for a load, for the registry or for policy"


class RunEnded(Unavailable):
    """What answers was to run until a moment that has come: an approver's `until`, or the longest its tier allows."""

    fix = "roll it out again, approved anew where approvals ended: GET /v1/state says what ended"


class NotHandedOut(Unavailable):
    """The registry did not hand out what a rollout names, for a reason that is no verdict on it and may pass."""

    fix = (
        "nothing to do when it passes: the registry is asked again by itself while the rollout is the newest"
    )


class ModelUnusable(Invalid):
    """The package verifies, and ONNX Runtime cannot serve it."""

    fix = "register a package whose graph takes and returns plain numeric tensors"


class ModelFailed(Invalid):
    """The model could not answer for these numbers; nothing is answered instead."""

    fix = "check the values against the model's card; report the request to who runs the endpoint"
