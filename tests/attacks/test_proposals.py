"""A service proposes what a person signs: it must get a signature under nothing else than what was asked for."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from assay.client import approvals
from assay.client.approvals import Approvals
from assay.client.people import People
from assay.contracts import Assertion, Conditions, Environment, SpiffeId
from assay.errors import SignatureInvalid
from assay.identity.statements import approval_statement, credential_statement, role_statement

DOMAIN = "assay.demo"
TRUE = approval_statement(
    trust_domain=DOMAIN,
    tenant="demo",
    model="credit-default",
    number=1,
    verb="approve",
    environment=Environment.PROD,
    tier="limited",
    package="0" * 64,
    evidence=[],
    policy="1" * 64,
    conditions={},
    nonce="n",
    not_before=0,
    expiry=1,
    person="p-amir",
    role="approver",
    log_size=1,
    log_root="2" * 64,
)
ROLE = role_statement(
    trust_domain=DOMAIN, tenant="demo", person="p-dana", role="reader", ended=False, previous="3" * 64
)
CREDENTIAL = credential_statement(
    trust_domain=DOMAIN, person="p-eve", credential_id="c", public_key="k", software=True, previous=None
)


class Passkey:
    """Signs, and says that it did."""

    signed: dict[str, Any] | None = None

    def assert_(self, statement: dict[str, Any]) -> Assertion:
        """Remember what was signed."""
        self.signed = statement
        return Assertion(
            statement=statement,
            person="p",
            credential_id="c",
            authenticator_data="",
            client_data="",
            signature="",
        )


class Liar:
    """A service that proposes other words than were asked for."""

    def __init__(self, statement: dict[str, Any]) -> None:
        self._statement = statement

    def get(self, path: str, **_: object) -> Any:  # noqa: ANN401, ARG002 - JSON
        """Propose."""
        return {"statement": self._statement}

    def post(self, path: str, body: object) -> Any:  # noqa: ANN401, ARG002 - JSON
        """Propose, and take anything in."""
        return {"statement": self._statement, "fact": "f"}


def _approvals(statement: dict[str, Any]) -> Approvals:
    session: Any = SimpleNamespace(
        service=lambda _name: Liar(statement),
        platform=SimpleNamespace(trust_domain=DOMAIN),
        tenant="demo",
        identity=SimpleNamespace(spiffe_id=SpiffeId(DOMAIN, "/people/p-amir")),
    )
    return Approvals(session)


@pytest.mark.parametrize(
    "lie",
    [
        {"model": "fraud"},
        {"number": 2},
        {"number": True},
        {"verb": "withdraw"},
        {"environment": "dev"},
        {"trust_domain": "other.demo"},
        {"tenant": "other"},
        {"person": "p-bea"},
        {"role": "administrator"},
        {"type": "assay-role/v1"},
        {"conditions": {"endpoints": ["credit"]}},
        {"conditions": None},
    ],
)
@pytest.mark.threat("T-REG-12")
def test_a_registry_that_shows_another_decision_gets_no_signature(lie: dict[str, Any]) -> None:
    passkey = Passkey()
    with pytest.raises(SignatureInvalid):
        _approvals({**TRUE, **lie}).approve(passkey, "credit-default", 1, "prod")
    assert passkey.signed is None


@pytest.mark.parametrize(
    "shown", [{}, {"endpoints": ["cards"]}, {"endpoints": ["credit"], "until": 2_000_000_000}]
)
@pytest.mark.threat("T-REG-12")
def test_a_registry_that_shows_other_conditions_than_were_asked_for_gets_no_signature(
    shown: dict[str, Any],
) -> None:
    passkey, asked = Passkey(), Conditions(("credit",))
    with pytest.raises(SignatureInvalid, match="conditions"):
        _approvals({**TRUE, "conditions": shown}).approve(
            passkey, "credit-default", 1, "prod", conditions=asked
        )
    assert passkey.signed is None


@pytest.mark.parametrize("statement", [ROLE, CREDENTIAL, {}])
@pytest.mark.threat("T-REG-12")
def test_a_registry_gets_no_signature_under_what_administrators_say(statement: dict[str, Any]) -> None:
    passkey = Passkey()
    with pytest.raises(SignatureInvalid):
        _approvals(statement).approve(passkey, "credit-default", 1, "prod")
    assert passkey.signed is None


@pytest.mark.parametrize(
    "statement", [{**ROLE, "person": "p-eve"}, {**ROLE, "role": "administrator"}, CREDENTIAL, TRUE]
)
@pytest.mark.threat("T-REG-12")
def test_identity_gets_no_signature_under_another_role_or_credential(statement: dict[str, Any]) -> None:
    passkey = Passkey()
    liar: Any = Liar(statement)
    with pytest.raises(SignatureInvalid):
        People(liar, DOMAIN, "demo").change_role("p-dana", "reader", [passkey])
    assert passkey.signed is None


@pytest.mark.control("T-REG-12")
def test_what_was_asked_for_is_signed() -> None:
    passkey = Passkey()
    _approvals(TRUE).approve(passkey, "credit-default", 1, "prod")
    assert passkey.signed == TRUE
    liar: Any = Liar(ROLE)
    People(liar, DOMAIN, "demo").change_role("p-dana", "reader", [passkey])
    assert passkey.signed == ROLE


@pytest.mark.control("T-REG-12")
def test_control_whoever_signs_what_is_shown_signs_another_decision(monkeypatch: pytest.MonkeyPatch) -> None:
    passkey = Passkey()
    monkeypatch.setattr(approvals, "as_asked", lambda statement, _asked: statement)
    _approvals({**TRUE, "number": 2}).approve(passkey, "credit-default", 1, "prod")
    assert passkey.signed is not None
    assert passkey.signed["number"] == 2
