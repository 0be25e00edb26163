from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.contracts import (
    Environment,
    Fact,
    FactKind,
    Revocation,
    SignedFact,
    body_of,
    canonical,
    sha256_hex,
)
from assay.errors import BadRequest

SAFE = 2**53 - 1
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-SAFE, SAFE) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
DIGEST = st.binary(max_size=8).map(sha256_hex)
FACTS = st.builds(
    Fact,
    kind=st.sampled_from(FactKind),
    about=TEXT,
    tenant=TEXT,
    time=TEXT,
    body=st.dictionaries(TEXT.filter(lambda name: name != "assay"), JSON, max_size=4),
    subjects=st.lists(st.tuples(TEXT, DIGEST), max_size=3).map(tuple),
    environment=st.none() | st.sampled_from(Environment),
    previous=st.none() | DIGEST,
)
SIGNED = st.builds(SignedFact, FACTS, DIGEST, st.binary(max_size=72))

FACT = Fact(
    kind=FactKind.ALIAS,
    about="alias/prod/credit-default@champion",
    tenant="demo",
    time="2026-01-02T03:04:05Z",
    body={"model": "credit-default", "number": 1},
    subjects=(("model", "ab" * 32),),
    environment=Environment.PROD,
    previous="cd" * 32,
)


def changed(*path: str, to: Any) -> bytes:  # noqa: ANN401 - any JSON value
    """Return FACT's statement with one member replaced, canonical again where that is possible."""
    statement = json.loads(FACT.payload())
    place = statement
    for name in path[:-1]:
        place = place[name]
    place[path[-1]] = to
    return json.dumps(statement, sort_keys=True, separators=(",", ":")).encode()


@settings(deadline=None)
@given(FACTS)
def test_a_fact_reads_back_as_itself(fact: Fact) -> None:
    again = Fact.parse(fact.payload())
    assert again == fact
    assert (again.payload(), again.digest) == (fact.payload(), fact.digest)


@settings(deadline=None)
@given(SIGNED)
def test_an_envelope_reads_back_as_itself(signed: SignedFact) -> None:
    assert SignedFact.from_bytes(signed.to_bytes()) == signed


@settings(deadline=None)
@given(SIGNED, st.data())
def test_no_byte_of_an_entry_can_change_unseen(signed: SignedFact, data: st.DataObject) -> None:
    entry = bytearray(signed.to_bytes())
    place = data.draw(st.integers(0, len(entry) - 1))
    entry[place] ^= data.draw(st.integers(1, 255))
    try:
        other = SignedFact.from_bytes(bytes(entry))
    except BadRequest:
        return
    assert other != signed
    assert other.to_bytes() == bytes(entry)


@settings(deadline=None)
@given(st.binary(max_size=60) | FACTS.map(Fact.payload), st.integers(0, 80), st.binary(max_size=3))
def test_any_bytes_are_a_fact_or_refused(data: bytes, place: int, inserted: bytes) -> None:
    payload = data[:place] + inserted + data[place:]
    try:
        fact = Fact.parse(payload)
    except BadRequest:
        return
    assert fact.payload() == payload


def test_the_signed_bytes_are_dsses_encoding_of_type_and_payload() -> None:
    assert SignedFact.pae(b"hi") == b"DSSEv1 28 application/vnd.in-toto+json 2 hi"


