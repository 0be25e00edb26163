"""Secrets and personal data planted in every place a request has appear in no ledger, journal, log, trace or export."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest

from assay.client import Session
from assay.client.audit import Left
from tests.conftest import Running
from tests.e2e.test_journals import READS

CANARIES = {
    "name": "Erika Kanarienvogel",
    "email": "erika.kanarienvogel@example.com",
    "iban": "DE02120300000000202051",
    "lower iban": "de02120300000000202052",
    "phone": "+49-30-5550-1234567",
    "token": "hvs.CAESIKanarienvogel0123456789",
    "key": "-----BEGIN PRIVATE KEY-----Kanarienvogel",
    "hex key": "ca0a71e4" * 8,
    "passphrase": "kanarienvogel-batterie-klammer-heftig",
}
LANDED_SECONDS = 5.0


def paths(value: str) -> Iterator[tuple[str, str, str]]:
    """Yield service, method and path of requests that carry a value in their address."""
    text = quote(value, safe="")
    for service, path in READS.items():
        yield service, "GET", f"{path}{'&' if '?' in path else '?'}note={text}"
        yield service, "GET", f"/v1/{text}"
    yield "registry", "GET", f"/v1/models/{text}/versions"
    yield "registry", "GET", f"/v1/packages/{text}/files/{text}"
    yield "ingestion", "GET", f"/v1/datasets/{text}/batches"
    yield "identity", "PUT", f"/v1/people/{text}"
    yield "identity", "DELETE", f"/v1/people/{text}/name"
    yield "training", "GET", f"/v1/runs/{text}"
    yield "serving", "GET", f"/v1/endpoints/prod/{text}"
    yield "tracking", "GET", f"/api/2.0/mlflow-artifacts/artifacts/1/{text}"
    yield "ledger", "GET", f"/v1/search?subject={text}&about={text}"
    yield "ledger", "GET", f"/v1/facts/{text}"


def plant(session: Session, value: str) -> None:
    """Send a value everywhere a request has room for it; most of it is refused."""
    header = value.encode("ascii", "ignore").decode()
    headers = {
        "user-agent": header,
        "x-note": header,
        "tracestate": f"a={quote(header)}",
        "baggage": f"a={header}",
    }
    for service, method, path in paths(value):
        http = session.service(service).http
        with suppress(httpx.TransportError):
            http.request(method, path, headers=headers, json={"name": value} if method == "PUT" else None)
    for name, body in (
        ("identity", {"person": value, "role": value}),
        ("identity", {"name": value, value: value}),
        ("registry", {"run": value, "checkpoint": value, "tier": value}),
        ("training", {"experiment": value, "model": value, "source": {value: value}, "feature_set": value}),
    ):
        for path in ("/v1/people", "/v1/roles", "/v1/models/m/versions", "/v1/runs"):
            session.service(name).http.post(path, json=body, headers=headers)
            session.service(name).http.post(path, content=value.encode(), headers=headers)
    for header_of_ours in ("Assay-Grant", "Assay-Tenant"):
        session.service("registry").http.get("/v1/models", headers={header_of_ours: header})


def trails(home: Path) -> list[Path]:
    """Return the files of the ledger, of every journal, of logs and of traces."""
    found = [
        path
        for path in home.rglob("*")
        if path.is_file()
        and (
            path.name.startswith(("journal.db", "ledger.db", "search.db"))
            or {"logs", "telemetry"} & {part.name for part in path.parents}
        )
    ]
    assert any(path.name == "journal.db" for path in found)
    assert any(path.name == "ledger.db" for path in found)
    return found


@pytest.fixture(scope="module")
def planted(running: Running) -> Path:
    """Plant every canary as an administrator and as somebody with less rights; name a person after one, too."""
    ada = running.thread.sessions["ada"]
    for value in CANARIES.values():
        for session in (ada, running.thread.sessions["dana"]):
            plant(session, value)
    person = ada.service("identity").post("/v1/people", {"name": CANARIES["name"]})["person"]
    ada.service("identity").request("DELETE", f"/v1/people/{person}/name")
    time.sleep(LANDED_SECONDS)
    return running.platform.home.path


@pytest.mark.parametrize("what", sorted(CANARIES))
def test_what_was_planted_is_in_no_ledger_journal_log_or_trace(planted: Path, what: str) -> None:
    value = CANARIES[what]
    spellings = {value.encode(), quote(value, safe="").encode(), json.dumps(value)[1:-1].encode()}
    holding = [str(path) for path in trails(planted) if any(one in path.read_bytes() for one in spellings)]
    assert holding == []


def test_what_was_planted_is_in_no_export(running: Running, planted: Path) -> None:
    assert planted
    events = list(running.thread.sessions["ada"].audit.export(Left()))
    text = "\n".join(json.dumps(event) for event in events)
    assert [what for what, value in CANARIES.items() if value in text] == []
    refused = [event for event in events if event.get("status_detail")]
    assert {"Forbidden", "NotFound", "Invalid"} <= {event["status_detail"] for event in refused}
    assert all(event["unmapped"]["assay"]["log_index"] >= 0 for event in events)
