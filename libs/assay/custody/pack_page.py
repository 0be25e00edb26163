"""An evidence pack as one HTML file: the page says what its statements say, and carries them.

`read_page` makes the page again from the statements it carries and demands the same bytes: a word changed on the page,
a script, a statement swapped or cut off is refused before anything is verified. What this module writes of a type is
therefore the same for ever: a page that looks otherwise gets another type (see `docs/decisions`). The first had tables
alone; the second draws each evaluation too.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from assay.contracts import Conditions, Fact, FactKind, SignedFact, canonical, strict_json
from assay.custody.pack_html import (
    Cell,
    Html,
    code,
    document,
    figure,
    folded,
    moment,
    pairs,
    pre,
    section,
    table,
    text,
    whole,
)
from assay.custody.pack_plots import STYLE as PLOTS_STYLE
from assay.custody.pack_plots import plots
from assay.errors import BadRequest, SignatureInvalid

TABLES: Final = "assay-evidence-pack/v1"
DRAWN: Final = "assay-evidence-pack/v2"
MORE_STYLE: Final = {TABLES: "", DRAWN: PLOTS_STYLE}
LIMIT: Final = 64 << 20
START: Final = '<script type="application/json" id="assay-pack">'
END: Final = "</script>"
WORDS: Final = {
    FactKind.APPROVAL: "approves",
    FactKind.REJECTION: "rejects",
    FactKind.WITHDRAWAL: "withdraws an approval",
}
Held = Sequence[tuple[int, SignedFact]]
_MALFORMED: Final = (
    KeyError,
    TypeError,
    ValueError,
    AttributeError,
    IndexError,
    OverflowError,
    RecursionError,
    StopIteration,
)


def render(bundle: Mapping[str, Any]) -> bytes:
    """Return the page of a pack; raises SignatureInvalid when it is none."""
    try:
        return _page(bundle).encode()
    except (*_MALFORMED, BadRequest) as error:
        raise SignatureInvalid(f"not an evidence pack: {error!r}"[:300]) from error


def read_page(data: bytes) -> dict[str, Any]:
    """Return the pack a page carries; raises SignatureInvalid unless the page is exactly the one it makes."""
    if len(data) > LIMIT:
        raise SignatureInvalid(f"a pack is at most {LIMIT >> 20} MiB")
    _, found, rest = data.partition(START.encode())
    inside, closed, _ = rest.partition(END.encode())
    if not found or not closed:
        raise SignatureInvalid("the file carries no statements of an evidence pack, or is cut off")
    try:
        bundle = strict_json(inside)
    except BadRequest as error:
        raise SignatureInvalid(f"the pack's statements are no JSON: {error.detail}"[:300]) from error
    if not isinstance(bundle, dict) or render(bundle) != data:
        raise SignatureInvalid(
            "the page is not the one its statements make: something on it was changed",
            fix="show nobody this page; make the pack again: `assay pack NAME/NUMBER`",
        )
    return bundle


def file_name(model: str, number: int) -> str:
    """Return what a pack is called when it is kept."""
    return f"{model}-{number}.html"


def _page(bundle: Mapping[str, Any]) -> str:
    proofs = bundle["proofs"]
    held = sorted(
        ((int(e["index"]), SignedFact.from_json(e["envelope"])) for e in proofs["entries"]),
        key=lambda one: one[0],
    )
    version = next(one.fact for _, one in held if one.fact.digest == bundle["version"])
    body, documents = version.body, bundle["documents"]
    title = f"{body['model']} v{body['number']}"
    parts = [
        _what_it_is(bundle, version),
        _version(version, documents),
        _people(held),
        *_evaluations(held, drawn=bundle["type"] == DRAWN),
        _evidence(held, documents),
        _origin(held),
        _named(held, bundle["version"]),
        _statements(held),
        _carried(bundle),
    ]
    inside = "\n".join(parts)
    head = f'<p class="eyebrow">Evidence pack</p>\n<h1>{text(title)}</h1>'
    style = MORE_STYLE[bundle["type"]]
    return whole(f"Evidence pack: {title}", Html(f"<main>\n{head}\n{inside}\n</main>"), style)


def _what_it_is(bundle: Mapping[str, Any], version: Fact) -> Html:
    lines = bundle["proofs"]["checkpoint"].split("\n")
    name = file_name(version.body["model"], version.body["number"])
    root = bundle["root"]
    note = (
        '<p class="note">This page carries no verdict. It repeats what signed statements say; whether they are '
        "genuine, complete and not revoked is for a verifier to say, on a machine you trust, with a root you "
        "already hold. A page like this one can be written by anybody.</p>"
    )
    ask = "<p>Check it without a network, with the <code>root.json</code> of your own copy:</p>"
    return section(
        "How to check this file",
        Html(note),
        Html(ask),
        pre(f"assay verify {name} --trust-root root.json"),
        pairs(
            [
                ("Trust domain", root["trust_domain"]),
                (f"Fingerprint of root {root['version']}", code(root["fingerprint"])),
                ("Log", code(lines[0])),
                ("Log size", lines[1]),
                ("Log root", code(base64.b64decode(lines[2]).hex())),
                ("Type", code(bundle["type"])),
            ]
        ),
    )


def _version(version: Fact, documents: Mapping[str, str]) -> Html:
    body = version.body
    files = strict_json(documents[body["package"]])
    return section(
        "Version",
        pairs(
            [
                ("Model", f"{body['model']} v{body['number']}"),
                ("Tenant", version.tenant),
                ("Risk tier", body["tier"]),
                ("Registered", moment(version.time)),
                ("Contributors", ", ".join(body["contributors"])),
                ("Package", code(body["package"])),
                ("Model signature", code(body["signature"])),
            ]
        ),
        table(
            "Files of the package",
            ("Path", "Bytes", "SHA-256"),
            [(code(one["path"]), str(one["size"]), code(one["sha256"])) for one in files],
        ),
    )


def _people(held: Held) -> Html:
    rows: list[Sequence[Cell]] = []
    for index, signed in held:
        fact = signed.fact
        if fact.kind in WORDS:
            said = fact.body["assertion"]["statement"]
            until = datetime.fromtimestamp(said["expiry"], UTC).isoformat(timespec="seconds")
            rows.append(
                (
                    f"{fact.body['assertion']['person']} {WORDS[fact.kind]}",
                    f"{said['environment']}, as {said['role']}{_instead(held, said)}{_limits(said)}",
                    moment(fact.time),
                    moment(until),
                    f"{len(said['evidence'])} pieces of evidence",
                    code(f"{fact.digest[:12]} at {index}"),
                )
            )
    heads = ("Who says what", "For", "When", "Until", "Over", "Fact, log index")
    more = (
        "People are named by their ids. A word its maker left out does not show here; evidence left out does."
    )
    return section("What people said", table("Words", heads, rows), Html(f'<p class="soft">{text(more)}</p>'))


def _instead(held: Held, said: Mapping[str, Any]) -> str:
    """Return for whom somebody spoke, by the delegation they name."""
    away = [one.fact.body["person"] for _, one in held if one.fact.digest == said.get("delegation")]
    return f", for {away[0]}, who is away" if away else ""


def _limits(said: Mapping[str, Any]) -> str:
    return "".join(f", {words}" for words in Conditions.read(said["conditions"]).words())


def _evaluations(held: Held, *, drawn: bool) -> list[Html]:
    found = [(index, one.fact) for index, one in held if one.fact.kind is FactKind.EVALUATION]
    return [_evaluation(index, fact, drawn=drawn) for index, fact in found]


def _evaluation(index: int, fact: Fact, *, drawn: bool) -> Html:
    body = fact.body
    measures = [(name, figure(value)) for name, value in sorted(body["metrics"].items())]
    slices = []
    for attribute, groups in sorted(body["slices"].items()):
        names = sorted({name for values in groups.values() for name in values})
        rows = [
            (group, *(figure(values.get(name, "")) for name in names))
            for group, values in sorted(groups.items())
        ]
        slices.append(table(f"By {attribute}", ("Group", *names), rows))
    calibration = [tuple(figure(value) for value in one) for one in body["calibration"]]
    heads = ("Mean predicted", "Observed rate", "Rows")
    return section(
        f"Evaluation at log index {index}",
        pairs(
            [
                ("Stated", moment(fact.time)),
                ("On rows", code(body["rows"])),
                ("Package", code(body["package"])),
                ("Fact", code(fact.digest)),
            ]
        ),
        *([plots(body)] if drawn else []),
        table("Measures", ("Measure", "Value"), measures),
        *slices,
        table("Calibration", heads, calibration),
    )


def _evidence(held: Held, documents: Mapping[str, str]) -> Html:
    parts: list[Html] = []
    for index, signed in held:
        fact = signed.fact
        if fact.kind is not FactKind.EVIDENCE:
            continue
        body = fact.body
        found = documents.get(body["content"])
        said = document(strict_json(found)) if found is not None else text("its document is not in this pack")
        figures = ", ".join(f"{name} {figure(value)}" for name, value in sorted(body["figures"].items()))
        about: list[tuple[str, Cell]] = [
            ("Stated by", body["by"]),
            ("When", moment(fact.time)),
            ("Until", moment(body["valid_until"]) if body["valid_until"] else "no end is stated"),
            ("Figures", figures or "none"),
            ("From facts", ", ".join(one[:12] for one in body["facts"]) or "none"),
            ("Document", code(body["content"])),
            ("Fact, log index", code(f"{fact.digest[:12]} at {index}")),
        ]
        inside = Html(f"{pairs(about)}\n{said}")
        parts.append(folded(Html(f"<strong>{text(body['type'])}</strong>, by {text(body['by'])}"), inside))
    return section("Evidence", *(parts or [Html("<p>No typed statement stands.</p>")]))


def _origin(held: Held) -> Html:
    rows: list[Sequence[Cell]] = []
    for index, signed in held:
        fact = signed.fact
        told = _ORIGIN.get(fact.kind)
        if told is not None:
            rows.append(
                (fact.kind.value, told(fact), moment(fact.time), code(f"{fact.digest[:12]} at {index}"))
            )
    return section(
        "Where it came from",
        table("Data, features and run", ("Step", "What", "When", "Fact, log index"), rows),
    )


def _batch(fact: Fact) -> str:
    body = fact.body
    return f"{body['dataset']}/{body['batch']}: {body['rows']} rows, {body['quarantined']} in quarantine"


def _feature_set(fact: Fact) -> str:
    body = fact.body
    rows = ", ".join(f"{name} {count} rows" for name, count in sorted(body["rows"].items()))
    return f"view {body['view']}: {len(body['features'])} features; {rows}"


def _run(fact: Fact) -> str:
    definition = fact.body["buildDefinition"]
    details = fact.body["runDetails"]
    by = ", ".join(definition["internalParameters"]["contributors"])
    run = details["metadata"]["invocationId"]
    return f"run {run}: {definition['externalParameters']['entry']} by {details['builder']['id']}; for {by}"


_ORIGIN: Final = {FactKind.BATCH: _batch, FactKind.FEATURE_SET: _feature_set, FactKind.RUN: _run}


def _named(held: Held, version: str) -> Html:
    rows: list[Sequence[Cell]] = [
        (one.fact.about, moment(one.fact.time), code(f"{one.fact.digest[:12]} at {index}"))
        for index, one in held
        if one.fact.kind in {FactKind.ALIAS, FactKind.ROLLOUT} and one.fact.body["version"] == version
    ]
    revoked: list[Sequence[Cell]] = [
        (
            one.fact.body["what"],
            one.fact.body["reason"],
            moment(one.fact.time),
            code(f"{one.fact.digest[:12]} at {i}"),
        )
        for i, one in held
        if one.fact.kind is FactKind.REVOCATION
    ]
    return section(
        "Where it stands, and what was revoked",
        table("Aliases and endpoints that name it", ("Name", "Since", "Fact, log index"), rows),
        table("Revocations", ("What", "Why", "When", "Fact, log index"), revoked),
    )


def _statements(held: Held) -> Html:
    parts = [
        folded(
            Html(f"{text(one.fact.kind.value)} at {index}, {code(one.fact.digest)}"),
            Html(f"{pairs([('Key', code(one.keyid))])}\n{pre(one.fact.payload().decode())}"),
        )
        for index, one in held
    ]
    return section(f"The {len(parts)} statements, as they were signed", *parts)


def _carried(bundle: Mapping[str, Any]) -> Html:
    """Return the pack itself, in one spelling that no reader takes for markup."""
    data = _PLAIN.sub(_escaped, canonical(bundle).decode())
    return Html(f"{START}{data}{END}")


def _escaped(found: re.Match[str]) -> str:
    """Return a character as JSON spells it in ASCII."""
    units = found[0].encode("utf-16-be")
    return "".join(f"\\u{units[n : n + 2].hex()}" for n in range(0, len(units), 2))


_PLAIN: Final = re.compile(r"[^ -~]|[<>&]")
