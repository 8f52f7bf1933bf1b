"""How every stage runs as a command: its common options, progress, stopping, errors, exit codes.

    @click.command()
    @click.option("--prompts", ...)
    @stage_options
    def revise(running: Running, prompts: Path, ...) -> Row | None: ...

Exit 0 when it is done, 1 when it failed, was stopped, is held or found that something does not hold, 2
when it was called wrongly. What the function returns is printed as JSON under --json, and is the
result of a job.
"""

import errno
import getpass
import json
import os
import signal
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property, wraps
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

import click

from cai_core.cli.progress_line import ProgressLine
from cai_core.errors import CaiError, Stopped
from cai_core.schema import Hooks, Progress, Row
from cai_core.settings import models_dir

if TYPE_CHECKING:
    from cai_core.cli.output import Finished, Output
    from cai_core.models.budget import Budget
    from cai_core.models.protocol import Cache, Model

STOPPED = "stopped; the same command continues"

_DISK = {errno.ENOSPC, errno.EDQUOT}
_PLACE = {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EISDIR, errno.EEXIST}


def sentence_of(error: BaseException) -> str | None:
    """What to tell a person who can mend it; None for a bug, which needs its traceback."""
    if isinstance(error, CaiError):
        return str(error)
    if isinstance(error, OSError) and error.errno in _DISK:
        place = f" ({error.filename})" if error.filename else ""
        return f"the disk is full{place}; free some space, then the same command continues"
    if isinstance(error, OSError) and error.errno in _PLACE and error.filename:
        return f"{error.filename}: {error.strerror}"
    return None


def user_name() -> str:
    """Who runs this command."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # no name for this user id, as in some containers
        return "command line"


@dataclass
class StopFlag:
    """Set by SIGTERM and Ctrl-C, asked by the stage between batches."""

    asked: bool = False

    def set(self, number: int, frame: FrameType | None) -> None:
        self.asked = True
        if number == signal.SIGINT:  # a second Ctrl-C does not wait for the batch
            signal.signal(signal.SIGINT, signal.default_int_handler)
        os.write(2, b"stopping after this batch\n")  # a handler may not enter a buffered stream


@contextmanager
def stop_on_signals(flag: StopFlag) -> Iterator[None]:
    """Let SIGTERM and SIGINT set the flag; the old handlers come back afterwards."""
    old = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    for number in old:
        signal.signal(number, flag.set)
    try:
        yield
    finally:
        for number, handler in old.items():
            signal.signal(number, handler)


@dataclass
class Running:
    """What a stage's command is given first."""

    seed: int = 0
    skip_bad: bool = False
    as_json: bool = False
    job: Path | None = None
    cache_option: str | None = None
    flag: StopFlag = field(default_factory=StopFlag)
    hooks: Hooks = field(default_factory=Hooks)
    already: int = 0  # rows that an earlier run finished, counted as done
    reasons: Callable[[], Mapping[str, int]] = dict  # why rows of this command's file failed so far
    held: str = ""  # set by a command that waits for a person: why
    unfit: bool = False  # set by a command that did its work and found that something does not hold
    budget_tokens: int | None = None
    budget_cost: float | None = None
    rows: int = 0  # finished so far, with those of an earlier run

    @cached_property
    def budget(self) -> "Budget":
        """What endpoints may take for this run, all models together."""
        from cai_core.models.budget import Budget

        given: Row = {"tokens": self.budget_tokens, "cost": self.budget_cost}
        end = "raise {option} and the same command continues"
        if self.job is not None:
            from cai_core.jobs import folder

            given |= folder.read_budget(self.job)
            end = (
                f"`python -m cai_core jobs resume {self.job.resolve().name} {{option}} N` goes on, or"
                " start the same job with a higher budget: what is finished costs nothing again"
            )
        return Budget(given["tokens"], given["cost"], rows=lambda: self.rows, end=end)

    def model(self, model_id: str) -> "Model":
        """The model of an id, behind the cache, within the budget, until the run is stopped."""
        from cai_core.models import catalogue
        from cai_core.models.budget import Terms

        terms = Terms(self.budget, lambda: self.hooks.should_stop())
        return catalogue.load(model_id, cache=self.cache, terms=terms)

    @cached_property
    def cache(self) -> "Cache | None":
        """Answers that were paid for before: --cache FILE, none, or the file beside the weights."""
        if self.cache_option == "none":
            return None
        from cai_core.store.cache import SqliteCache

        path = Path(self.cache_option) if self.cache_option else models_dir() / "cache.db"
        cache: Cache = SqliteCache(path)
        return cache

    def output(
        self, out: Path, *, settings: Mapping[str, Any], inputs: Mapping[str, Path], key: str = "id"
    ) -> "Output":
        """The file of rows that this command writes; rows that stand in it already are counted."""
        from cai_core.cli.output import Output

        output = Output(out, settings=settings, inputs=inputs, key=key)
        self.already = self.rows = output.done_count
        self.reasons = lambda: output.reasons
        self.budget.keep_for(out)
        return output

    @property
    def so_far(self) -> Row:
        """The result of a command that did not end well: why rows failed until then."""
        reasons = dict(self.reasons())
        return {"failed_by_reason": reasons} if reasons else {}

    def report_bad(self, bad: Sequence[object]) -> None:
        """List on stderr the rows that --skip-bad leaves out."""
        for row in bad:
            click.echo(f"skipped: {row}", err=True)

    def say(self, sentence: str) -> None:
        """A line on stdout for a person; nothing under --json."""
        if not self.as_json:
            click.echo(sentence)

    def say_finished(self, finished: "Finished", made: str, failed: str) -> None:
        """How many rows were made and how many failed, and why those did."""
        good = finished.rows - finished.failed
        self.say(f"{finished.out}: {good} {made}, {finished.failed} {failed}")
        if finished.failed:
            self.say(finished.sentence)


