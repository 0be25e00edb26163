"""The laptop's commands: `assay init`, `up`, `down`, `status`, `doctor`, `witness`, `demo`."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from assay.cli.context import Context
from assay.cli.policy import policy
from assay.contracts import sha256_hex
from assay.errors import Conflict, Unavailable
from assay_laptop.home import Home
from assay_laptop.opa.find import find_opa
from assay_laptop.opa.find import folder as policy_folder
from assay_laptop.platform import status as statuses
from assay_laptop.platform.addresses import in_browsers
from assay_laptop.platform.environment import Timing
from assay_laptop.rotate_commands import rotate

DOWN_SECONDS = 60.0
UP_SECONDS = 180.0
WIDTH_OF_A_FILE = 200


@click.command()
@click.option(
    "--browser", is_flag=True, help="No demonstration: founders make real passkeys in a browser here."
)
@click.option(
    "--founder", "founders", multiple=True, metavar="NAME", help="A founder, with --browser; twice."
)
@click.pass_obj
def init(context: Context, founders: tuple[str, ...], *, browser: bool) -> None:
    """Begin a platform: keys, people, the signed root, the log's first entries; without --browser a demonstration."""
    from assay_laptop.genesis.founding import found

    if browser is not bool(founders) or len(set(founders)) == 1:
        raise click.UsageError("--browser needs --founder NAME twice or more, and --founder needs --browser")
    found(Home.at(context.home), say=click.echo, founders=list(dict.fromkeys(founders)))


