"""`jobs`: list, follow, cancel and resume what runs in the workspace; and the supervisor itself."""

import json
from collections.abc import Sequence
from typing import Any, get_args

import click

from cai_core.cli.running import StopFlag, stop_on_signals, user_name
from cai_core.cli.workspace import require_workspace, workspace
from cai_core.jobs import folder, queue, supervisor
from cai_core.store.work import Job, State

as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON for machines.")


@click.group()
def jobs() -> None:
    """List, follow, cancel and resume jobs."""


@jobs.command("list")
@click.option(
    "--state",
    multiple=True,
    type=click.Choice(get_args(State)),
    help="Only jobs in this state; may be repeated.",
)
@click.option("--limit", type=int, default=20, show_default=True)
@as_json
def list_(state: tuple[State, ...], limit: int, as_json: bool) -> None:
    """List jobs, newest first."""
    with workspace() as db:
        found = queue.find(db, states=state, limit=limit)
    if as_json:
        click.echo(json.dumps([row_of(job) for job in found], ensure_ascii=False))
    elif not found:
        click.echo("there are no jobs; the pages start some, or see `python -m cai_core --help`")
    for job in () if as_json else found:
        click.echo(line_of(job))


@jobs.command()
@click.argument("job_id")
@as_json
def show(job_id: str, as_json: bool) -> None:
    """Show one job."""
    with workspace() as db:
        _show([queue.get(db, job_id)], as_json)


@jobs.command()
@click.argument("job_id")
@click.option("--lines", type=int, default=50, show_default=True)
def logs(job_id: str, lines: int) -> None:
    """Print the end of a job's log."""
    with workspace() as db:
        click.echo(queue.log_tail(queue.get(db, job_id).id, lines=lines))


@jobs.command()
@click.argument("job_id")
@as_json
def cancel(job_id: str, as_json: bool) -> None:
    """Stop a job; what it has finished is kept."""
    with workspace() as db:
        _show([queue.cancel(db, job_id, by=user_name())], as_json)


@jobs.command()
@click.argument("job_id")
@click.option("--budget-tokens", type=click.IntRange(1), metavar="N", help="Raise its budget.")
@click.option("--budget-cost", type=click.FloatRange(0, min_open=True), metavar="X")
@as_json
def resume(
    job_id: str, budget_tokens: int | None, budget_cost: float | None, as_json: bool
) -> None:
    """Go on with a job that did not finish, or that is held for a person."""
    given = {"tokens": budget_tokens, "cost": budget_cost}
    budget = {name: value for name, value in given.items() if value is not None}
    with workspace() as db:
        job = queue.get(db, job_id)
        if budget and queue.folder_of(job.id).is_dir():
            folder.raise_budget(queue.folder_of(job.id), budget)
        act = queue.release if job.held else queue.resume
        _show([act(db, job_id, by=user_name())], as_json)


@jobs.command()
@click.argument("job_id")
@click.option("--timeout", type=float, help="Seconds to wait; for ever without it.")
@as_json
def wait(job_id: str, timeout: float | None, as_json: bool) -> None:
    """Wait until a job has ended or is held; exit 1 unless it succeeded."""
    with workspace() as db:
        job = queue.wait(db, job_id, seconds=timeout)
    _show([job], as_json)
    if job.state != "succeeded":
        raise click.exceptions.Exit(1)


@jobs.command()
@click.option("--idle", type=float, help="End after so many seconds with nothing to do.")
def supervise(idle: float | None) -> None:
    """Start and watch this workspace's jobs, until Ctrl-C; jobs that run then run on."""
    require_workspace()
    flag = StopFlag()
    with stop_on_signals(flag):
        why = supervisor.supervise(idle=idle, asked=lambda: flag.asked)
    click.echo(f"the supervisor ended: {why}", err=True)


def row_of(job: Job) -> dict[str, Any]:
    """A job as JSON; `out` is where its command writes."""
    hidden = {"offsets", "progress", "argv"}
    row = {name: value for name, value in vars(job).items() if name not in hidden}
    row |= {"argv": list(job.argv), "progress": vars(job.progress).copy()}
    return row | {"folder": str(queue.folder_of(job.id)), "out": str(queue.out_of(job))}


def line_of(job: Job) -> str:
    """One line: id, state, kind, how far, title, and why."""
    far = f"{job.progress.done}/{job.progress.total or '?'}" if job.progress.done else ""
    parts = [f"{job.id}  {job.state:<11}  {job.kind:<12}  {far:<9}  {job.title}"]
    return "  - ".join(parts + ([job.reason] if job.reason else []))


def _show(found: Sequence[Job], as_json: bool) -> None:
    for job in found:
        click.echo(json.dumps(row_of(job), ensure_ascii=False) if as_json else line_of(job))
