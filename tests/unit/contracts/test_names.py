from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.contracts import SpiffeId, check_name, new_id
from assay.errors import BadRequest

SEGMENT = st.from_regex(r"[a-z0-9-]{1,63}", fullmatch=True)
IDENTITY = st.builds(
    lambda domain, segments: f"spiffe://{domain}/{'/'.join(segments)}",
    st.from_regex(r"[a-z0-9.-]{1,40}", fullmatch=True),
    st.lists(SEGMENT, min_size=2, max_size=4),
)


@pytest.mark.parametrize("name", ["a", "7", "credit-default", "a" * 63, "x--y", "0-0"])
def test_a_name_is_small_letters_digits_and_inner_hyphens(name: str) -> None:
    assert check_name(name) == name


@pytest.mark.parametrize(
    "name",
    ["", "-a", "a-", "A", "a_b", "a.b", "a/b", "..", "a b", "a\n", "\na", "a" * 64, "ä", "а", "a\0", "٣"],  # noqa: RUF001
)
def test_nothing_else_is_a_name(name: str) -> None:
    with pytest.raises(BadRequest, match="model"):
        check_name(name, "model")


def test_a_refused_name_is_not_repeated_in_full() -> None:
    with pytest.raises(BadRequest) as refused:
        check_name("x" * 10_000)
    assert len(refused.value.detail) < 200


def test_fresh_ids_are_names_and_differ() -> None:
    ids = {check_name(new_id("run")) for _ in range(100)}
    assert len(ids) == 100
    assert all(id_.startswith("run-") for id_ in ids)


@settings(deadline=None)
@given(IDENTITY)
def test_an_identity_reads_back_as_it_is_written(text: str) -> None:
    assert str(SpiffeId.parse(text)) == text


@settings(deadline=None)
@given(st.text(max_size=60) | st.text(max_size=40).map("spiffe://assay.demo/svc/core/".__add__))
def test_any_text_is_an_identity_or_refused(text: str) -> None:
    try:
        found = SpiffeId.parse(text)
    except BadRequest:
        return
    assert str(found) == text
    assert all(
        segment and set(segment) <= set("abcdefghijklmnopqrstuvwxyz0123456789-") for segment in found.segments
    )


@pytest.mark.parametrize(
    "text",
    [
        "spiffe://assay.demo",
        "spiffe://assay.demo/",
        "spiffe://assay.demo/svc",
        "spiffe://assay.demo/svc/core/",
        "spiffe://assay.demo//core/ledger",
        "spiffe://assay.demo/svc/core/../ledger",
        "spiffe://assay.demo/svc/core/ledger\n",
        "spiffe://assay.demo/svc/core/ledger?x",
        "spiffe://assay.demo/svc/core/ledger#x",
        "spiffe://assay.demo/svc/core/%6cedger",
        "spiffe://assay.demo/svc/core/Ledger",
        "spiffe://ASSAY.demo/svc/core/ledger",
        "spiffe://assay.demo:443/svc/core/ledger",
        "spiffe://ada@assay.demo/svc/core/ledger",
        "SPIFFE://assay.demo/svc/core/ledger",
        "https://assay.demo/svc/core/ledger",
        "spiffe:///svc/core/ledger",
        "spiffe://assay.demo/svc/core/" + "a" * 64,
        "spiffe://assay.demo/svc/core/ledger/a/b",
    ],
)
def test_what_only_looks_like_an_identity_is_refused(text: str) -> None:
    with pytest.raises(BadRequest, match="not a SPIFFE id"):
        SpiffeId.parse(text)


@pytest.mark.parametrize(
    ("path", "service", "person", "run"),
    [
        ("/svc/core/ledger", "ledger", None, None),
        ("/people/p-1", None, "p-1", None),
        ("/run/run-1", None, None, "run-1"),
        ("/svc/prod/predictor/credit", None, None, None),
        ("/svc/core", None, None, None),
        ("/svc/core/ledger/x", None, None, None),
        ("/people/p-1/x", None, None, None),
        ("/run/run-1/x", None, None, None),
        ("/people/core/ledger", None, None, None),
    ],
)
def test_a_path_is_a_service_a_person_a_run_or_none_of_them(
    path: str, service: str | None, person: str | None, run: str | None
) -> None:
    identity = SpiffeId.parse(f"spiffe://assay.demo{path}")
    assert (identity.service, identity.person, identity.run) == (service, person, run)