@policy.command()
@click.argument("folder", required=False, type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option(
    "--key", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="The author's key (PEM)."
)
@click.option("--out", default=Path("policy.tar.gz"), show_default=True, type=click.Path(path_type=Path))
@click.pass_obj
def build(context: Context, folder: Path | None, key: Path | None, out: Path) -> None:
    """Compile a folder of rules (default: infra/opa) where they changed, and sign the bundle as policy author."""
    from assay_laptop.genesis.policy import author_path
    from assay_laptop.opa.build import signed

    author = (key or author_path(Home.at(context.home))).read_bytes()
    archive = signed(folder or policy_folder(), author, find_opa())
    out.write_bytes(archive)
    click.echo(f"{out}: bundle {sha256_hex(archive)}, {len(archive):,} bytes; `assay policy activate {out}`")


@click.command()
@click.option("--detach", "-d", is_flag=True, help="Return when it is up and leave it running.")
@click.option("--lease", default=60, show_default=True, help="Seconds a checkpoint stays fresh.")
@click.option(
    "--certificate", default=3600, show_default=True, help="Seconds a workload's certificate lives."
)
@click.pass_obj
def up(context: Context, *, detach: bool, lease: int, certificate: int) -> None:
    """Start the platform on loopback; `assay init` first if there is none. Ctrl-C or `assay down` ends it."""
    home = Home.at(context.home)
    if statuses.read(home) is not None:
        raise Conflict(
            f"a platform is running in {home.path}", fix="`assay status` shows it; `assay down` ends it"
        )
    if detach:
        _detached(home, lease, certificate)
        return
    from assay_laptop.platform.supervisor import Supervisor

    supervisor = Supervisor(home, Timing(lease, certificate), say=click.echo)
    signal.signal(signal.SIGTERM, lambda *_: supervisor.ask_to_end())
    try:
        supervisor.up()
        click.echo("Ctrl-C (or `assay down` from another shell) ends it")
        supervisor.wait()
    except KeyboardInterrupt:
        click.echo("ending")
    finally:
        supervisor.down()


def _detached(home: Home, lease: int, certificate: int) -> None:
    home.logs.mkdir(parents=True, exist_ok=True)
    log = home.logs / "supervisor.log"
    argv = [sys.executable, "-m", "assay_laptop", "--home", str(home.path), "up"]
    argv += ["--lease", str(lease), "--certificate", str(certificate)]
    with log.open("ab") as output:
        process = subprocess.Popen(
            argv, stdout=output, stderr=output, stdin=subprocess.DEVNULL, start_new_session=True
        )
    end = time.monotonic() + UP_SECONDS
    while time.monotonic() < end:
        if process.poll() is not None:
            raise Unavailable(
                f"the platform ended while starting; see {log}", fix=f"read {log}, then `assay doctor`"
            )
        found = statuses.read(home)
        if found and found.pid == process.pid and found.up:
            click.echo(f"up; supervisor {process.pid}, log {log}")
            return
        time.sleep(0.2)
    raise Unavailable(
        f"not up after {UP_SECONDS:.0f} s; see {log}", fix="`assay status` shows which part is missing"
    )


@click.command()
@click.pass_obj
def down(context: Context) -> None:
    """End the platform; everything it keeps stays in the home."""
    home = Home.at(context.home)
    found = statuses.read(home)
    if found is None:
        click.echo(f"nothing runs in {home.path}")
        return
    os.kill(found.pid, signal.SIGTERM)
    end = time.monotonic() + DOWN_SECONDS
    while statuses.read(home) is not None:
        if time.monotonic() > end:
            raise Unavailable(
                f"supervisor {found.pid} is still ending", fix=f"look at {home.logs}/supervisor.log"
            )
        time.sleep(0.1)
    click.echo("down")


@click.command()
@click.pass_obj
def status(context: Context) -> None:
    """Show each part: state, identity, certificate's remaining life, version, start, memory; and which servers."""
    home = Home.at(context.home)
    found = statuses.read(home)
    if found is None:
        raise Unavailable(f"no platform runs in {home.path}", fix="start it with `assay up`")
    table = Table(box=None, pad_edge=False)
    for heading in ("part", "state", "identity", "certificate", "version", "started", "memory"):
        table.add_column(heading, no_wrap=True)
    for name, part in found.parts.items():
        table.add_row(*statuses.row(name, part))
    console = Console(width=None if sys.stdout.isatty() else WIDTH_OF_A_FILE)
    console.print(table)
    console.print(in_browsers(home.describe()["ports"]), highlight=False, soft_wrap=True)
    for name, program in found.servers.items():
        console.print(f"{name}: {program}", highlight=False)
    for name, part in found.parts.items():
        for line in statuses.strangers(name, part):
            console.print(line, highlight=False)


@click.command()
@click.pass_obj
def doctor(context: Context) -> None:
    """Check this machine and this home; each finding comes with its fix. Exit 1 when one fails."""
    from assay_laptop.doctor import examine

    findings = examine(Home.at(context.home))
    for finding in findings:
        mark = click.style("ok  ", fg="green") if finding.ok else click.style("FAIL", fg="red")
        click.echo(f"{mark} {finding.check}: {finding.found}")
        if not finding.ok:
            click.echo(f"     fix: {finding.fix}")
    sys.exit(0 if all(finding.ok for finding in findings) else 1)


@click.group()
def witness() -> None:
    """The laptop's witness, whose key and last state lie beside the home."""


@witness.command()
@click.confirmation_option(
    prompt="Forget what was cosigned? An older or other log would be believed from here on."
)
@click.pass_obj
def begin(context: Context) -> None:
    """Let a witness that lost its state begin anew, with whatever the log shows next."""
    from assay_laptop.witness import begin as begin_anew

    home = Home.at(context.home)
    if statuses.read(home) is not None:
        raise Conflict(f"a platform is running in {home.path}", fix="end it first: `assay down`")
    home.describe()
    begin_anew(home)
    click.echo(f"the witness in {home.witness} begins with the next checkpoint")


@click.command()
@click.option("--keep", type=click.Path(), help="Use this folder and keep it, instead of a throw-away home.")
@click.option("--json", "as_json", type=click.Path(), help="Also write both tables as JSON.")
def demo(keep: str | None, as_json: str | None) -> None:
    """Run the main job on a throw-away platform: every stage with what it proved, then every refusal."""
    from assay_laptop.demo.run import run

    sys.exit(0 if run(keep, as_json) else 1)


COMMANDS = [init, up, down, status, doctor, witness, demo, rotate]
