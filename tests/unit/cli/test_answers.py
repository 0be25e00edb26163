"""What commands ask of the platform and how its answers leave them: printed, and as an exit status."""

from __future__ import annotations

import json
import shlex
import subprocess
from pathlib import Path
from typing import Any

import httpx
import pytest

from assay.errors import Forbidden, SignatureInvalid
from tests.unit.cli.shell import shell
from tests.unit.client.world import passkey


@pytest.mark.parametrize(
    ("verdict", "status"),
    [
        ({"passed": True, "outcome": "pass", "missing": []}, 0),
        ({"passed": False, "outcome": "fail", "missing": [{"what": "auc", "how": "train"}]}, 1),
        ({"passed": False, "outcome": "inconclusive", "missing": [{"what": "card", "how": "add it"}]}, 2),
        ({"passed": True}, 2),
        ({"passed": "true", "outcome": "pass"}, 2),
        ({"passed": 1, "outcome": "pass"}, 2),
        ({}, 2),
    ],
)
def test_only_a_gate_that_clearly_passed_ends_with_0(
    tmp_path: Path, verdict: dict[str, Any], status: int
) -> None:
    dana, held = shell(tmp_path, verdict)
    done = dana.run("gate", "check", "models:/credit-default/2", "--to", "prod")
    assert (done.exit_code, json.loads(done.stdout)) == (status, verdict)
    assert (held.calls[0].path, held.calls[0].params) == (
        "/v1/models/credit-default/versions/2/gate",
        {"environment": "prod"},
    )


def test_a_gate_that_was_not_judged_is_inconclusive(tmp_path: Path) -> None:
    refusal = Forbidden("no role", fix="ask ada")
    dana, _ = shell(tmp_path, lambda _: httpx.Response(403, json=refusal.problem()))
    done = dana.run("gate", "check", "models:/credit-default/2", "--to", "prod")
    assert done.exit_code == 2
    told = json.loads(done.stdout)
    assert (told["outcome"], told["refusal"]["title"]) == ("inconclusive", "Forbidden")


def test_a_refusal_of_the_platform_leaves_the_command_as_that_refusal(tmp_path: Path) -> None:
    refusal = Forbidden("no role", fix="ask ada")
    dana, _ = shell(tmp_path, lambda _: httpx.Response(403, json=refusal.problem()))
    done = dana.run("promote", "credit-default/1", "--to", "prod")
    assert isinstance(done.exception, Forbidden)
    assert done.stdout == ""


@pytest.mark.parametrize("verb", ["approve", "reject", "withdraw"])
def test_a_person_signs_what_the_registry_says_with_their_own_passkey(tmp_path: Path, verb: str) -> None:
    about = {"type": "assay-approval/v1", "version": 1, "trust_domain": "assay.demo", "tenant": "demo"}
    about |= {"environment": "prod", "conditions": {}}
    by = {"person": "p-amir", "role": "approver"}
    statement = {"verb": verb, "model": "credit-default", "number": 1, **about, **by}
    amir, held = shell(
        tmp_path, lambda call: {"statement": statement} if call.method == "GET" else {"fact": "ab"}, "amir"
    )
    key = passkey(tmp_path, "amir")
    done = amir.run(verb, "credit-default/1", "--to", "prod")
    assert json.loads(done.stdout) == {"fact": "ab"}
    fetched, handed = held.calls
    assert fetched.params["verb"] == verb
    assert handed.body["assertion"]["statement"] == statement
    assert handed.body["assertion"]["credential_id"] == key.credential.credential_id


def test_an_approval_on_condition_is_asked_for_and_signed_as_such_and_nothing_else_is(tmp_path: Path) -> None:
    about = {"type": "assay-approval/v1", "version": 1, "trust_domain": "assay.demo", "tenant": "demo"}
    about |= {"environment": "prod", "conditions": {"endpoints": ["credit"], "until": 1_800_000_000}}
    by = {"person": "p-amir", "role": "approver"}
    statement = {"verb": "approve", "model": "credit-default", "number": 1, **about, **by}
    amir, held = shell(
        tmp_path, lambda call: {"statement": statement} if call.method == "GET" else {"fact": "ab"}, "amir"
    )
    passkey(tmp_path, "amir")
    asked = ("approve", "credit-default/1", "--to", "prod", "--only-endpoint", "credit")
    assert amir.run(*asked, "--until", "2027-01-15T08:00:00Z").exit_code == 0
    fetched, _ = held.calls
    assert (fetched.params["only_endpoint"], fetched.params["until"]) == ("credit", "1800000000")
    again, _ = shell(tmp_path / "again", lambda _: {"statement": statement}, "amir")
    passkey(tmp_path / "again", "amir")
    assert isinstance(again.run(*asked).exception, SignatureInvalid)


def test_the_variables_survive_a_shell_whatever_the_home_is_called(tmp_path: Path) -> None:
    dana, held = shell(tmp_path / "my home; echo $(id) 'x'", {})
    told = dana.run("env").stdout
    program = f'{told}\nprintf %s "$MLFLOW_TRACKING_CLIENT_CERT_PATH"'
    done = subprocess.run(["sh", "-c", program], capture_output=True, text=True, check=True, timeout=30)
    assert done.stdout == str(held.combined_path)
    assert all(shlex.split(line)[0] == "export" for line in told.splitlines())


def test_a_prediction_is_printed_as_it_came(tmp_path: Path) -> None:
    answers = {"serving": {"url": "https://predictor.test", "model": "credit-default"}}
    dana, held = shell(tmp_path, lambda call: answers.get(call.expect, {"outputs": [], "model_name": "é"}))
    done = dana.run("predict", "prod/credit", "[[1, 2]]")
    assert json.loads(done.stdout) == {"outputs": [], "model_name": "é"}
    assert "é" in done.stdout
    assert held.calls[-1].body["inputs"][0]["data"] == [1, 2]


def test_i_am_told_my_identity_and_my_roles_alone(tmp_path: Path) -> None:
    people: list[dict[str, Any]] = [{"person": f"p-{name}", "roles": [name]} for name in ("amir", "dana")]
    dana, _ = shell(tmp_path, {"people": people})
    told = json.loads(dana.run("whoami").stdout)
    assert told == {"identity": "spiffe://assay.demo/people/p-dana", "person": people[1]}
