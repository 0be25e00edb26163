"""The few elements an evidence pack's page is made of: every text escaped, the same bytes for the same values.

No template engine: whoever verifies a pack makes its page again and compares bytes, with nothing but `assay`.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, TypeAlias

Cell: TypeAlias = "Html | str"


class Html(str):
    """Text that is markup already."""

    __slots__ = ()


def text(value: object) -> Html:
    """Return a value as text of a page; what cannot be seen (controls, turns of direction) is spelled out."""
    seen = "".join(
        c if c in "\n\t" or unicodedata.category(c) not in _UNSEEN else f"\\u{ord(c):04x}" for c in str(value)
    )
    return Html(html.escape(seen, quote=True))


def cell(value: Cell) -> Html:
    """Return markup as it is and anything else as text."""
    return value if isinstance(value, Html) else text(value)


def code(value: object) -> Html:
    """Return a digest, id or command."""
    return Html(f"<code>{text(value)}</code>")


def pre(value: object) -> Html:
    """Return text whose lines are kept."""
    return Html(f"<pre>{text(value)}</pre>")


def table(caption: str, heads: Sequence[str], rows: Iterable[Sequence[Cell]]) -> Html:
    """Return a table, or a sentence that says there is nothing."""
    lines = [
        "<tr>"
        + "".join(
            f'<td data-label="{text(head)}">{cell(one)}</td>' for head, one in zip(heads, row, strict=True)
        )
        + "</tr>"
        for row in rows
    ]
    if not lines:
        return Html(f"<p>{text(caption)}: nothing is stated.</p>")
    head = "".join(f'<th scope="col">{text(one)}</th>' for one in heads)
    body = "\n".join(lines)
    return Html(
        f"<table><caption>{text(caption)}</caption><thead><tr>{head}</tr></thead><tbody>\n{body}\n</tbody></table>"
    )


def pairs(values: Iterable[tuple[str, Cell]]) -> Html:
    """Return a list of names and what they are."""
    return Html(
        "<dl>" + "".join(f"<dt>{text(name)}</dt><dd>{cell(one)}</dd>" for name, one in values) + "</dl>"
    )


def section(title: str, *parts: Html) -> Html:
    """Return a part of the page under its heading."""
    inside = "\n".join(parts)
    return Html(f"<section>\n<h2>{text(title)}</h2>\n{inside}\n</section>")


def folded(summary: Cell, inside: Html) -> Html:
    """Return something that opens when asked for."""
    return Html(f"<details><summary>{cell(summary)}</summary>\n{inside}\n</details>")


def document(value: Any) -> Html:  # noqa: ANN401 - a JSON document
    """Return a document's members under their names, as deep as they go."""
    if value in ({}, []):
        return text("none")
    if isinstance(value, Mapping):
        return pairs((str(name).replace("_", " "), document(one)) for name, one in value.items())
    if isinstance(value, list):
        return Html("<ul>" + "".join(f"<li>{document(one)}</li>" for one in value) + "</ul>")
    if isinstance(value, str):
        return Html(f'<span class="lines">{text(value)}</span>')
    return text(json.dumps(value))


def figure(value: object) -> str:
    """Return a measure in four digits, as `%.4g` spells it; what is no number as it is."""
    return f"{value:.4g}" if isinstance(value, int | float) and not isinstance(value, bool) else str(value)


def moment(said: str) -> str:
    """Return a time of a statement as people read it, `2026-11-21 14:05:09 UTC`; any other text as it is."""
    found = _MOMENT.fullmatch(said)
    return f"{found[1]} {found[2]} UTC" if found else said


