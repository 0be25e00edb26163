"""Proofs offline: `assay verify` a receipt, a history or an evidence pack; `assay pack` makes one of the last."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import click

from assay.cli.context import Context, as_person, refuse, show
from assay.cli.versions import model_version
from assay.contracts import Environment, strict_json
from assay.custody.errors import ConditionsUnjudged, HistoryUnknown, PolicyUnlike, ReceiptTooOld
from assay.custody.history import BUNDLE as HISTORY
from assay.custody.history import verify_history
from assay.custody.pack import verify_pack
from assay.custody.pack_page import file_name, read_page
from assay.custody.receipt import Node, verify_bundle
from assay.errors import ServiceError
from assay.ledger import Root
from assay.policy import GateVerdict, Policy

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
PASS, FAIL, INCONCLUSIVE = 0, 1, 2
OUTCOMES: Final = {PASS: "pass", FAIL: "fail", INCONCLUSIVE: "inconclusive"}
UNJUDGED: Final = (ReceiptTooOld, HistoryUnknown, PolicyUnlike, ConditionsUnjudged)


@dataclass(frozen=True)
class Asked:
    """What a file is verified with."""

    root: Root
    max_age: float | None
    policy: Policy | None
    environment: Environment


@dataclass(frozen=True)
class Proven:
    """What a file proves: of which kind it is, in words and as JSON, and the exit status."""

    kind: str
    tree: Node | None
    reaches: str
    members: dict[str, Any]
    status: int = PASS

    def to_json(self) -> dict[str, Any]:
        """Return it as a document."""
        return {"type": self.kind, "outcome": OUTCOMES[self.status], **self.members, "reaches": self.reaches}


@click.command()
@click.argument("file", type=FILE)
@click.option("--trust-root", required=True, type=FILE)
@click.option("--max-age", type=float, metavar="SECONDS", help="Exit 2 for proofs older than this.")
@click.option(
    "--policy", type=FILE, help="policy.wasm of the revision the proof names: judge its gate again."
)
@click.option(
    "--to",
    "environment",
    default="prod",
    show_default=True,
    type=click.Choice(["dev", "test", "prod"]),
    help="Whose gate --policy judges for an evidence pack.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def verify(
    file: Path,
    trust_root: Path,
    max_age: float | None,
    policy: Path | None,
    environment: str,
    *,
    as_json: bool,
) -> None:
    """Verify a receipt (JSON), a history (JSON) or an evidence pack (HTML); no network. Exit 0 pass, 1 fail, 2 neither.

    Without --policy signatures, digests, words and proofs are verified and shown; with it the rules of the gate are
    judged on this machine too. 2 says that nothing could be judged: the proof is older than --max-age, asks about a
    later time than it reaches, or the rules are not those it needs; or that a gate is inconclusive.
    """
    try:
        asked = Asked(
            Root.load(trust_root), max_age, _rules(policy) if policy else None, Environment(environment)
        )
        proven = _verified(file.read_bytes(), asked)
    except ServiceError as refusal:
        status = INCONCLUSIVE if isinstance(refusal, UNJUDGED) else FAIL
        if as_json:
            show({"outcome": OUTCOMES[status], "refusal": refusal.problem()})
        refuse(refusal)
        sys.exit(status)
    if as_json:
        show(proven.to_json())
    else:
        if proven.tree is not None:
            _draw(proven.tree)
        click.echo(proven.reaches)
    sys.exit(proven.status)


def _verified(data: bytes, asked: Asked) -> Proven:
    """Return what a file proves, by what it is; raises the refusal of what it does not."""
    if data.lstrip()[:1] == b"<":
        return _pack(data, asked)
    bundle = strict_json(data)
    if isinstance(bundle, dict) and bundle.get("type") == HISTORY:
        found = verify_history(bundle, asked.root)
        meant = found.stood.to_json() if found.stood else None
        members = {"at": found.at.isoformat(), "meant": meant, "log_size": found.size}
        return Proven("history", None, found.in_words, members)
    receipt = verify_bundle(bundle, asked.root, now=time.time(), max_age=asked.max_age, policy=asked.policy)
    members = {"receipt": dict(receipt.receipt), "log_size": receipt.size, "tree": receipt.tree.to_json()}
    return Proven("receipt", receipt.tree, receipt.valid_as_of, members)


def _pack(data: bytes, asked: Asked) -> Proven:
    found = verify_pack(
        read_page(data),
        asked.root,
        now=time.time(),
        max_age=asked.max_age,
        policy=asked.policy,
        environment=asked.environment,
    )
    verdict = found.judgement.verdict if found.judgement else None
    members = {
        "model": found.chain.body.model,
        "number": found.chain.body.number,
        "package": found.chain.body.package,
        "gate": _told(verdict, asked.environment),
        "log_size": found.size,
        "tree": found.tree.to_json(),
    }
    return Proven("pack", found.tree, found.valid_as_of, members, _status(verdict))


def _told(verdict: GateVerdict | None, environment: Environment) -> dict[str, Any] | None:
    if verdict is None:
        return None
    return {
        "environment": environment.value,
        "outcome": verdict.outcome,
        "rule": verdict.rule,
        "missing": verdict.missing,
    }


def _status(verdict: GateVerdict | None) -> int:
    """Return 0 when the proofs hold and no gate was asked about, or it passed; 1 for a clear fail, else 2."""
    if verdict is None or (verdict.passed is True and verdict.outcome == OUTCOMES[PASS]):
        return PASS
    return FAIL if verdict.outcome == OUTCOMES[FAIL] else INCONCLUSIVE


def _rules(wasm: Path) -> Policy:
    from assay.policy import OpaWasm  # wasmtime: only who judges again needs it

    return OpaWasm(wasm)


def _draw(node: Node, depth: int = 0) -> None:
    click.echo(f"{'   ' * depth}{'└─ ' if depth else ''}{node.title}  {click.style(node.detail, dim=True)}")
    for child in node.children:
        _draw(child, depth + 1)


@click.command()
@click.argument("model")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Default: NAME-NUMBER.html.")
@as_person
@click.pass_obj
def pack(context: Context, model: str, output: Path | None, as_: str | None) -> None:
    """Write a version's evidence pack, one HTML file that `assay verify` checks: assay pack credit-default/1."""
    name, number = model_version(model)
    with context.session(as_) as session:
        page = session.models.pack(name, number)
        found = verify_pack(read_page(page), session.root, now=time.time())
    written = output or Path(file_name(name, number))
    written.write_bytes(page)
    click.echo(f"wrote {written} ({written.stat().st_size:,} bytes); {found.valid_as_of}")


COMMANDS = [verify, pack]
