"""`sample-pairs`: two different answers to every prompt, from any model."""

from pathlib import Path

import click

from cai_core.cli.running import Running, stage_options
from cai_core.schema import Row, Sampling

FILE = click.Path(path_type=Path, dir_okay=False)


@click.command("sample-pairs")
@click.option("--prompts", type=FILE, required=True, help="Prompts (JSONL, CSV or text).")
@click.option("--model", required=True, metavar="M", help="Who answers; any model or finished run.")
@click.option("--max-new-tokens", type=click.IntRange(1), default=256, show_default=True)
@click.option(
    "--temperature",
    type=click.FloatRange(0, 2, min_open=True),
    default=0.8,
    show_default=True,
    help="0.8 is the recipe's; at 0 both answers would be the same.",
)
@click.option("--out", type=FILE, required=True, help="Pairs (JSONL), one row a prompt.")
@stage_options
def sample_pairs(
    running: Running,
    *,
    prompts: Path,
    model: str,
    max_new_tokens: int,
    temperature: float,
    out: Path,
) -> Row:
    """Sample two answers to every prompt.

    A prompt whose answers stay the same, or that cannot be answered, has its reason in `error`.
    """
    from cai_core.curate.formats import read_prompts
    from cai_core.feedback.sample import sample_pairs as sample

    read = read_prompts(prompts, skip_bad=running.skip_bad)
    running.report_bad(read.bad)
    sampling = Sampling(max_new_tokens, temperature, seed=running.seed)
    settings = {"model": model, **vars(sampling)}
    with running.output(
        out, settings=settings, inputs={"prompts": prompts}, key="prompt_id"
    ) as output:
        missing = [prompt for prompt in read.rows if prompt.id not in output.done]
        if missing:
            speaker = running.model(model)
            for pair in sample(missing, speaker, sampling, hooks=running.hooks):
                output.write(pair.to_row())
        finished = output.finish([prompt.id for prompt in read.rows])
    running.say(f"{out}: {finished.rows - finished.failed} pairs, {finished.failed} left out")
    return finished.to_row()
