"""The main job, stage by stage, as the demonstration's people: dana builds, amir and bea say yes, ada rolls out."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from assay.client import Platform, Session, connect
from assay.client.sign_in import log_in, passkey_of
from assay.custody.pack import verify_pack
from assay.custody.pack_page import file_name, read_page
from assay.custody.receipt import VerifiedReceipt, verify_bundle
from assay.errors import NotFound, SignatureInvalid, Unavailable
from assay.flows import execute
from assay.ledger import Root
from assay.policy import OpaWasm
from assay_laptop.demo import planted
from assay_laptop.demo.chromium import Approvers
from assay_laptop.opa.find import folder as policy_folder
from assay_laptop.platform.supervisor import Supervisor

PEOPLE = ("ada", "grace", "dana", "amir", "bea")
APPROVERS = ("amir", "bea")
MODEL = "credit-default"
ENVIRONMENT, ENDPOINT = "prod", "credit"
LANDING_SECONDS = 15.0
PUBLISHED_AUC = (0.77, 0.79)


@dataclass
class Thread:
    """What the stages hand each other."""

    home: Path
    say: Callable[[str], None]
    sessions: dict[str, Session] = field(default_factory=dict)
    made: dict[str, Any] = field(default_factory=dict)  # the pipeline's references, by asset
    approvals: dict[int, dict[str, str]] = field(default_factory=dict)  # version -> person -> fact
    predictions: dict[int, dict[str, Any]] = field(default_factory=dict)
    receipt: Path = Path()
    pack: Path = Path()
    browser: Approvers | None = None  # where amir and bea decide; without one, with software passkeys

    # ---- people

    def log_in(self) -> str:
        """Everybody trades a signed challenge for a one-hour certificate."""
        platform = Platform.load(self.home)
        for name in PEOPLE:
            log_in(platform, name)
            self.sessions[name] = connect(self.home, as_=name)
        return f"{len(PEOPLE)} people, each with a certificate for a key made here; software passkeys (demonstration)"

    # ---- the pipeline

    def pipeline(self) -> str:
        """Run the Dagster job as dana."""

        def tell(step: str, state: str, seconds: float | None) -> None:
            self.say(f"    {step} {state}" + (f" after {seconds:.1f} s" if seconds is not None else ""))

        self.made = execute("credit_default", str(self.home), "dana", tell)
        batches = [self.made["clients"], *self.made["statements"]]
        rows, kept_out = sum(b["rows"] for b in batches), sum(b["quarantined"] for b in batches)
        return f"{len(batches)} batches, {rows:,} rows encrypted, {kept_out} rows in quarantine with reasons"

    @property
    def versions(self) -> list[dict[str, Any]]:
        """The registered versions, newest last."""
        return list(self.made["versions"])

    def same_bytes_again(self) -> str:
        """Push the clients once more: the same bytes are the same batch."""
        from pipelines.credit_default import steps

        again = self.sessions["dana"].data.push(
            "clients",
            "2005-10",
            steps.clients(),
            source="uci-credit-default",
            recorded_at=steps.CLIENTS_KNOWN,
        )
        first = self.made["clients"]["fact"]
        if again["fact"] != first:
            raise NotFound(f"a second push of the same bytes made another batch: {again['fact']}")
        return f"one batch: {first[:16]}…"

    def quality(self) -> str:
        """State what the evaluator measured on rows the run was not given."""
        return (
            "; ".join(
                f"v{v['number']} AUC {v['evaluation']['metrics']['auc']:.4f} F1 {v['evaluation']['metrics']['f1']:.3f}"
                f" ECE {v['evaluation']['metrics']['ece']:.3f}"
                for v in self.versions
            )
            + f" (published AUC {PUBLISHED_AUC[0]} to {PUBLISHED_AUC[1]})"
        )

    def mlflow_sees_it(self) -> str:
        """An unchanged MLflow client, with the environment `assay env` prints."""
        script = (
            "import mlflow; c = mlflow.MlflowClient(); v = c.get_model_version('credit-default', '1');"
            "r = c.search_runs([e.experiment_id for e in c.search_experiments()]);"
            "print(len(c.search_registered_models()), v.version, len(r), sorted(r[0].data.metrics)[:3])"
        )
        environment = os.environ | self.sessions["dana"].mlflow_environment()
        done = subprocess.run(
            [sys.executable, "-c", script],
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        if done.returncode != 0:
            raise Unavailable(f"mlflow: {done.stderr.strip().splitlines()[-1:]}")
        models, version, runs, metrics = done.stdout.strip().split(" ", 3)
        return f"{models} model, models:/{MODEL}/{version}, {runs} run with metrics {metrics}"

    def future_is_not_used(self, platform: Supervisor) -> str:
        """Read the held-out rows as the evaluator does, and look for the bills planted in the future."""
        from pipelines.credit_default.synthetic import FUTURE_BILL, FUTURE_CLIENTS

        url = self.sessions["dana"].platform.urls["features"]
        with platform.acting_as("evaluator") as evaluator:
            rows = planted.held_out_rows(evaluator, url, self.made["feature_set"]["fact"])
        largest, there = planted.largest_bill(rows), planted.planted_clients(rows, FUTURE_CLIENTS)
        if largest >= FUTURE_BILL or there == 0:
            raise planted.FutureUsed(f"largest bill {largest:,.0f}; {there} planted clients among the rows")
        return (
            f"{len(FUTURE_CLIENTS)} bills of {FUTURE_BILL:,} recorded in November; {there} of these clients are"
            f" held out, and the largest bill in any row is {largest:,.0f}"
        )

    def upstream_verifies(self) -> str:
        """Have OpenSSF's own command verify the package and its signature."""
        dana = self.sessions["dana"]
        digest = str(self.versions[0]["package"])
        with TemporaryDirectory() as folder:
            place = Path(folder)
            for path, content in dana.models.package(digest).items():
                (place / "package" / path).parent.mkdir(parents=True, exist_ok=True)
                (place / "package" / path).write_bytes(content)
            (place / "model.sig").write_bytes(dana.models.signature(digest))
            (place / "key.pem").write_text(dana.root.services["model-signing"])
            done = model_signing(place)
        if done.returncode != 0:
            raise SignatureInvalid(f"model_signing: {done.stdout[-300:]}{done.stderr[-300:]}")
        return f"model_signing verify key: {done.stdout.strip() or done.stderr.strip()}"

    # ---- people say yes

    def gate_is_closed(self) -> str:
        """The gate says what is missing before anybody signed."""
        verdict = self.sessions["dana"].models.gate(MODEL, 1, ENVIRONMENT)
        if verdict["passed"] is not False:
            raise NotFound("the gate of prod passed a version nobody approved")
        return "; ".join(missing["what"] for missing in verdict["missing"])

    def approve(self, number: int) -> str:
        """Dana asks; two approvers sign exactly this package and this evidence: in a browser where there is one."""
        asked = self.sessions["dana"].requests.ask(
            MODEL, number, ENVIRONMENT, note="measured on held-out rows"
        )
        if self.browser is None:
            how = "with software passkeys"
            for name in APPROVERS:
                session = self.sessions[name]
                passkey = passkey_of(session.platform, name)
                done = session.approvals.approve(passkey, MODEL, number, ENVIRONMENT)
                self.approvals.setdefault(number, {})[name] = done["fact"]
        else:
            self.browser.approve(self.sessions["ada"], APPROVERS, asked["id"])
            how = f"with passkeys in Chromium {self.browser.version}"
            self.approvals[number] = self._signed(number)
        verdict = self.sessions["ada"].models.gate(MODEL, number, ENVIRONMENT)
        if verdict["passed"] is not True:
            raise NotFound(f"two approvals and still missing: {verdict['missing']}")
        return f"v{number}: amir and bea signed {how}; the gate of {ENVIRONMENT} passes"

    def _signed(self, number: int) -> dict[str, str]:
        """Return the facts of the approvers' standing approvals, by name."""
        version = self.sessions["ada"].models.version(MODEL, number)
        facts = {one["person"]: one["fact"] for one in version["decisions"] if one["kind"] == "approval"}
        return {name: facts[str(self.sessions[name].identity.spiffe_id.person)] for name in APPROVERS}

    # ---- it answers

    def roll_out(self, number: int) -> str:
        """Serving appends the desired state; the predictor verifies everything and answers."""
        ada = self.sessions["ada"]
        ada.models.move_alias(MODEL, "champion", number, ENVIRONMENT)
        done = ada.endpoints.roll_out(
            ENVIRONMENT, ENDPOINT, MODEL, number, reason=f"version {number} approved"
        )
        return f"models:/{MODEL}@champion is v{number}; rollout {done['fact'][:16]}… answers"

    def roll_back(self) -> str:
        """Back to the version before."""
        done = self.sessions["ada"].endpoints.roll_back(
            ENVIRONMENT, ENDPOINT, reason="the demonstration goes back"
        )
        answered = self.predict(int(done["number"]))
        return f"v{done['number']} again; {answered}"

    def rows(self) -> list[list[float]]:
        """A made-up client, in the order of the feature set's names."""
        count = len(self.made["feature_set"]["features"])
        return [[0.0] * count, [1.0] * count]

    def predict(self, number: int) -> str:
        """An OIP v2 request over mTLS; the answer names its receipt."""
        began = time.perf_counter()
        answer = self.sessions["dana"].endpoints.predict(ENVIRONMENT, ENDPOINT, self.rows())
        took = (time.perf_counter() - began) * 1000
        self.predictions[number] = answer
        (output,) = answer["outputs"]
        return (
            f"{[round(value, 4) for value in output['data']]} in {took:.0f} ms; receipt {receipt_id(answer)}"
        )

    def export_receipt(self) -> str:
        """One file with everything that stands behind the prediction."""
        bundle = self._landed(receipt_id(self.predictions[1]))
        self.receipt = self.home / "receipt.json"
        self.receipt.write_text(json.dumps(bundle))
        return f"receipt.json, {self.receipt.stat().st_size:,} bytes"

    def _landed(self, receipt: str) -> dict[str, Any]:
        end = time.monotonic() + LANDING_SECONDS
        while True:
            try:
                return self.sessions["dana"].endpoints.receipt_bundle(ENVIRONMENT, ENDPOINT, receipt)
            except (NotFound, Unavailable):
                if time.monotonic() > end:
                    raise
                time.sleep(0.2)

    def verify(self) -> VerifiedReceipt:
        """Check the file with nothing but the root and the rules."""
        root = Root.load(self.home / "root.json")
        rules = OpaWasm(policy_folder() / "policy.wasm")
        return verify_bundle(json.loads(self.receipt.read_bytes()), root, now=time.time(), policy=rules)

    def take_pack(self) -> str:
        """Everything stated about version 2 as one page, checked with nothing but the root and the rules."""
        page = self.sessions["amir"].models.pack(MODEL, 2)
        self.pack = self.home / file_name(MODEL, 2)
        self.pack.write_bytes(page)
        root, rules = Root.load(self.home / "root.json"), OpaWasm(policy_folder() / "policy.wasm")
        proven = verify_pack(read_page(page), root, now=time.time(), policy=rules)
        words = f"{len(proven.words)} people's words, {len(proven.chain.evidence)} statements"
        return f"{self.pack.name}, {len(page):,} bytes, {words}; {proven.tree.detail}"


