"""MLflow's own pages in a real browser over a real MLflow: our runs and models are there, and nothing can be changed.

The registry is in memory: `tests/e2e/test_people.py` asks the real one.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page

from assay.contracts import PersonId
from assay.pages.relying import Relying
from assay_laptop.platform.addresses import free_ports
from services.tracking.allowed import API, ARTIFACTS
from services.tracking.app import pages, pages_site
from tests.integration.tracking.conftest import Tracking, answers, until
from tests.support.browser import Visitor
from tests.unit.tracking.front import DANA, parts, rules
from tests.unit.tracking.viewers import HOUR, LENT, PACKAGE, MemoryModels

REPORT = b"""<h1>A report</h1><script>parent.pwned = 1; document.body.append("it ran")</script>
<img src="https://elsewhere.example/x.png" onerror="parent.pwned = 2"><p>its end</p>"""
SEND = """([path, body]) => fetch(path, {
    method: 'POST', headers: {'content-type': 'application/json'}, body: JSON.stringify(body),
}).then(async answer => [answer.status, (await answer.json()).title])"""
CHAMPION = {"name": "credit-default", "alias": "champion", "version": "1"}
SEARCH = {
    "operationName": "GetRun",
    "query": "query GetRun { mlflowSearchRuns(input: {}) { runs { info { runId } } } }",
}


@pytest.fixture
def reported(tracking: Tracking) -> tuple[str, str]:
    """A run of Dana's with a script in its report; the experiment and the run."""
    until(lambda: answers(tracking.mlflow))
    with tracking.http(DANA) as http:
        experiment = http.post(f"{API}/experiments/create", json={"name": "reports"}).json()["experiment_id"]
        body = {"experiment_id": experiment, "run_name": "monthly"}
        run = http.post(f"{API}/runs/create", json=body).json()["run"]["info"]["run_id"]
        http.put(f"{ARTIFACTS}/{experiment}/{run}/artifacts/report.html", content=REPORT).raise_for_status()
    return experiment, run


@pytest.fixture
def page(tracking: Tracking, reported: tuple[str, str], browser: Browser) -> Iterator[Page]:
    """The window of somebody who signed in at tracking's pages, on the first of them."""
    (port,) = free_ports(1)
    site = pages_site(f"https://localhost:{port}", idle=HOUR, longest=HOUR)
    identity = tracking.lab.workload("/svc/core/tracking")
    relying = Relying("https://localhost:1", lambda _body: {})
    models = MemoryModels(run=reported[1])
    app = pages(parts(rules(), identity), site, tracking.mlflow, models, relying)
    tracking.lab.serve(app, identity, port=port, client_certificate=False)
    visitor = Visitor.of(browser)
    token, _ = site.sessions.begin(PersonId("p-amir"), "a passkey", grant=LENT)
    one: Any = {"name": site.cookie, "value": token, "url": site.origin, "secure": True}
    visitor.page.context.add_cookies([one])
    visitor.page.goto(site.origin)
    visitor.looked_at("mlflow-first")
    yield visitor.page
    visitor.close()


@pytest.mark.threat("T-REG-11")
def test_mlflows_pages_show_our_runs_and_models_run_no_script_of_theirs_and_change_nothing(
    page: Page, reported: tuple[str, str]
) -> None:
    abroad: dict[str, str | None] = {}
    page.on("request", lambda one: abroad.update({} if _is_here(one.url) else {one.url: None}))
    page.on("requestfailed", lambda one: abroad.update({} if _is_here(one.url) else {one.url: one.failure}))
    page.get_by_role("link", name="Open MLflow").click()
    page.wait_for_url("**/tracking/**")
    mlflow = page.url.partition("#")[0]
    experiment, run = reported
    runs = f"experiments/{experiment}/runs/{run}"
    for where, words in (
        ("experiments", ("reports",)),
        (runs, ("monthly", "credit-default")),
        ("models", ("credit-default",)),
        ("models/credit-default/versions/1", ("assay.package", PACKAGE)),
        (f"{runs}/artifacts/report.html", ("report.html",)),
    ):
        page.goto("about:blank")
        page.goto(f"{mlflow}#/{where}")
        for each in words:
            page.get_by_text(each).filter(visible=True).first.wait_for()
    report = page.frame_locator("iframe")
    report.get_by_text("its end").wait_for()
    assert (page.evaluate("window.pwned"), report.get_by_text("it ran").count()) == (None, 0)
    alias = page.evaluate(SEND, ["ajax-api/2.0/mlflow/registered-models/alias", CHAMPION])
    assert (alias, page.evaluate(SEND, ["graphql", SEARCH])) == (
        [403, "PagesOnlyRead"],
        [403, "UnknownQuery"],
    )
    assert abroad == {"https://elsewhere.example/x.png": "csp"}


def _is_here(url: str) -> bool:
    return urlsplit(url).scheme not in {"http", "https"} or urlsplit(url).hostname == "localhost"
