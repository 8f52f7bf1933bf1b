"""`sample-pairs`: two different answers to every prompt, from any model."""

from pathlib import Path

import click

from cai_core.cli.running import Running, nucleus_options, stage_options
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
@nucleus_options
@click.option("--out", type=FILE, required=True, help="Pairs (JSONL), one row a prompt.")
@stage_options
def sample_pairs(
    running: Running,
    *,
    prompts: Path,
    model: str,
    out: Path,
    **options: float,
) -> Row:
    """Sample two answers to every prompt.

    A prompt whose answers stay nearly the same, or that cannot be answered, has its reason in `error`.
    """
    from cai_core.curate.formats import stream_prompts
    from cai_core.feedback.sample import sample_pairs as sample

    found = stream_prompts(prompts, skip_bad=running.skip_bad)
    running.report_bad(found.bad)
    sampling = Sampling(**options, seed=running.seed)  # type: ignore[arg-type]
    settings = {"model": model, **vars(sampling)}
    with running.output(
        out, settings=settings, inputs={"prompts": prompts}, key="prompt_id"
    ) as output:
        missing = found.without(output.has)
        with output.mending():
            speaker = running.model(model) if missing else None
            for pair in sample(missing, speaker, sampling, hooks=running.hooks) if speaker else ():
                output.write(pair.to_row())
        finished = output.finish(found.ids)
    running.say_finished(finished, "pairs", "left out")
    return finished.to_row()
