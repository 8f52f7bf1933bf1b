"""How a judge's question is worded, from the command line: template, examples, third option."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click

from cai_core.feedback.comparison import label_template
from cai_core.feedback.examples import Worked
from cai_core.schema import Row
from cai_core.settings import JudgeSetting

_OPTIONS = (
    click.option("--template", help="Which wording of the question: compare-1, compare-2, …"),
    click.option(
        "--examples", type=click.IntRange(0, 16), help="Worked comparisons shown in front."
    ),
    click.option(
        "--examples-file",
        type=click.Path(path_type=Path, dir_okay=False),
        help="Where those come from (JSONL); else the workspace's, else those that ship.",
    ),
    click.option(
        "--abstain/--no-abstain",
        default=None,
        help="Whether a principle may say that it does not apply, and then has no vote.",
    ),
)


def wording_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options of a wording; what is not given is as the workspace has it."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def wording_row(setting: JudgeSetting, examples: Sequence[Worked]) -> Row:
    """What a command writes down beside its rows: template, examples by content, third option."""
    return {"wording": label_template(setting, examples)}
