"""A tracer whose spans become JSON lines in `<dir>/<service>.jsonl`, in batches, off the request's path."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace import Tracer as SdkTracer
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.sampling import Decision, ParentBased, Sampler, SamplingResult
from opentelemetry.trace import Link, SpanKind, Tracer, TraceState, format_span_id, format_trace_id
from opentelemetry.util.types import Attributes

from assay.telemetry.propagation import trace_id


def tracer(service: str, directory: Path | None) -> Tracer:
    """Return a tracer for this process; without a directory spans are propagated and not kept."""
    sampler = ParentBased(root=NoPolls())
    provider = TracerProvider(sampler, Resource({"service.name": service}))
    if directory is not None:
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        exporter = JsonLines(directory / f"{service}.jsonl")
        provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=500))
    return provider.get_tracer("assay")


def close(used: Tracer) -> None:
    """Write what is still queued and stop the tracer's thread."""
    if isinstance(used, SdkTracer):
        used.span_processor.shutdown()


@contextmanager
def traced(service: str, directory: Path | None, name: str) -> Iterator[str]:
    """Do the block's work under a span called `name` and yield its trace id; inside a trace it joins that one."""
    used = tracer(service, directory)
    try:
        with used.start_as_current_span(name):
            yield trace_id()
    finally:
        close(used)


class NoPolls(Sampler):
    """Keeps every trace but those that begin at a server with a read: services that poll each other.

    Such a request still has a trace id, for its problem details and the log.
    """

    def should_sample(
        self,
        parent_context: Context | None,  # noqa: ARG002 - the Sampler's
        trace_id: int,  # noqa: ARG002 - the Sampler's
        name: str,  # noqa: ARG002 - the Sampler's
        kind: SpanKind | None = None,
        attributes: Attributes = None,
        links: Sequence[Link] | None = None,  # noqa: ARG002 - the Sampler's
        trace_state: TraceState | None = None,  # noqa: ARG002 - the Sampler's
    ) -> SamplingResult:
        """See OpenTelemetry's `Sampler`."""
        method = (attributes or {}).get("http.request.method")
        poll = kind is SpanKind.SERVER and method in {"GET", "HEAD"}
        return SamplingResult(Decision.DROP if poll else Decision.RECORD_AND_SAMPLE, attributes)

    def get_description(self) -> str:
        """See OpenTelemetry's `Sampler`."""
        return "NoPolls"


class JsonLines(SpanExporter):
    """One JSON object per finished span, appended to a file; times in nanoseconds since 1970."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Append the spans; a full disk loses spans and never a request."""
        lines = "".join(json.dumps(_line(span), default=str) + "\n" for span in spans)
        try:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(lines)
        except OSError:
            return SpanExportResult.FAILURE
        return SpanExportResult.SUCCESS


def _line(span: ReadableSpan) -> dict[str, Any]:
    context = span.get_span_context()
    return {
        "trace_id": format_trace_id(context.trace_id) if context else "",
        "span_id": format_span_id(context.span_id) if context else "",
        "parent_id": format_span_id(span.parent.span_id) if span.parent else None,
        "service": span.resource.attributes.get("service.name"),
        "name": span.name,
        "kind": span.kind.name,
        "start_ns": span.start_time,
        "end_ns": span.end_time,
        "status": span.status.status_code.name,
        "attributes": dict(span.attributes or {}),
        "events": [{"name": event.name, "time_ns": event.timestamp} for event in span.events],
    }