def whole(title: str, body: Html, more_style: str = "") -> str:
    """Return the page: one file, no script that runs, nothing fetched, its own style and nothing else."""
    style = STYLE + more_style
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<title>{text(title)}</title>
<style>{style}</style>
</head>
<body>
{body}
</body>
</html>
"""


_MOMENT: Final = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(?:\.\d+)?(?:Z|\+00:00)")
_UNSEEN: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})
STYLE: Final = """
:root { color-scheme: light dark; --ground: #f6f6f3; --card: #fff; --ink: #1b2422; --soft: #55625f;
  --line: #d9ddd8; --accent: #0f5c4f; --gold: #8a5a00; --gold-tint: #fbf1dc;
  --mono: ui-monospace, "SF Mono", "Cascadia Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace; }
@media (prefers-color-scheme: dark) { :root { --ground: #121715; --card: #1a211f; --ink: #e8edeb; --soft: #a3b0ac;
  --line: #333d3a; --accent: #5ec4ad; --gold: #f2c46a; --gold-tint: #33290f; } }
*, *::before, *::after { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
main { width: 100%; max-width: 64rem; margin-inline: auto; padding: 2rem 1.25rem 3rem; }
h1 { margin: 0 0 .5rem; font-size: 1.7rem; line-height: 1.2; letter-spacing: -.015em; }
h2 { margin: 0 0 .75rem; font-size: 1.15rem; line-height: 1.3; }
h3 { margin: 1.25rem 0 .5rem; font-size: 1rem; }
p { margin: 0 0 1rem; max-width: 44rem; }
.eyebrow, .soft { color: var(--soft); }
.eyebrow { margin: 0 0 .35rem; font-size: .85rem; font-weight: 600; }
section { background: var(--card); border: 1px solid var(--line); border-radius: 12px; padding: 1.5rem;
  margin-bottom: 1.25rem; }
section > :last-child { margin-bottom: 0; }
.note { border-left: 4px solid var(--gold); background: var(--gold-tint); padding: .75rem 1rem;
  border-radius: 0 8px 8px 0; }
code, pre { font-family: var(--mono); font-size: .875em; overflow-wrap: anywhere; }
pre { margin: 0 0 1rem; padding: .85rem 1rem; background: var(--ground); border: 1px solid var(--line);
  border-radius: 8px; white-space: pre-wrap; }
.lines { white-space: pre-wrap; overflow-wrap: anywhere; }
dl { display: grid; grid-template-columns: minmax(7rem, max-content) 1fr; gap: .4rem 1.25rem; margin: 0 0 1rem; }
dl dl, li dl { display: block; margin: 0 0 .25rem; padding-left: .75rem; border-left: 2px solid var(--line); }
dl dl dd { margin-bottom: .35rem; }
dt { color: var(--soft); overflow-wrap: anywhere; }
dd { margin: 0; min-width: 0; overflow-wrap: anywhere; }
ul { margin: 0; padding-left: 1.1rem; }
table { width: 100%; border-collapse: collapse; margin-bottom: 1rem; }
caption { text-align: left; font-weight: 600; padding-bottom: .35rem; }
th { text-align: left; color: var(--soft); font-size: .85rem; font-weight: 600; }
th, td { padding: .5rem .75rem .5rem 0; border-bottom: 1px solid var(--line); vertical-align: top;
  overflow-wrap: anywhere; }
tr:last-child td { border-bottom: 0; }
summary { cursor: pointer; overflow-wrap: anywhere; }
details { margin: 0 0 .75rem; }
details[open] > summary { margin-bottom: .5rem; }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; border-radius: 4px; }
@media (max-width: 40rem) { main { padding-top: 1.25rem; } section { padding: 1.1rem; }
  dl { grid-template-columns: minmax(0, 1fr); gap: 0; } dd { margin-bottom: .6rem; }
  table, caption, tbody, tr, td { display: block; } thead { position: absolute; left: -999rem; }
  tr { padding: .6rem 0; border-bottom: 1px solid var(--line); } tr:last-child { border-bottom: 0; }
  td { border: 0; padding: .15rem 0; }
  td::before { content: attr(data-label) " "; color: var(--soft); font-size: .85rem; } }
@media print { section { break-inside: avoid; border: 0; padding: 0 0 1rem; } body { background: none; } }
"""