def model_signing(place: Path) -> subprocess.CompletedProcess[str]:
    """Run the upstream `model_signing verify key` over a folder's `package`, `model.sig` and `key.pem`."""
    command = [str(Path(sys.executable).with_name("model_signing")), "verify", "key", str(place / "package")]
    command += ["--signature", str(place / "model.sig"), "--public_key", str(place / "key.pem")]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def services_in(trace: str, home: Path) -> list[str]:
    """Return whose spans belong to a trace, from the files a laptop keeps them in."""
    found = set()
    for file in (home / "telemetry").glob("*.jsonl"):
        if any(json.loads(line)["trace_id"] == trace for line in file.read_text().splitlines()):
            found.add(file.stem)
    return sorted(found)


def failed_in(trace: str, home: Path) -> tuple[int, list[str]]:
    """Return how many requests a trace made, and which were answered with an error of the platform's (5xx)."""
    requests, failed = 0, []
    for file in (home / "telemetry").glob("*.jsonl"):
        for span in map(json.loads, file.read_text().splitlines()):
            if span["trace_id"] == trace and span["kind"] == "SERVER":
                requests += 1
                status = int(span["attributes"].get("http.response.status_code", HTTPStatus.OK))
                if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
                    failed.append(f"{span['service']}: {span['name']} {status}")
    return requests, failed


def receipt_id(answer: dict[str, Any]) -> str:
    """Return the receipt an answer names."""
    return str(answer["parameters"]["assay_receipt"])