def test_a_statement_is_in_totos() -> None:
    statement = json.loads(FACT.payload())
    assert statement["_type"] == "https://in-toto.io/Statement/v1"
    assert statement["subject"] == [{"name": "model", "digest": {"sha256": "ab" * 32}}]
    assert statement["predicateType"] == "urn:assay:fact:alias:v1"
    assert (
        Fact(FactKind.RUN, "run/x", "demo", "t", {}).kind.predicate_type == "https://slsa.dev/provenance/v1"
    )


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        FACT.payload() + b" ",
        FACT.payload().replace(b'"demo"', b' "demo"'),
        FACT.payload().replace(b'"demo"', b'"\\u0064emo"'),
        FACT.payload().replace(b'"number":1', b'"number":1.0'),
        FACT.payload().replace(b'"number":1', b'"number":1,"number":1'),
        FACT.payload().replace(b'"number":1', b'"number":' + b"[" * 5000 + b"]" * 5000),
        FACT.payload().replace(b'"number":1', b'"number":1152921504606846976'),
        changed("unknown", to=1),
        changed("_type", to="https://in-toto.io/Statement/v0.1"),
        changed("predicateType", to="urn:assay:fact:rollout:v1"),
        changed("subject", to=None),
        changed("subject", to=[{"name": "model", "digest": {"sha256": "ab" * 32, "sha512": "cd"}}]),
        changed("subject", to=[{"name": "model", "digest": {"sha256": 5}}]),
        changed("predicate", to=None),
        changed("predicate", "assay", to=None),
        changed("predicate", "number", to="\ud800"),
        changed("predicate", "assay", "kind", to="nonesuch"),
        changed("predicate", "assay", "environment", to="staging"),
        changed("predicate", "assay", "environment", to=""),
        changed("predicate", "assay", "environment", to=["prod"]),
        changed("predicate", "assay", "about", to=None),
        changed("predicate", "assay", "tenant", to=1),
        changed("predicate", "assay", "previous", to=5),
        changed("predicate", "assay", "previous", to=["cd" * 32]),
        changed("predicate", "assay", "more", to=1),
    ],
    ids=range(29),
)
def test_what_is_no_canonical_statement_of_ours_is_refused(payload: bytes) -> None:
    with pytest.raises(BadRequest):
        Fact.parse(payload)


@pytest.mark.parametrize(
    "envelope",
    [
        None,
        [],
        "envelope",
        {},
        {"payloadType": "text/plain"},
        {"payload": "!"},
        {"payload": 5},
        {"payload": base64.b64encode(b"{}").decode()},
        {"signatures": []},
        {"signatures": [{"keyid": "k", "sig": ""}] * 2},
        {"signatures": [{"keyid": "k"}]},
        {"signatures": [{"keyid": 1, "sig": ""}]},
        {"signatures": [{"keyid": "k", "sig": "*"}]},
        {"signatures": ["k"]},
        {"signatures": None},
        {"more": 1},
    ],
    ids=range(16),
)
def test_what_is_no_envelope_of_ours_is_refused(envelope: Any) -> None:  # noqa: ANN401 - any JSON value
    if isinstance(envelope, dict) and envelope:
        envelope = SignedFact(FACT, "key", b"sig").to_json() | envelope
    with pytest.raises(BadRequest):
        SignedFact.from_json(envelope)


def test_an_entry_whose_base64_has_a_second_spelling_is_refused() -> None:
    envelope = SignedFact(FACT, "key", b"\0").to_json()
    assert envelope["signatures"][0]["sig"] == "AA=="
    envelope["signatures"][0]["sig"] = "AB=="
    with pytest.raises(BadRequest, match="canonical envelope"):
        SignedFact.from_bytes(canonical(envelope))


def test_a_figure_beyond_the_53_bits_of_json_is_in_no_fact() -> None:
    with pytest.raises(BadRequest, match="safe integer domain"):
        Fact.parse(Fact(FactKind.RUN, "run/x", "demo", "t", {"rows": 1e16}).payload())


def test_the_envelope_may_differ_and_the_facts_name_does_not() -> None:
    first, second = SignedFact(FACT, "key", b"1"), SignedFact(FACT, "key", b"2")
    assert first.to_bytes() != second.to_bytes()
    assert first.fact.digest == second.fact.digest == sha256_hex(FACT.payload())


def test_a_body_is_read_as_its_kind_or_refused() -> None:
    body = {"revokes": "ab" * 32, "what": "batch", "reason": "leaked", "by": "p-ada"}
    fact = Fact(FactKind.REVOCATION, "revocation/x", "demo", "t", body)
    assert body_of(fact, Revocation).reason == "leaked"
    for wrong in ({**body, "revokes": "AB" * 32}, {**body, "more": 1}, {"revokes": "ab" * 32}):
        with pytest.raises(BadRequest, match="malformed body"):
            body_of(Fact(FactKind.REVOCATION, "revocation/x", "demo", "t", wrong), Revocation)


@settings(deadline=None)
@given(st.builds(SignedFact, FACTS, TEXT, st.binary(max_size=72)))
def test_an_entry_is_the_canonical_bytes_of_its_envelope(signed: SignedFact) -> None:
    assert signed.to_bytes() == canonical(signed.to_json())
