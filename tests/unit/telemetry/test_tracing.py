from __future__ import annotations

import json
from pathlib import Path

from opentelemetry.trace import SpanKind

from assay.telemetry import close, current_traceparent, extracted, from_environment, inject, trace_id, tracer


def test_spans_become_json_lines_with_one_trace_id(tmp_path: Path) -> None:
    used = tracer("ingestion", tmp_path)
    with used.start_as_current_span("outer") as outer:
        outer.set_attribute("rows", 3)
        with used.start_as_current_span("inner"):
            seen = trace_id()
    close(used)
    inner, outer_line = [json.loads(line) for line in (tmp_path / "ingestion.jsonl").read_text().splitlines()]
    assert inner["trace_id"] == outer_line["trace_id"] == seen
    assert inner["parent_id"] == outer_line["span_id"]
    assert outer_line["attributes"] == {"rows": 3}
    assert outer_line["service"] == "ingestion"
    assert outer_line["end_ns"] >= outer_line["start_ns"]


def test_a_trace_goes_on_in_headers_and_in_subprocesses() -> None:
    used = tracer("a", None)
    with used.start_as_current_span("here"):
        headers: dict[str, str] = {}
        inject(headers)
        environment = {"TRACEPARENT": current_traceparent()}
        seen = trace_id()
    assert headers["traceparent"].split("-")[1] == seen
    with used.start_as_current_span("there", extracted(headers)):
        assert trace_id() == seen
    with from_environment(environment):
        assert trace_id() == seen


def test_outside_a_trace_there_is_nothing_to_say() -> None:
    headers: dict[str, str] = {}
    inject(headers)
    assert headers == {}
    assert trace_id() == ""


def test_a_malformed_traceparent_starts_a_new_trace() -> None:
    used = tracer("a", None)
    for text in ("", "x", "00-" + "0" * 32 + "-" + "1" * 16 + "-01"):
        with from_environment({"TRACEPARENT": text}):
            assert trace_id() == ""
        with used.start_as_current_span("there", extracted({"traceparent": text})):
            assert len(trace_id()) == 32


def test_a_full_disk_loses_spans_and_no_request(tmp_path: Path) -> None:
    used = tracer("lost", tmp_path)
    (tmp_path / "lost.jsonl").mkdir()
    with used.start_as_current_span("here"):
        pass
    close(used)


def test_a_poll_has_a_trace_id_and_leaves_no_span(tmp_path: Path) -> None:
    used = tracer("ledger", tmp_path)
    poll = {"http.request.method": "GET"}
    with used.start_as_current_span("poll", extracted({}), SpanKind.SERVER, poll):
        assert len(trace_id()) == 32
    with used.start_as_current_span(
        "change", extracted({}), SpanKind.SERVER, {"http.request.method": "POST"}
    ):
        headers: dict[str, str] = {}
        inject(headers)
    with used.start_as_current_span("asked in a trace", extracted(headers), SpanKind.SERVER, poll):
        pass
    close(used)
    kept = [json.loads(line)["name"] for line in (tmp_path / "ledger.jsonl").read_text().splitlines()]
    assert kept == ["change", "asked in a trace"]
