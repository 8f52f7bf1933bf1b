"""`revise`: answer prompts, find fault with the answers under a constitution, and rewrite them."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cai_core.cli.judge import FILE, ref_of, refuse_if_all_failed, rows_in
from cai_core.cli.running import Running, nucleus_options, stage_options
from cai_core.feedback.examples import revisions_in_use, shipped_revisions
from cai_core.feedback.revise import ReviseSettings
from cai_core.schema import (
    MARKS,
    Constitution,
    ConstitutionRef,
    Mark,
    Prompt,
    Revision,
    Row,
    Sampling,
    content_hash,
)

if TYPE_CHECKING:
    from cai_core.feedback.batch import Items


@click.command()
@click.option("--prompts", type=FILE, required=True, help="Prompts (JSONL, CSV or text).")
@click.option("--constitution", type=FILE, required=True, help="What is criticised by (YAML).")
@click.option("--model", required=True, metavar="M", help="Who answers, criticises and rewrites.")
@click.option("--rounds", type=click.IntRange(0, 16), default=1, show_default=True)
@click.option(
    "--principle",
    default="draw",
    show_default=True,
    metavar="draw|whole|KEY",
    help="Of each round: one drawn, the whole constitution, or this one.",
)
@click.option("--stepwise", is_flag=True, help="Ask every principle yes or no, then rewrite.")
@click.option("--max-new-tokens", type=click.IntRange(1), default=256, show_default=True)
@click.option(
    "--temperature",
    type=click.FloatRange(0, 2),
    default=1.0,
    show_default=True,
    help="1 is the paper's (CAI section 3.1).",
)
@nucleus_options
@click.option("--no-examples", is_flag=True, help="Show no worked examples in front.")
@click.option(
    "--examples-file",
    type=FILE,
    help="Worked rounds to show (JSONL); else the workspace's, else those that ship.",
)
@click.option("--out", type=FILE, required=True, help="Revisions (JSONL), one row a prompt.")
@stage_options
def revise(
    running: Running,
    *,
    prompts: Path,
    constitution: Path,
    model: str,
    out: Path,
    max_new_tokens: int,
    temperature: float,
    top_p: float,
    top_k: int,
    no_examples: bool,
    examples_file: Path | None,
    **options: int | str | bool,
) -> Row:
    """Answer, criticise and revise prompts.

    A prompt whose generation fails has its reason in `error`; the same command asks it again.
    """
    from cai_core.constitution.document import read
    from cai_core.curate.formats import stream_prompts

    rules = read(constitution)
    sampling = Sampling(max_new_tokens, temperature, top_p, top_k, running.seed)
    shown = () if no_examples else revisions_in_use(examples_file)
    setting = ReviseSettings(**options, sampling=sampling, examples=not no_examples, shown=shown)  # type: ignore[arg-type]
    setting.check(rules)
    found = stream_prompts(prompts, skip_bad=running.skip_bad)
    running.report_bad(found.bad)
    settings: Row = {"model": model, **options, **vars(sampling), "examples": not no_examples}
    if shown and shown != shipped_revisions():
        settings["own_examples"] = content_hash([one.to_row() for one in shown])
    settings["constitution"] = rules.hash
    with running.output(out, settings=settings, inputs={"prompts": prompts}) as output:
        missing = found.without(output.has)
        with output.mending():
            for revision in _revisions(running, missing, rules, model, setting) if missing else ():
                output.write(revision.to_row())
        finished = output.finish(found.ids)
    refuse_if_all_failed(out, finished.rows, finished.failed)
    running.say_finished(finished, "revised", "failed")
    counts = count_marks(out)
    running.say(_marks_sentence(counts))
    return finished.to_row() | counts


def count_marks(out: Path) -> Row:
    """How many rounds a finished file has, and how many of them are marked how."""
    rounds, marks = 0, Counter[Mark]()
    for row in rows_in(out):
        revision = Revision.from_row(row)
        for one, flaws in zip(revision.rounds, revision.flaws, strict=True):
            rounds += 1
            marks.update({*one.marks, *flaws})
    return {"rounds": rounds, "marks": {mark: marks[mark] for mark in MARKS}}


def _marks_sentence(counts: Row) -> str:
    words = {"leftover": "had a leftover stripped"}
    said = (f"{n} {words.get(mark, mark)}" for mark, n in counts["marks"].items())
    return f"of {counts['rounds']} revisions " + ", ".join(said)


def _revisions(
    running: Running,
    prompts: "Items[Prompt]",
    rules: Constitution,
    model: str,
    setting: ReviseSettings,
) -> Iterator[Revision]:
    from cai_core.feedback.revise import revise as revise_prompts

    ref = ref_of(running, ConstitutionRef.of(rules))
    speaker = running.model(model)
    return revise_prompts(prompts, rules, speaker, setting, ref=ref, hooks=running.hooks)
