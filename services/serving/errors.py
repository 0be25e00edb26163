"""What serving refuses, by name."""

from __future__ import annotations

from assay.errors import Conflict, Forbidden, NotFound, ServiceError


class UnknownEndpoint(NotFound):
    """Nothing was ever rolled out there."""

    fix = "roll a version out: POST /v1/endpoints/<environment>/<endpoint>/rollouts"


class UnknownVersion(NotFound):
    """No version of that number or alias exists."""

    fix = "list the model's versions and aliases at the registry"


class NothingBefore(Conflict):
    """There is no earlier version to go back to."""

    fix = "roll out the version you want by its number"


class Superseded(Conflict):
    """Another rollout was said while this one was being taken."""

    fix = "read the endpoint's present state and decide again"


class RolloutFailed(ServiceError):
    """The predictor could not take the rollout; the detail says what happened to the endpoint."""

    status = 502
    fix = "read the predictor's reason in `problem`; the endpoint was put back as the detail says"


class NotThatPredictor(Forbidden):
    """A predictor asks for a certificate that is not its own, or of an endpoint that does not exist."""

    fix = "only the predictor of a rolled-out endpoint gets a certificate, and only its own"
