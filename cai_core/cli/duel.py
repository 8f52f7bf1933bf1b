"""Who compares a policy with its start while it learns: a judge as a function of answers.

watching_of(running, options)                  of the command line
Umpire(setting.annotator, duel_of(running, panel))   of a judge setting, as in a chain
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cai_core.cli.running import Running
from cai_core.errors import DataError
from cai_core.schema import Chat, Label, Pair, Row
from cai_core.settings import BUILTIN

if TYPE_CHECKING:
    from cai_core.feedback.panel import Panel
    from cai_core.train.policy.evaluation import Umpire
    from cai_core.train.watch.duel import Duel

FILE = click.Path(path_type=Path, dir_okay=False, exists=True)
AT_CHANCE = (
    "this judge is the built-in model or comes from it, and judges at chance: its comparisons show that"
    " the machinery works, not whether the policy got better"
)


@dataclass(frozen=True)
class Watching:
    """What a policy is compared by while it learns: who judges, and prompts that are safe to answer."""

    umpire: "Umpire | None" = None
    safe: tuple[Chat, ...] = ()
    settings: Row = field(default_factory=dict)  # a run that goes on must be asked the same


def watching_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """--judge, --constitution and --safe-prompts of a command that trains a policy."""
    for option in (
        click.option("--safe-prompts", type=FILE, help="Prompts that only look unsafe (JSONL)."),
        click.option("--constitution", type=FILE, help="What the judge judges by (YAML)."),
        click.option(
            "--judge",
            metavar="M",
            help="Compares the policy with its start every eval_steps: a model, or head:ID.",
        ),
    ):
        command = option(command)
    return command


def watching_of(running: Running, options: Row, *, lineage: Sequence[str] = ()) -> Watching:
    """As `watching_options` asked for it; what must be known of the judge is told once.

    Args:
        lineage: ids of the models that make the policy; a judge that went into one is named so.
    """
    from cai_core.cli.output import file_hash

    constitution, safe_prompts = options["constitution"], options["safe_prompts"]
    settings: Row = {}
    umpire = None
    if options["judge"]:
        umpire = umpire_of(running, options["judge"], constitution, lineage=lineage)
        settings["judge"] = umpire.judge
        settings |= {"constitution": file_hash(constitution)} if constitution else {}
        if umpire.note:
            running.hooks.event("judge", {"judge": umpire.judge, "note": umpire.note})
    if safe_prompts:
        settings["safe_prompts"] = file_hash(safe_prompts)
    safe = safe_chats(safe_prompts, running) if safe_prompts else ()
    return Watching(umpire, safe, settings)


def umpire_of(
    running: Running, judge: str, constitution: Path | None, *, lineage: Sequence[str] = ()
) -> "Umpire":
    """A judge of the command line: a model under a constitution, or a learned judge (head:ID).

    Raises:
        UsageError: a model without a constitution. CaiError: one that is not there.
    """
    from cai_core.review.head_folder import find, names_head
    from cai_core.train.policy.evaluation import Umpire

    if names_head(judge):
        head = find(judge)
        said = f"{head.annotator} was {head.taught}; it is not independent of them"
        return Umpire(head.annotator, duel_of_head(running, judge), said)
    if constitution is None:
        raise click.UsageError("Missing option '--constitution': what the judge judges by")
    from cai_core.cli.evaluate import panel_of
    from cai_core.cli.judge import setting_of
    from cai_core.constitution.document import read
    from cai_core.feedback.examples import comparisons_in_use
    from cai_core.models.catalogue import check

    check(judge)
    setting = setting_of(judge)
    panel = panel_of(running, read(constitution), setting, comparisons_in_use(setting, None))
    return Umpire(setting.annotator, duel_of(running, panel), note_on(judge, lineage))


def note_on(judge: str, lineage: Sequence[str]) -> str:
    """What a reader must know of this judge beside models made of these; "" where nothing."""
    from cai_core.cli.evaluate import family_of
    from cai_core.evaluate.winrate import independence

    kin = family_of(judge)
    if BUILTIN in kin:
        return AT_CHANCE
    found = independence(judge, kin, {name: family_of(name) for name in lineage if name})
    return "" if found.independent else found.reason


def duel_of(running: Running, panel: "Panel") -> "Duel":
    """Both orders of each pair asked of everybody in the panel; loaded when first asked."""
    from cai_core.cli.evaluate import judge_of

    return _duel(judge_of(running, panel))


def duel_of_head(running: Running, judge: str) -> "Duel":
    """By a learned judge's features of both answers."""
    from cai_core.cli.judge_head import labels_by_head
    from cai_core.review.head_folder import find

    head = find(judge)
    return _duel(lambda pairs: labels_by_head(running, head, pairs))


def _duel(ask: Callable[[Sequence[Pair]], Iterable[Label]]) -> "Duel":
    """P(the first answer is better); equal answers are not asked about, an empty one has no verdict."""

    def duel(
        chats: Sequence[Chat], firsts: Sequence[str], seconds: Sequence[str]
    ) -> list[float | None]:
        chances: list[float | None] = []
        pairs: dict[int, Pair] = {}
        for place, (chat, a, b) in enumerate(zip(chats, firsts, seconds, strict=True)):
            chances.append(0.5 if a == b else None)
            if a != b:
                pairs[place] = Pair.of(chat, a, b)
        labels = ask(list(pairs.values())) if pairs else ()
        for place, label in zip(pairs, labels, strict=True):
            chances[place] = label.p_a
        return chances

    return duel


def safe_chats(path: Path, running: Running) -> tuple[Chat, ...]:
    """The prompts of a file that are safe to answer: all, or those labelled or tagged safe."""
    from cai_core.curate.formats import read_prompts
    from cai_core.train.policy.evaluation import SAFE

    read = read_prompts(path, skip_bad=running.skip_bad)
    running.report_bad(read.bad)
    labelled = [p for p in read.rows if p.extra.get("label") in ("safe", "unsafe")]
    rows = [p for p in read.rows if p.extra.get("label") == SAFE or SAFE in p.tags or not labelled]
    if not rows:
        raise DataError("no prompt here is safe to answer", file=str(path))
    return tuple(prompt.messages for prompt in rows)
