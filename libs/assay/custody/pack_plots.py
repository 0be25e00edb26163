"""The plots of an evaluation in an evidence pack: SVG of the numbers its fact states, and of nothing else.

They show what the registry's version page draws, and are drawn apart from it: what this module writes is version 2 of
the pack for ever. Every plot is `SIDE` units wide, up is a smaller y, every share is put between 0 and 1.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from assay.custody.pack_html import Html, text

SIDE: Final = 200
ROW: Final = 26  # units a group's bar is high, with the space around it
SLICED: Final = (("auc", "AUC"), ("selected", "share selected"))
CHANCE: Final = f'<line class="chance" x1="0" y1="{SIDE}" x2="{SIDE}" y2="0"/>'
Point = tuple[float, float]


def plots(evaluation: Mapping[str, Any]) -> Html:
    """Return what the body of an evaluation states, drawn; a sentence where it states nothing."""
    curves = [_roc(evaluation.get("roc", ())), _calibration(evaluation["calibration"])]
    bars = [
        _bars(attribute, measure, words, groups)
        for attribute, groups in sorted(evaluation["slices"].items())
        for measure, words in SLICED
        if any(measure in values for values in groups.values())
    ]
    drawn = [_side_by_side("plots", curves)] + ([_side_by_side("plots two", bars)] if bars else [])
    return Html("\n".join(drawn))


def _side_by_side(kind: str, figures: Iterable[Html]) -> str:
    inside = "\n".join(figures)
    return f'<div class="{kind}">\n{inside}\n</div>'


def _roc(stated: Sequence[Sequence[float]]) -> Html:
    if not stated:
        return Html('<p class="soft">ROC: no curve is stated.</p>')
    line = _line(_places((x, y) for x, y in stated))
    said = "ROC curve: recall against the false-positive rate"
    return _figure("ROC", said, "false-positive rate", "recall", line)


def _calibration(stated: Sequence[Sequence[float]]) -> Html:
    if not stated:
        return Html('<p class="soft">Calibration: no groups of rows are stated.</p>')
    places = _places((predicted, observed) for predicted, observed, _ in stated)
    dots = "".join(f'<circle class="now" cx="{x:.1f}" cy="{y:.1f}" r="3"/>' for x, y in places)
    said = "Calibration: what happened against what was said, in groups of rows"
    return _figure("Calibration", said, "said", "happened", f"{_line(places)}{dots}")


def _bars(attribute: str, measure: str, words: str, groups: Mapping[str, Mapping[str, float]]) -> Html:
    """Return one measure of every group of an attribute that has it."""
    ordered = sorted(groups.items(), key=lambda one: (not one[0].startswith("under "), one[0]))
    values = [(name, float(one[measure])) for name, one in ordered if measure in one]
    said = ", ".join(f"{name} {value:.3f}" for name, value in values)
    rows = "\n".join(_bar(at * ROW, name, value) for at, (name, value) in enumerate(values))
    return Html(
        f"<figure><figcaption>{text(attribute)}: {text(words)}</figcaption>\n"
        f'<svg class="plot" viewBox="-76 0 324 {len(values) * ROW}" role="img" '
        f'aria-label="{text(words)} by {text(attribute)}: {text(said)}">\n{rows}\n</svg></figure>'
    )


def _bar(top: int, name: str, value: float) -> str:
    shape = f'x="0" y="{top + 6}" height="14" rx="3"'
    return (
        f'<text class="end" x="-8" y="{top + 17}">{text(name)}</text>'
        f'<rect class="rail" width="{SIDE}" {shape}/>'
        f'<rect class="bar" width="{_inside(value) * SIDE:.1f}" {shape}/>'
        f'<text x="206" y="{top + 17}">{value:.3f}</text>'
    )


def _figure(title: str, said: str, across: str, up: str, inside: str) -> Html:
    """Return a square plot between two axes from 0 to 1, over the diagonal."""
    frame = (
        f'<line class="axis" x1="0" y1="{SIDE}" x2="{SIDE}" y2="{SIDE}"/>'
        f'<line class="axis" x1="0" y1="0" x2="0" y2="{SIDE}"/>'
        '<text x="0" y="216">0</text><text class="end" x="200" y="216">1</text>'
        '<text class="end" x="-5" y="8">1</text>'
        f'<text class="middle" x="100" y="228">{across}</text>'
        f'<text class="middle" transform="translate(-16 100) rotate(-90)">{up}</text>'
    )
    return Html(
        f"<figure><figcaption>{title}</figcaption>\n"
        f'<svg class="plot" viewBox="-28 -8 236 242" role="img" aria-label="{said}">\n'
        f"{frame}{CHANCE}{inside}\n</svg></figure>"
    )


def _places(shares: Iterable[Point]) -> list[Point]:
    return [(_inside(x) * SIDE, (1 - _inside(y)) * SIDE) for x, y in shares]


def _line(places: Sequence[Point]) -> str:
    points = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    return f'<polyline class="now" points="{points}"/>'


def _inside(share: float) -> float:
    return min(max(share, 0.0), 1.0)


STYLE: Final = """
:root { --tint: #e7f0ed; --behind: #7c8885; }
@media (prefers-color-scheme: dark) { :root { --tint: #1e2f2b; --behind: #8d9a96; } }
.plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 18rem), 1fr)); gap: 1rem 1.5rem;
  margin-bottom: 1rem; }
.plots.two { grid-template-columns: repeat(auto-fit, minmax(min(100%, 24rem), 1fr)); }
figure { margin: 0; }
figcaption { font-weight: 600; margin-bottom: .4rem; }
.plot { display: block; width: 100%; max-width: 24rem; height: auto; font-size: 10px; }
.two .plot { font-size: 12px; }
.plot text { fill: var(--soft); }
.plot .end { text-anchor: end; }
.plot .middle { text-anchor: middle; }
.plot .axis { stroke: var(--behind); }
.plot .chance { stroke: var(--line); stroke-dasharray: 3 3; }
.plot polyline { fill: none; stroke: var(--accent); stroke-width: 2; }
.plot circle, .plot .bar { fill: var(--accent); }
.plot .rail { fill: var(--tint); }
@media print { figure { break-inside: avoid; } }
"""
