"""W3C trace context: read it from headers or the environment, and write it into requests.

Only `traceparent` is carried; baggage and trace state from outside are not passed on.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import contextmanager

from opentelemetry import context, trace
from opentelemetry.trace import format_trace_id
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

_PROPAGATOR = TraceContextTextMapPropagator()


def trace_id() -> str:
    """Return the current trace's id (32 hex digits), or "" outside any trace."""
    span = trace.get_current_span().get_span_context()
    return format_trace_id(span.trace_id) if span.is_valid else ""


def inject(headers: MutableMapping[str, str]) -> None:
    """Write the current `traceparent` into request headers; nothing outside a trace."""
    traceparent = current_traceparent()
    if traceparent:
        headers["traceparent"] = traceparent


def current_traceparent() -> str:
    """Return the current `traceparent`, e.g. for a subprocess's `TRACEPARENT`, or ""."""
    carrier: dict[str, str] = {}
    _PROPAGATOR.inject(carrier)
    return carrier.get("traceparent", "")


def extracted(headers: Mapping[str, str]) -> context.Context:
    """Return the context a caller's `traceparent` names, or an empty one when it is missing or malformed."""
    carrier = {"traceparent": headers["traceparent"]} if "traceparent" in headers else {}
    return _PROPAGATOR.extract(carrier, context.Context())


@contextmanager
def from_environment(environ: Mapping[str, str] = os.environ) -> Iterator[None]:
    """Continue the trace of the parent process, given in `TRACEPARENT`."""
    token = context.attach(extracted({"traceparent": environ.get("TRACEPARENT", "")}))
    try:
        yield
    finally:
        context.detach(token)
