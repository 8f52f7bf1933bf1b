"""`prompts generate`: a model writes prompts at the edge of a constitution."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from cai_core.cli.judge import FILE, ref_of
from cai_core.cli.output import Output
from cai_core.cli.running import Running, stage_options
from cai_core.errors import ModelError
from cai_core.feedback.edge_slots import COUNT, TEMPERATURE, TOKENS, TRIES, EdgeSettings, slots
from cai_core.feedback.edge_wording import KINDS, wording
from cai_core.schema import (
    Constitution,
    ConstitutionRef,
    Prompt,
    Row,
    Sampling,
    first_user_turn,
)


@click.group()
def prompts() -> None:
    """Let a model write prompts."""


@prompts.command()
@click.option("--from", "source", type=FILE, required=True, help="Prompts that show the style.")
@click.option("--known", type=FILE, help="More prompts that must not come again.")
@click.option("--constitution", type=FILE, required=True, help="Whose edge is sought (YAML).")
@click.option("--model", required=True, metavar="M", help="Who writes; any model or finished run.")
@click.option("--principle", "principles", multiple=True, metavar="KEY", help="Repeat; else all.")
@click.option("--kind", "kinds", multiple=True, type=click.Choice(KINDS), help="Repeat; else all.")
@click.option(
    "--count", type=click.IntRange(1), default=COUNT, show_default=True, help="Of each kind."
)
@click.option(
    "--tries",
    type=click.IntRange(1, 100),
    default=TRIES,
    show_default=True,
    help="Of one prompt, before it is given up.",
)
@click.option("--max-new-tokens", type=click.IntRange(1), default=TOKENS, show_default=True)
@click.option("--temperature", type=click.FloatRange(0, 2), default=TEMPERATURE, show_default=True)
@click.option("--out", type=FILE, required=True, help="Prompts (JSONL), one row a prompt.")
@stage_options
def generate(
    running: Running,
    *,
    source: Path,
    known: Path | None,
    constitution: Path,
    model: str,
    out: Path,
    **options: Any,
) -> Row:
    """Write edge cases: principles that collide, that hardly apply, or only seem to be offended.

    Refusals, repetitions and near-duplicates are asked again with another seed, and counted. The
    same command with more --tries goes on with the prompts that are missing.
    """
    from cai_core.constitution.document import read

    rules, setting = read(constitution), _setting(options, running.seed)
    seeds = _read(running, source)
    there = [*seeds, *(_read(running, known) if known else ())]
    wanted = Wanted(rules, model, setting, seeds, there)
    inputs = {"from": source} | ({"known": known} if known else {})
    with running.output(out, settings=wanted.to_row(), inputs=inputs, key="slot") as output:
        refused = _write(running, output, wanted)
        made = _made(output)
        refused += sum((Counter(row["refused"]) for row in made), Counter())
        count = Count(len(slots(rules, setting)), len(made), refused)
        if not made:
            raise ModelError(f"{model} wrote nothing usable: {count.words}")
        output.finish([slot.id for slot in slots(rules, setting) if output.has(slot.id)])
    running.say(f"{out}: {count.words}")
    return {"out": str(out), "rows": count.made, **count.to_row()}


@dataclass(frozen=True)
class Wanted:
    """What is to be written, by whom, and what is there already."""

    rules: Constitution
    model: str
    setting: EdgeSettings
    seeds: tuple[Prompt, ...]
    there: Sequence[Prompt]

    def to_row(self) -> Row:
        """Everything that changes the rows; more tries only bring more of them."""
        chosen: Row = {"model": self.model, "constitution": self.rules.hash}
        chosen |= {"template": wording().version, "kinds": self.setting.kinds}
        chosen |= {"principles": self.setting.principles, "count": self.setting.count}
        return chosen | vars(self.setting.sampling)


@dataclass(frozen=True)
class Count:
    """How many were wanted and made, and why attempts gave nothing."""

    wanted: int
    made: int
    refused: Counter[str]

    @property
    def words(self) -> str:
        """
        >>> Count(3, 2, Counter({"empty": 1})).words
        '2 of 3 prompts in 3 attempts; refused: empty 1; 1 is missing: more --tries goes on with it'
        """
        said = (
            f"{self.made} of {self.wanted} prompts in {self.made + self.refused.total()} attempts"
        )
        if self.refused:
            said += "; refused: " + ", ".join(
                f"{name} {n}" for name, n in self.refused.most_common()
            )
        missing = self.wanted - self.made
        if missing:
            be, them = ("is", "it") if missing == 1 else ("are", "them")
            said += f"; {missing} {be} missing: more --tries goes on with {them}"
        return said

    def to_row(self) -> Row:
        attempts = self.made + self.refused.total()
        return {"wanted": self.wanted, "attempts": attempts, "refused": dict(self.refused)}


def _setting(options: Row, seed: int) -> EdgeSettings:
    sampling = Sampling(options["max_new_tokens"], options["temperature"], seed=seed)
    kinds = tuple(kind for kind in KINDS if kind in (options["kinds"] or KINDS))
    principles = tuple(dict.fromkeys(options["principles"]))
    return EdgeSettings(kinds, principles, options["count"], options["tries"], sampling)


def _read(running: Running, path: Path) -> tuple[Prompt, ...]:
    from cai_core.curate.formats import read_prompts

    found = read_prompts(path, skip_bad=running.skip_bad)
    running.report_bad(found.bad)
    return found.rows


def _made(output: Output) -> list[Row]:
    """The rows of slots that have their prompt."""
    there = output.standing() if output.done_count else ()
    return [row for row in there if not row.get("error")]


def _write(running: Running, output: Output, wanted: Wanted) -> Counter[str]:
    """Fill the slots that are missing; why attempts at those that stay so gave nothing."""
    from cai_core.curate.split import Seen
    from cai_core.feedback.edge_cases import Material, write_edge_cases

    refused: Counter[str] = Counter()
    all_slots = slots(wanted.rules, wanted.setting)
    missing = [slot for slot in all_slots if not output.has(slot.id)]
    if not missing:
        return refused
    made = [Prompt.from_row(row) for row in _made(output)]
    seen = Seen(first_user_turn(prompt.messages) for prompt in [*wanted.there, *made])
    ref = ref_of(running, ConstitutionRef.of(wanted.rules))
    material = Material(wanted.seeds, seen.add, ref)
    model = running.model(wanted.model)
    for case in write_edge_cases(
        missing, model, settings=wanted.setting, material=material, hooks=running.hooks
    ):
        output.write(case.to_row())
        refused += Counter() if case.prompt else Counter(case.refused)
    return refused