def nucleus_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """--top-p and --top-k of a command that samples; by default no token is left out."""
    whole = click.option(
        "--top-p",
        type=click.FloatRange(0, 1, min_open=True),
        default=1.0,
        show_default=True,
        help="Sample from the likeliest tokens of this share; 1 is all.",
    )
    few = click.option(
        "--top-k",
        type=click.IntRange(0),
        default=0,
        show_default=True,
        help="Sample from so many likeliest tokens; 0 is all.",
    )
    return whole(few(command))


def stage_options(command: Callable[..., Row | None]) -> Callable[..., None]:
    """Give a command the common options, and a Running as its first argument."""

    @click.option("--seed", type=int, default=0, show_default=True, help="Of every random step.")
    @click.option("--cache", metavar="FILE|none", help="Answers kept; by default in the cache.")
    @click.option("--skip-bad", is_flag=True, help="Leave bad rows out and list them.")
    @click.option(
        "--budget-tokens",
        type=click.IntRange(1),
        metavar="N",
        help="Most tokens that endpoints may read and write for this run.",
    )
    @click.option(
        "--budget-cost",
        type=click.FloatRange(0, min_open=True),
        metavar="X",
        help="Most that they may cost, at the prices of the settings.",
    )
    @click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
    @click.option(
        "--job",
        type=click.Path(path_type=Path, file_okay=False, exists=True),
        help="Folder of the job that this is.",
    )
    @wraps(command)
    def run(
        seed: int,
        cache: str | None,
        skip_bad: bool,
        as_json: bool,
        job: Path | None,
        budget_tokens: int | None,
        budget_cost: float | None,
        **options: Any,
    ) -> None:
        running = Running(seed, skip_bad, as_json, job, cache)
        running.budget_tokens, running.budget_cost = budget_tokens, budget_cost
        _run(command, running, options)

    return run


def _run(command: Callable[..., Row | None], running: Running, options: Row) -> None:
    """Run it, say how it ended, and write that down for a job."""
    frame = _as_job(running) if running.job else _in_terminal(running)
    with stop_on_signals(running.flag), frame as ended:
        try:
            with _counting(running):
                result = command(running, **options) or {}
        except (Stopped, KeyboardInterrupt):
            ended("cancelled", "stopped", running.so_far)
            click.echo(STOPPED, err=True)
            raise click.exceptions.Exit(1) from None
        except click.ClickException as error:
            ended("failed", error.format_message(), {})
            raise
        except Exception as error:
            sentence = sentence_of(error)
            ended("failed", sentence or f"{type(error).__name__}: {error}", running.so_far)
            if sentence is None:
                raise
            click.echo(f"error: {sentence}", err=True)
            raise click.exceptions.Exit(1) from None
        ended("held" if running.held else "succeeded", running.held, result)
        if running.as_json:
            click.echo(json.dumps(result, ensure_ascii=False, default=str))
        if running.held:
            click.echo(f"held: {running.held}", err=True)
        if running.held or running.unfit:
            raise click.exceptions.Exit(1)


@contextmanager
def _counting(running: Running) -> Iterator[None]:
    """Write down what was spent, however it ends."""
    try:
        yield
    finally:
        if "budget" in vars(running):
            running.budget.write()


Ended = Callable[[str, str, Mapping[str, Any]], None]  # (state, reason, result)


@contextmanager
def _in_terminal(running: Running) -> Iterator[Ended]:
    line = ProgressLine(sys.stderr)
    running.hooks = Hooks(
        _counted(running, line.show),
        lambda: running.flag.asked,
        event=lambda event, detail: line.say(f"{event}: {_listed(detail)}"),
    )
    try:
        yield lambda state, reason, result: line.close()
    finally:
        line.close()


def _listed(detail: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in detail.items())


@contextmanager
def _as_job(running: Running) -> Iterator[Ended]:
    """Hold the job's lock, from before the heavy imports to the end; its folder is told everything."""
    from cai_core.jobs import folder

    assert running.job is not None
    job = running.job
    with folder.hold(job):
        running.hooks = Hooks(
            _counted(running, lambda progress: folder.write_progress(job, progress)),
            lambda: folder.should_stop(job, lambda: running.flag.asked),
            lambda step, values: folder.append_metric(job, step, values),
            lambda event, detail: folder.append_event(job, event, **detail),
        )
        yield lambda state, reason, result: folder.finish(job, state, reason, result)


def _counted(running: Running, show: Callable[[Progress], None]) -> Callable[[Progress], None]:
    """Rows that an earlier run finished count as done."""

    def tell(progress: Progress) -> None:
        if running.already and progress.total:
            progress = replace(
                progress,
                done=progress.done + running.already,
                total=progress.total + running.already,
            )
        running.rows = progress.done
        show(progress)

    return tell
