"""The page of an evidence pack says what its statements say; nothing on it can change unseen."""

from __future__ import annotations

import base64
import copy
import re
from pathlib import Path
from typing import Any

import pytest

from assay.contracts import FactKind, canonical, sha256_hex
from assay.custody import sign_package
from assay.custody.pack import verify_pack
from assay.custody.pack_html import STYLE
from assay.custody.pack_page import END, START, TABLES, read_page
from assay.custody.pack_plots import plots
from assay.errors import ServiceError, SignatureInvalid
from tests.unit.custody.memory import MemoryVault
from tests.unit.custody.packs import CARD, RISKS, Packed, entry_of, remade, shown


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Packed:
    return Packed(tmp_path_factory.mktemp("packed"))


# ---- the page


def test_the_page_claims_no_verdict_and_says_how_to_get_one(packed: Packed) -> None:
    seen = shown(packed.page)
    assert "assay verify credit-default-1.html --trust-root root.json" in seen
    assert packed.world.root.fingerprint in seen
    assert "carries no verdict" in seen
    said = seen.partition("statements, as they were signed")[0].lower()
    assert not re.search(r"verified|proven|trusted|is valid|passed|genuine<|✓|✔", said)


def test_the_page_shows_every_statement_and_document(packed: Packed) -> None:
    seen = shown(packed.page)
    entries = packed.bundle["proofs"]["entries"]
    assert seen.count("<details>") >= len(entries)
    for words in (
        "p-amir approves",
        "p-bea approves",
        "statements/2005-04",
        "run run-1",
        "auc",
        "intended use",
    ):
        assert words in seen, words


@pytest.mark.threat("T-REG-11")
def test_a_document_with_a_script_in_it_is_text(packed: Packed) -> None:
    page = packed.page.decode()
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert page.count("<script") == 1
    assert "score\\u202e applications" in page
    assert chr(0x202E) not in page


def test_the_page_fetches_nothing_and_runs_nothing(packed: Packed) -> None:
    seen = shown(packed.page)
    assert "default-src 'none'" in seen
    assert not re.search(r"<(link|img|iframe|object|form|a)\b|\bsrc=|\bhref=|\bon[a-z]+=|url\(", seen)


# ---- the plots


def test_what_an_evaluation_states_is_drawn_and_written(packed: Packed) -> None:
    seen = shown(packed.page)
    assert '<polyline class="now" points="0.0,200.0 50.0,50.0 200.0,0.0"/>' in seen
    assert '<polyline class="now" points="20.0,160.0 100.0,120.0"/>' in seen
    assert '<circle class="now" cx="20.0" cy="160.0" r="3"/>' in seen
    assert '<rect class="bar" width="150.0" ' in seen
    assert 'aria-label="AUC by sex: &lt;b&gt;f&lt;/b&gt; 0.750, m 0.500"' in seen
    assert "share selected by" not in seen  # not stated, not drawn
    assert "<caption>By sex</caption>" in seen


def test_an_evaluation_that_states_no_numbers_is_not_drawn_but_said(packed: Packed) -> None:
    bare = plots({"calibration": [], "slices": {}})
    assert "<svg" not in bare
    assert "no curve is stated" in bare


def test_no_number_leaves_the_frame_of_its_plot() -> None:
    wild = plots(
        {
            "roc": [[-1e300, 5], [2, 1e308]],
            "calibration": [[7, -7, 1]],
            "slices": {"a": {"b": {"auc": 1e9}}},
        }
    )
    places = [float(one) for one in re.findall(r'points="([^"]+)"', wild)[0].replace(",", " ").split()]
    assert {0.0, 200.0} == set(places)
    assert '<rect class="bar" width="200.0"' in wild


