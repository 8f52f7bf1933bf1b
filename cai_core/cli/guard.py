"""`evaluate guard`: whether a trained model is fit for the next stage, beside the model it was made from.

A chain calls `guarded` between two of its stages.
"""

import gc
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cai_core.cli.judge import rows_in
from cai_core.cli.output import Output, write_result
from cai_core.cli.running import Running, stage_options
from cai_core.errors import DataError, ModelError
from cai_core.schema import Chat, Hooks, Progress, Prompt, Row, Sampling, assistant

if TYPE_CHECKING:
    from cai_core.curate.formats import Answer
    from cai_core.evaluate.guard import Guard
    from cai_core.models.protocol import Model

FILE = click.Path(path_type=Path, dir_okay=False)
BATCH = 16  # prompts answered before a row is written
WHO = ("model", "base")


@dataclass(frozen=True)
class Asked:
    """What is asked of both models; their ids."""

    model: str
    base: str
    prompts: Sequence[Prompt]
    helpful: "Sequence[Answer]" = ()
    sampling: Sampling = field(default_factory=lambda: Sampling(128, 0.8))

    @property
    def settings(self) -> Row:
        return {"model": self.model, "base": self.base, **vars(self.sampling)}

    @property
    def keys(self) -> list[str]:
        """Of every row, the model's before the base's: one model is held at a time."""
        asked = [f"prompt/{p.id}" for p in self.prompts] + [f"helpful/{a.id}" for a in self.helpful]
        return [f"{who}/{key}" for who in WHO for key in asked]


@click.command()
@click.option("--model", required=True, metavar="M", help="The model that a stage made.")
@click.option("--base", required=True, metavar="M", help="The model that it was made from.")
@click.option("--prompts", type=FILE, required=True, help="Prompts (JSONL, CSV or text).")
@click.option("--helpful", type=FILE, help="Helpful answers or pairs, whose loss is compared.")
@click.option("--max-new-tokens", type=click.IntRange(1), default=128, show_default=True)
@click.option("--temperature", type=click.FloatRange(0, 2), default=0.8, show_default=True)
@click.option("--out", type=FILE, required=True, help="Result (JSON).")
@stage_options
def guard(
    running: Running,
    *,
    model: str,
    base: str,
    prompts: Path,
    helpful: Path | None,
    out: Path,
    **sampling: Any,
) -> Row:
    """See whether a model still talks like its base: circles, endings, different words, loss; exit 1 if not.

    Rows that are finished stand in OUT.rows.jsonl, so that the same command continues.
    """
    from cai_core.curate.formats import read_answers, read_prompts

    read = read_prompts(prompts, skip_bad=running.skip_bad)
    good = read_answers(helpful, skip_bad=running.skip_bad) if helpful else None
    for rows in (read, good):
        running.report_bad(rows.bad if rows else ())
    if not read.rows:
        raise DataError("there is no prompt to ask", file=str(prompts))
    how = Sampling(sampling["max_new_tokens"], sampling["temperature"], seed=running.seed)
    inputs = {"prompts": prompts} | ({"helpful": helpful} if helpful else {})
    asked = Asked(model, base, read.rows, good.rows if good else (), how)
    found = guarded(running, asked, out, inputs=inputs)
    for check in found.checks:
        running.say(f"{out}: {check.sentence}")
    running.unfit = not found.holds
    return found.to_row() | {"out": str(out)}


def guarded(
    running: Running, asked: Asked, out: Path, *, inputs: dict[str, Path] | None = None
) -> "Guard":
    """Ask what is missing of both models, one after the other, and write the result to OUT.

    Raises:
        ModelError: a model cannot be loaded, or answered nothing. Stopped: as asked.
    """
    from cai_core.cli.evaluate import rows_file_of
    from cai_core.evaluate.guard import guard as hold

    rows_file = rows_file_of(out)
    with running.output(rows_file, settings=asked.settings, inputs=inputs or {}) as output:
        with output.mending():
            for who in WHO:
                _ask(running, who, asked, output)
        output.finish(asked.keys)
    rows = {row["id"]: row for row in rows_in(rows_file)}
    found = hold(asked.model, asked.base, _answered(asked, rows), _weighed(asked, rows))
    if not any(check.change.n for check in found.checks):
        reason = next(row["error"] for row in rows.values() if row.get("error"))
        raise ModelError(f"no prompt was answered by both models: {reason}")
    write_result(out, found.to_row())
    return found


def _ask(running: Running, who: str, asked: Asked, output: Output) -> None:
    """What is missing of one model; it is let go of afterwards."""
    prompts = [p for p in asked.prompts if not output.has(f"{who}/prompt/{p.id}")]
    helpful = [a for a in asked.helpful if not output.has(f"{who}/helpful/{a.id}")]
    if not prompts and not helpful:
        return
    model = running.model(getattr(asked, who))
    total, place = len(prompts) + len(helpful), 0
    for rows in (
        _answers(model, prompts, asked.sampling, running),
        _losses(model, helpful, running),
    ):
        for row in rows:
            place += 1
            output.write(row | {"id": f"{who}/{row['id']}"})
            running.hooks.progress(Progress(place, total))
    del model
    gc.collect()


def _answers(
    model: "Model", prompts: Sequence[Prompt], sampling: Sampling, running: Running
) -> Iterator[Row]:
    from cai_core.feedback.batch import batches, generate_each

    for batch in batches(prompts, BATCH, running.hooks):
        said = generate_each(model, [prompt.messages for prompt in batch], sampling, running.hooks)
        for prompt, one in zip(batch, said, strict=True):
            row: Row = {"id": f"prompt/{prompt.id}"}
            if isinstance(one, ModelError):
                yield row | {"error": str(one)}
            else:
                yield row | {"text": one.text, "ended": one.finished}


def _losses(model: "Model", helpful: "Sequence[Answer]", running: Running) -> Iterator[Row]:
    """Log-probability and tokens of each answer; it stands alone in its batch, being its own choice."""
    from cai_core.feedback.batch import batches

    quiet = Hooks(should_stop=running.hooks.should_stop)
    for (answer,) in batches(list(helpful), 1, quiet):
        chat, row = answer.prompt.messages, {"id": f"helpful/{answer.id}"}
        try:
            yield row | _loss(model, chat, answer.text)
        except ModelError as error:
            yield row | {"error": str(error)}


def _loss(model: "Model", chat: Chat, text: str) -> Row:
    found = float(model.score_choices([chat], [text])[0, 0])
    tokens = model.count_tokens((*chat, assistant(text))) - model.count_tokens(chat)
    return {"logprob": found, "tokens": max(1, tokens)}


def _answered(asked: Asked, rows: dict[str, Row]) -> list[Any]:
    from cai_core.evaluate.guard import Answered, Spoken

    pairs = ([rows[f"{who}/prompt/{p.id}"] for who in WHO] for p in asked.prompts)
    return [
        Answered(*(Spoken(row["text"], row["ended"]) for row in pair))
        for pair in pairs
        if not any(row.get("error") for row in pair)
    ]


def _weighed(asked: Asked, rows: dict[str, Row]) -> list[Any]:
    """Of both models per token of the base, whose tokens the model has too."""
    from cai_core.evaluate.guard import Weighed

    pairs = ([rows[f"{who}/helpful/{a.id}"] for who in WHO] for a in asked.helpful)
    return [
        Weighed(model["logprob"], base["logprob"], base["tokens"])
        for model, base in pairs
        if not (model.get("error") or base.get("error"))
    ]
