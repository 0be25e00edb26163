"""Least privilege: what each login may do is listed here in full; everything else is forbidden."""

from __future__ import annotations

import re
from collections.abc import Mapping

import pytest

from assay.errors import Forbidden
from assay.vault.layout import LAUNCHER, POLICIES, SERVICES, SESSION_POLICY, standard
from tests.contract.vault.actions import MADE_BY, Action, every_action
from tests.contract.vault.world import Running

ACTIONS: Mapping[str, Action] = every_action()


def signs(*keys: str) -> set[str]:
    """Return the right to sign with keys and to read their public halves."""
    return {f"{verb} {key}" for key in keys for verb in ("sign", "read")}


def seals(kind: str) -> set[str]:
    return {f"{verb} {kind}" for verb in ("create", "encrypt", "decrypt", "rotate")}


def bootstraps(*logins: str) -> set[str]:
    return {f"{verb} {login}" for login in logins for verb in ("role-id", "wrap")}


JOURNAL = signs("fact-journal-core")
MAY: Mapping[str, set[str]] = {
    "ledger": {"certify ledger"} | signs("log") | JOURNAL,
    "witness": {"certify witness"},
    "identity": {"certify identity", "certify people"}
    | signs("fact-root", "fact-credential", "fact-role", "fact-policy", "fact-revocation-people", "grant")
    | {"list logins", "end a login"}
    | JOURNAL,
    "opa": {"certify opa"},
    "ingestion": {"certify ingestion", "hmac dedup", "delete batch", "let batch be deleted"}
    | signs("fact-dataset-batch")
    | seals("batch")
    | JOURNAL,
    "features": {"certify features", "hmac split"} | signs("fact-feature-set") | seals("features") | JOURNAL,
    "tracking": {"certify tracking"} | JOURNAL,
    "training": {"certify training", "certify run"} | signs("fact-run", "order-training") | JOURNAL,
    "evaluator": {"certify evaluator"} | signs("fact-evaluation", "order-evaluator") | JOURNAL,
    "registry": {"certify registry"}
    | signs(
        "fact-version",
        "fact-evidence",
        "fact-approval",
        "fact-rejection",
        "fact-withdrawal",
        "fact-delegation",
        "fact-revocation",
    )
    | signs("fact-alias-dev", "fact-alias-prod", "model-signing")
    | seals("packages")
    | {"encrypt webhooks", "decrypt webhooks"}
    | JOURNAL,
    "serving": {"certify serving", "certify predictor-dev", "certify predictor-prod"}
    | signs("fact-rollout-dev", "fact-rollout-prod")
    | bootstraps("predictor-dev", "predictor-prod")
    | JOURNAL,
    "predictor-dev": signs("fact-journal-dev"),
    "predictor-prod": signs("fact-journal-prod"),
    "launcher": bootstraps(*SERVICES),
}


@pytest.fixture(scope="session")
def with_keys(vault: Running) -> Running:
    """The Vault with one key of each kind that is made while the platform runs."""
    for kind in MADE_BY:
        vault.admin.vault().create_key(f"{kind}-demo-x", "aes256-gcm96")
    return vault


@pytest.mark.parametrize("login", sorted(MAY))
def test_a_login_may_do_what_is_listed_and_nothing_else(with_keys: Running, login: str) -> None:
    vault = with_keys.as_service(login)
    allowed = set()
    for name, act in sorted(ACTIONS.items()):
        try:
            act(vault)
        except Forbidden:
            continue
        allowed.add(name)
        if name.startswith("delete "):
            with_keys.admin.vault().create_key(f"{name.split()[1]}-demo-x", "aes256-gcm96")
    assert allowed == MAY[login]


def test_every_login_has_one_policy_and_every_policy_is_of_a_login() -> None:
    files = {path.stem for path in POLICIES.glob("*.hcl")}
    assert files == {*standard().logins, SESSION_POLICY}
    assert set(MAY) == set(standard().logins)


def test_every_key_and_role_of_the_layout_is_somebodys() -> None:
    used = set().union(*MAY.values())
    layout = standard()
    verbs = {"hmac": "hmac", "aes256-gcm96": "decrypt"}
    assert {f"{verbs.get(kind, 'sign')} {key}" for key, kind in layout.keys.items()} <= used
    assert {f"certify {role.name}" for role in layout.pki_roles} <= used
    assert {f"wrap {login}" for login in layout.logins if login != LAUNCHER} <= used


def test_a_signing_key_is_one_services_alone_but_for_the_core_journal() -> None:
    holders = {
        action: [login for login, may in MAY.items() if action in may]
        for action in ACTIONS
        if action.startswith(("sign ", "certify "))
    }
    shared = {action for action, logins in holders.items() if len(logins) != 1}
    assert shared == {"sign fact-journal-core"}


def test_no_policy_names_a_wildcard_for_signing_or_certifying() -> None:
    for path in POLICIES.glob("*.hcl"):
        patterns = re.findall(r'path "([^"]+)"', path.read_text())
        assert not [each for each in patterns if re.match(r"(pki|transit/sign|auth|sys)\b.*[*+]", each)], (
            path.name
        )