@pytest.mark.threat("T-REG-11")
def test_no_place_in_a_plot_can_be_another_than_the_statement_gives(packed: Packed) -> None:
    page = packed.page.decode()
    (first, last) = page.index("<svg"), page.rindex("</svg>")
    digits = [at for at in range(first, last) if page[at].isdigit()]
    assert len(digits) > 200
    for at in digits[:: len(digits) // 20]:
        changed = page[:at] + str((int(page[at]) + 1) % 10) + page[at + 1 :]
        with pytest.raises(SignatureInvalid, match="was changed"):
            read_page(changed.encode())


def _endless(bundle: dict[str, Any]) -> None:
    """Have every word hold until a time that no calendar has."""
    for one in bundle["proofs"]["entries"]:
        said = base64.b64decode(one["envelope"]["payload"])
        said = re.sub(rb'"expiry":\d+', b'"expiry":1e+300', said)
        one["envelope"]["payload"] = base64.b64encode(said).decode()


def _of_nothing(bundle: dict[str, Any]) -> None:
    bundle["version"] = "0" * 64


@pytest.mark.parametrize("bend", [_endless, _of_nothing])
def test_statements_of_which_no_page_can_be_made_are_refused_by_name(packed: Packed, bend: Any) -> None:  # noqa: ANN401 - a function of the bundle
    with pytest.raises(SignatureInvalid, match="not an evidence pack"):
        remade(packed, bend)


@pytest.mark.threat("T-REG-11")
def test_a_plot_of_numbers_that_nobody_signed_is_refused(packed: Packed) -> None:
    """The page is made from its statements, and one of them is not what the evaluator signed."""

    def flatter(bundle: dict[str, Any]) -> None:
        envelope = entry_of(bundle, packed.candidate.evaluation.digest)["envelope"]
        said = base64.b64decode(envelope["payload"]).replace(b"[0.25,0.75]", b"[0.05,0.95]")
        envelope["payload"] = base64.b64encode(said).decode()

    page = remade(packed, flatter)
    assert b"10.0,10.0" in page
    with pytest.raises(ServiceError):
        packed.verify(page, now=packed.now)


def test_a_pack_of_the_first_type_has_tables_alone_and_verifies_as_ever(packed: Packed) -> None:
    page = remade(packed, lambda bundle: bundle.update(type=TABLES))
    assert b"<svg" not in page
    assert packed.verify(page, now=packed.now).chain.body.number == 1
    assert sha256_hex(STYLE.encode()) == "d5c0914f58085252ccbf36b6bef626569f89ab892d1930ec3519fdf19b1b3862"
    for other in ("assay-evidence-pack/v3", "", None):
        with pytest.raises(SignatureInvalid):
            remade(packed, lambda bundle, other=other: bundle.update(type=other))


# ---- hostile packs


@pytest.mark.threat("T-REG-11")
@pytest.mark.parametrize(
    "how", ["a script", "a word", "a style", "something after the end", "something before the start"]
)
def test_a_page_that_says_more_than_its_statements_is_refused(packed: Packed, how: str) -> None:
    page = packed.page.decode()
    changed = {
        "a script": page.replace("<main>", "<main><script>document.title='verified'</script>"),
        "a word": page.replace("p-amir approves", "p-zoe approves", 1),
        "a style": page.replace("--gold: #8a5a00", "--gold: #8a5a01"),
        "something after the end": page + "<p>Approved by everybody.</p>",
        "something before the start": "<!-- approved -->" + page,
    }[how]
    assert changed != page
    with pytest.raises(SignatureInvalid, match="was changed"):
        packed.verify(changed.encode(), now=packed.now)


@pytest.mark.control("T-REG-11")
def test_control_a_page_that_is_not_made_again_is_believed(
    packed: Packed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the comparison a page may show other words than the statements it carries."""
    changed = packed.page.replace(b"p-amir approves", b"p-zoe approves", 1)
    monkeypatch.setattr("assay.custody.pack_page.render", lambda _: changed)
    assert packed.verify(changed, now=packed.now).words[0].person == "p-amir"


@pytest.mark.parametrize("keep", [0.1, 0.5, 0.9, 0.999])
def test_a_page_cut_off_is_refused(packed: Packed, keep: float) -> None:
    with pytest.raises(SignatureInvalid):
        packed.verify(packed.page[: int(len(packed.page) * keep)], now=packed.now)


@pytest.mark.parametrize(
    "junk", [b"", b"<html></html>", b"\xff\xfe", START.encode(), f"{START}[]{END}".encode()]
)
def test_what_is_no_pack_is_refused_by_name(packed: Packed, junk: bytes) -> None:
    with pytest.raises(SignatureInvalid):
        packed.verify(junk, now=packed.now)


def test_statements_nested_without_end_are_refused(packed: Packed) -> None:
    deep = f"{START}{'[' * 100_000}{END}"
    with pytest.raises(SignatureInvalid):
        packed.verify(deep.encode(), now=packed.now)


@pytest.mark.parametrize(
    "left_out", ["evidence", "evaluation", "approval", "batch", "run", "credential", "policy"]
)
def test_a_statement_left_out_is_noticed(packed: Packed, left_out: str) -> None:
    world, candidate = packed.world, packed.candidate
    package = candidate.version.fact.body["package"]
    about = {
        "evidence": f"evidence/{package}/risk-record",
        "evaluation": f"evaluation/{package}",
        "approval": f"approval/credit-default/1/prod/{world.person('amir')}",
        "batch": "dataset/demo/statements",
        "run": "run/run-1",
        "credential": next(
            r.about
            for r in world.follower.records(FactKind.CREDENTIAL, f"credential/{world.person('amir')}/")
        ),
        "policy": "policy",
    }[left_out]
    head = world.follower.head(about)
    assert head is not None
    bundle = copy.deepcopy(packed.bundle)
    bundle["proofs"]["entries"].remove(entry_of(bundle, head.digest))
    with pytest.raises(ServiceError):
        verify_pack(bundle, world.root, now=packed.now)


def test_a_persons_whole_word_left_out_does_not_show_and_the_page_says_so(packed: Packed) -> None:
    """A Merkle map proves one name absent, never a whole range of them: stated as a limit, and tested as one."""
    assert "A word its maker left out does not show here" in shown(packed.page)


def test_swapped_statements_are_refused(packed: Packed, tmp_path: Path) -> None:
    """An envelope of another world, an envelope under another place, a document under another name."""
    other = Packed(tmp_path)

    def foreign(bundle: dict[str, Any]) -> None:
        ours = entry_of(bundle, packed.candidate.evaluation.digest)
        ours["envelope"] = other.candidate.evaluation.signed.to_json()

    def places(bundle: dict[str, Any]) -> None:
        first, second = bundle["proofs"]["entries"][:2]
        first["envelope"], second["envelope"] = second["envelope"], first["envelope"]

    def documents(bundle: dict[str, Any]) -> None:
        held = bundle["documents"]
        (a, b) = [digest for digest in held if held[digest].encode() in (canonical(CARD), canonical(RISKS))]
        held[a], held[b] = held[b], held[a]

    def fingerprint(bundle: dict[str, Any]) -> None:
        bundle["root"]["fingerprint"] = other.world.root.fingerprint

    for change in (foreign, places, documents, fingerprint):
        with pytest.raises(ServiceError):
            packed.verify(remade(packed, change), now=packed.now)


@pytest.mark.parametrize("what", ["left out", "added", "changed"])
def test_the_documents_are_exactly_those_the_facts_name(packed: Packed, what: str) -> None:
    bundle = copy.deepcopy(packed.bundle)
    digest = next(d for d, text in bundle["documents"].items() if text.encode() == canonical(RISKS))
    if what == "left out":
        del bundle["documents"][digest]
    elif what == "added":
        bundle["documents"][sha256_hex(b"{}")] = "{}"
    else:
        bundle["documents"][digest] += " "
    with pytest.raises(SignatureInvalid):
        verify_pack(bundle, packed.world.root, now=packed.now)


def test_a_model_signature_by_another_key_is_refused(packed: Packed, tmp_path: Path) -> None:
    forged = sign_package(MemoryVault(), packed.candidate.files)
    bundle = copy.deepcopy(packed.bundle)
    del bundle["documents"][packed.candidate.version.fact.body["signature"]]
    bundle["documents"][sha256_hex(forged)] = forged.decode()
    with pytest.raises(SignatureInvalid):
        verify_pack(bundle, packed.world.root, now=packed.now)
