"""Policy: `assay policy show`, `preview`, `activate`, `explain`; the laptop adds `build`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from assay.cli.context import Context, as_person, show
from assay.client.sign_in import passkey_of
from assay.policy.preview import preview_digest, stopped

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group()
def policy() -> None:
    """Who may do what, and which version may go where: the rules in force, and new ones."""


@policy.command(name="show")
@as_person
@click.pass_obj
def show_(context: Context, as_: str | None) -> None:
    """Show the policy in force: revision, bundle and rules, verified on this machine."""
    with context.session(as_) as session:
        bundle = session.policy.in_force()
        show(
            {
                "revision": bundle.revision,
                "bundle": bundle.digest,
                "manifest": bundle.manifest,
                "files": {name: len(data) for name, data in sorted(bundle.files.items())},
            }
        )


@policy.command()
@click.argument("bundle", type=FILE)
@as_person
@click.pass_obj
def preview(context: Context, bundle: Path, as_: str | None) -> None:
    """Hand a signed bundle in and show what activating it would stop and change; nothing changes yet."""
    with context.session(as_) as session:
        shown = session.policy.preview(session.policy.take(bundle.read_bytes()))
        show({"preview": preview_digest(shown), **shown})


@policy.command()
@click.argument("bundle", type=FILE)
@click.option(
    "--by", "administrators", multiple=True, required=True, help="An administrator who signs; repeat."
)
@click.option("--yes", is_flag=True, help="Do not ask before endpoints are stopped.")
@as_person
@click.pass_obj
def activate(
    context: Context, bundle: Path, administrators: tuple[str, ...], as_: str | None, *, yes: bool
) -> None:
    """Put a signed bundle in force: two administrators sign it with the preview of what it stops and changes."""
    with context.session(as_ or administrators[0]) as session:
        taken = session.policy.take(bundle.read_bytes())
        shown = session.policy.preview(taken)
        for line in summary(shown):
            click.echo(line)
        if stopped(shown) and not yes:
            click.confirm("activate it all the same?", abort=True)
        passkeys = [passkey_of(session.platform, each) for each in administrators]
        show({**session.policy.activate(taken, shown, passkeys), "revision": taken.revision})


@policy.command(name="explain")
@click.argument("subject")
@click.argument("action")
@click.argument("resource", nargs=-1)
@click.option(
    "--for", "person", metavar="PERSON", help="The person whose grant of this action a service carries."
)
@click.option("--json", "as_json", is_flag=True, help="For programs: the question, the decision, the edits.")
@as_person
@click.pass_obj
def explain_(
    context: Context,
    subject: str,
    action: str,
    resource: tuple[str, ...],
    person: str | None,
    as_: str | None,
    *,
    as_json: bool,
) -> None:
    """Say which rule decides and what would change it, by the policy and the roles in force now.

    SUBJECT is a person's name or id, or an identity such as /svc/core/training; RESOURCE is KEY=VALUE, repeated
    (owner=dana, run=run-1, …). Policy, roles and revocations are verified on this machine.
    """
    from assay.policy.asking import asking, question_of  # wasmtime: only who decides needs it
    from assay.policy.explain import explain, roles_in
    from assay.policy.preview import rights_of
    from assay.policy.wasm import OpaWasm

    with context.session(as_) as session:
        rules = OpaWasm(session.policy.in_force().wasm)

        def person_of(name: str) -> str:
            return name if name.startswith("p-") else session.people.named(name)

        caller = asking(
            subject,
            trust_domain=session.platform.trust_domain,
            person_of=person_of,
            roles=session.follower.roles,
            tenant=session.tenant,
            own_tenant=session.follower.tenant,
            acts_for=person,
            action=action,
        )
        asked = question_of(caller, action, resource, person_of=person_of)
        explanation = explain(rules, asked, roles=roles_in(rights_of(rules)))
    if as_json:
        show(explanation.to_json())
    else:
        click.echo("\n".join(explanation.words()))


def summary(preview: Mapping[str, Any]) -> list[str]:
    """Return a preview in words, a line for each thing it stops or changes."""
    lines = [
        f"policy {preview['from'][:12] or '(none)'} -> {preview['to'][:12]}, bundle {preview['bundle'][:12]}"
    ]
    lines += [
        f"stops {each['about']} ({each['model']} v{each['number']}): "
        + ("; ".join(missing["what"] for missing in each["missing"]) or each["then"])
        for each in stopped(preview)
    ]
    lines += [
        f"{each['caller']} {'may now' if each['then'] else 'may no longer'} {each['action']}"
        for each in preview["decisions"]
    ]
    return [
        *lines,
        f"{len(preview['stands'])} endpoints and aliases judged, {len(stopped(preview))} would stop",
    ]


COMMANDS = [policy]
