"""Proofs offline: `assay verify`."""

from __future__ import annotations

import time
from pathlib import Path

import click

from assay.contracts import strict_json
from assay.custody.history import BUNDLE as HISTORY
from assay.custody.history import verify_history
from assay.custody.receipt import Node, verify_bundle
from assay.ledger import Root
from assay.policy import Policy

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command()
@click.argument("file", type=FILE)
@click.option("--trust-root", required=True, type=FILE)
@click.option("--max-age", type=float, metavar="SECONDS", help="Refuse proofs older than this.")
@click.option(
    "--policy", type=FILE, help="policy.wasm of the revision the rollout names: judge its gate again."
)
def verify(file: Path, trust_root: Path, max_age: float | None, policy: Path | None) -> None:
    """Walk a receipt's chain back to the rows, or prove what a name meant when; offline. Exit 0 proven, 1 refused.

    Without --policy signatures, digests, approvals and proofs are verified and shown; with it the rules of the gate
    are judged again on this machine too.
    """
    root = Root.load(trust_root)
    bundle = strict_json(file.read_bytes())
    if isinstance(bundle, dict) and bundle.get("type") == HISTORY:
        click.echo(verify_history(bundle, root).in_words)
        return
    rules = _rules(policy) if policy else None
    verified = verify_bundle(bundle, root, now=time.time(), max_age=max_age, policy=rules)
    _draw(verified.tree)
    click.echo(verified.valid_as_of)


def _rules(wasm: Path) -> Policy:
    from assay.policy import OpaWasm  # wasmtime: only who judges again needs it

    return OpaWasm(wasm)


def _draw(node: Node, depth: int = 0) -> None:
    click.echo(f"{'   ' * depth}{'└─ ' if depth else ''}{node.title}  {click.style(node.detail, dim=True)}")
    for child in node.children:
        _draw(child, depth + 1)


COMMANDS = [verify]
