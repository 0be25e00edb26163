"""One trace through everything: OpenTelemetry spans as JSON lines, W3C trace context in and out.

`tracer` belongs to one process and is passed on, never global; the current span lives in the context, so
`trace_id`, `inject` and `extracted` need no tracer. Spans carry route templates and ids, never bodies.
"""

from assay.telemetry.propagation import current_traceparent, extracted, from_environment, inject, trace_id
from assay.telemetry.tracing import close, traced, tracer

__all__ = [
    "close",
    "current_traceparent",
    "extracted",
    "from_environment",
    "inject",
    "trace_id",
    "traced",
    "tracer",
]
