"""`revise`: answer prompts, find fault with the answers under a constitution, and rewrite them."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from cai_core.cli.judge import FILE, ref_of, refuse_if_all_failed
from cai_core.cli.running import Running, stage_options
from cai_core.feedback.examples import revisions_in_use, shipped_revisions
from cai_core.feedback.revise import ReviseSettings
from cai_core.schema import (
    Constitution,
    ConstitutionRef,
    Prompt,
    Revision,
    Row,
    Sampling,
    content_hash,
)


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
    no_examples: bool,
    examples_file: Path | None,
    **options: int | str | bool,
) -> Row:
    """Answer, criticise and revise prompts.

    A prompt whose generation fails has its reason in `error`; the same command asks it again.
    """
    from cai_core.constitution.document import read
    from cai_core.curate.formats import read_prompts

    rules = read(constitution)
    sampling = Sampling(max_new_tokens, temperature, seed=running.seed)
    shown = () if no_examples else revisions_in_use(examples_file)
    setting = ReviseSettings(**options, sampling=sampling, examples=not no_examples, shown=shown)  # type: ignore[arg-type]
    setting.check(rules)
    found = read_prompts(prompts, skip_bad=running.skip_bad)
    running.report_bad(found.bad)
    settings: Row = {"model": model, **options, **vars(sampling), "examples": not no_examples}
    if shown and shown != shipped_revisions():
        settings["own_examples"] = content_hash([one.to_row() for one in shown])
    settings["constitution"] = rules.hash
    with running.output(out, settings=settings, inputs={"prompts": prompts}) as output:
        missing = [prompt for prompt in found.rows if prompt.id not in output.done]
        for revision in _revisions(running, missing, rules, model, setting) if missing else ():
            output.write(revision.to_row())
        finished = output.finish([prompt.id for prompt in found.rows])
    refuse_if_all_failed(out, finished.rows, finished.failed)
    running.say(f"{out}: {finished.rows - finished.failed} revised, {finished.failed} failed")
    return finished.to_row()


def _revisions(
    running: Running,
    prompts: Sequence[Prompt],
    rules: Constitution,
    model: str,
    setting: ReviseSettings,
) -> Iterator[Revision]:
    from cai_core.feedback.revise import revise as revise_prompts
    from cai_core.models.catalogue import load

    ref = ref_of(running, ConstitutionRef.of(rules))
    speaker = load(model, cache=running.cache)
    return revise_prompts(prompts, rules, speaker, setting, ref=ref, hooks=running.hooks)
