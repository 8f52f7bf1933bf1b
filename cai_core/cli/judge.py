"""`judge`: which answer of each pair is better under a constitution, asked in both orders."""

import json
import math
from bisect import insort
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cai_core.cli.running import Running, stage_options
from cai_core.cli.wording import wording_options, wording_row
from cai_core.errors import ModelError
from cai_core.feedback.examples import Worked, comparisons_in_use
from cai_core.schema import Constitution, ConstitutionRef, Label, Pair, Row
from cai_core.settings import BUILTIN, JudgeSetting, Settings

if TYPE_CHECKING:
    from cai_core.cli.output import Output

FILE = click.Path(path_type=Path, dir_okay=False)


@click.command()
@click.option("--pairs", type=FILE, required=True, help="Pairs (JSONL, CSV or JSON; gzip too).")
@click.option("--constitution", type=FILE, required=True, help="What the judge judges by (YAML).")
@click.option("--judge", default=BUILTIN, show_default=True, metavar="M", help="Who judges.")
@click.option("--panel", multiple=True, metavar="M", help="A further judge; may be repeated.")
@click.option(
    "--combine",
    type=click.Choice(["majority", "mean"]),
    help="How a panel's labels become one; by default as in the settings, else by majority.",
)
@click.option(
    "--method",
    type=click.Choice(["logprob", "cot", "repeat"]),
    default="logprob",
    show_default=True,
    help="Probabilities; reasoning first; or sampled verdicts, where there are no probabilities.",
)
@click.option(
    "--principles",
    type=click.Choice(["whole", "each", "draw"]),
    default="each",
    show_default=True,
    help="All in one question; each one votes; or one drawn for each pair.",
)
@click.option(
    "--tie-band", type=click.FloatRange(0, 0.5, max_open=True), help="|p - 0.5| of a tie."
)
@click.option("--repeats", type=click.IntRange(1, 64), help="Verdicts an order under 'repeat'.")
@wording_options
@click.option("--out", type=FILE, required=True, help="Labels (JSONL), one row a pair.")
@stage_options
def judge(
    running: Running,
    *,
    pairs: Path,
    constitution: Path,
    out: Path,
    examples_file: Path | None,
    **options: Any,
) -> Row:
    """Judge pairs under a constitution.

    A pair that cannot be judged has a null verdict and its reason; the same command asks it again.
    """
    from cai_core.constitution.document import read
    from cai_core.curate.formats import read_pairs
    from cai_core.feedback.findings import tell_of

    setting = setting_of(**options)
    check_panel(setting)
    examples = comparisons_in_use(setting, examples_file)
    rules = read(constitution)
    found = read_pairs(pairs, skip_bad=running.skip_bad)
    running.report_bad(found.bad)
    settings: Row = {"judge": setting.model_dump(mode="json"), "seed": running.seed}
    settings |= {"constitution": rules.hash} | wording_row(setting, examples)
    with running.output(out, settings=settings, inputs={"pairs": pairs}) as output:
        missing = [pair for pair in found.rows if pair.id not in output.done]
        if missing:
            write_labels(output, _labels(running, missing, rules, setting, examples))
        mark_all(output)
        finished = output.finish([pair.id for pair in found.rows])
    refuse_if_all_failed(out, finished.rows, finished.failed)
    found_out = tell_of(map(Label.from_row, _rows(out)))
    count = Counted.of(_rows(out))
    running.say(
        f"{out}: {finished.rows - finished.failed} judged, {finished.failed} without verdict"
        + count.sentence(abstain=setting.abstain)
    )
    for sentence in found_out.sentences:
        running.say(sentence)
    return finished.to_row() | count.to_row(abstain=setting.abstain) | found_out.to_row()


def setting_of(judge: str, **options: Any) -> JudgeSetting:
    """The workspace's judge setting with what the command line says otherwise.

    Who judges is said on the command line alone: the workspace's panel is not added to it.
    """
    given = {name: value for name, value in options.items() if value is not None}
    base = Settings.load().judge.model_dump() | {"panel": ()}
    return JudgeSetting.model_validate({**base, "model": judge, **given})


def check_panel(setting: JudgeSetting) -> None:
    """Raises CaiError: a further judge is not there; it would be missed only when its turn comes."""
    from cai_core.models.catalogue import check

    for judge in setting.panel:
        check(judge)


@dataclass(frozen=True)
class Counted:
    """How many labels were made on answers that were cut, and how many principles had no vote."""

    labels: int = 0
    cut: int = 0
    fewer_examples: int = 0
    abstained: int = 0

    @classmethod
    def of(cls, rows: Iterable[Row]) -> "Counted":
        """Count a file's rows as they come."""
        labels = cut = fewer = abstained = 0
        for row in rows:
            labels += 1
            cut += bool(row.get("characters_left_out"))
            fewer += row.get("examples_shown") is not None
            abstained += len(row.get("not_applicable") or ())
        return cls(labels, cut, fewer, abstained)

    @property
    def mean_abstained(self) -> float:
        """Principles that did not apply, a label."""
        return self.abstained / self.labels if self.labels else math.nan

    def sentence(self, *, abstain: bool) -> str:
        """What there is to say behind the number of labels."""
        said = f", {self.cut} on answers that were cut" if self.cut else ""
        if self.fewer_examples:
            said += f", {self.fewer_examples} with fewer examples than asked for"
        if abstain:
            said += f"; {self.mean_abstained:.1f} principles a pair did not apply"
        return said

    def to_row(self, *, abstain: bool) -> Row:
        row: Row = {"cut": self.cut}
        if self.fewer_examples:
            row["fewer_examples"] = self.fewer_examples
        return row | ({"mean_abstained": self.mean_abstained} if abstain else {})


def _labels(
    running: Running,
    pairs: Sequence[Pair],
    rules: Constitution,
    setting: JudgeSetting,
    examples: Sequence[Worked],
) -> Iterator[Label]:
    from cai_core.feedback.panel import Panel
    from cai_core.models.catalogue import load

    ref = ref_of(running, ConstitutionRef.of(rules))
    everybody = Panel(
        rules,
        setting,
        lambda model_id: load(model_id, cache=running.cache),
        ref=ref,
        seed=running.seed,
        examples=examples,
    )
    return everybody.judge(pairs, hooks=running.hooks)


def ref_of(running: Running, read: ConstitutionRef) -> ConstitutionRef:
    """The constitution as the job names it, with its version; as it was read where there is none."""
    if running.job is None:
        return read
    from cai_core.jobs.folder import read_config

    named = ConstitutionRef.from_row(read_config(running.job).get("constitution"))
    return named if named and named.hash == read.hash else read


def write_labels(output: "Output", labels: Iterator[Label]) -> None:
    """Write each label as it comes, `inconsistent` by the median offset so far.

    So few rows change when the offset of the whole run is known.
    """
    from cai_core.feedback.votes import mark_inconsistent

    offsets: list[float] = []
    for label in labels:
        if label.offset is not None:
            insort(offsets, label.offset)
        middle = offsets[len(offsets) // 2] if offsets else 0.0
        output.write(mark_inconsistent([label], offset=middle)[0].to_row())


def mark_all(output: "Output") -> None:
    """Set `inconsistent` by the median offset of all rows; only rows that change are written.

    Every attempt does, one that has no pair left to ask too: a kill may have come just before this.
    """
    from cai_core.feedback.votes import mark_inconsistent, median_offset

    if not output.part.exists():
        return
    newest = {row["id"]: place for place, row in enumerate(_rows(output.part))}

    def standing() -> Iterator[Label]:
        rows = enumerate(_rows(output.part))
        return (Label.from_row(row) for place, row in rows if newest[row["id"]] == place)

    offset = median_offset(standing())
    for label in standing():
        marked = mark_inconsistent([label], offset=offset)[0]
        if marked != label:
            output.write(marked.to_row())


def _rows(path: Path) -> Iterator[Row]:
    with path.open(encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)


def refuse_if_all_failed(out: Path, rows: int, failed: int) -> None:
    """Raises ModelError: not one row was made; says why the first was not."""
    if rows and failed == rows:
        reason = next(_rows(out)).get("error", "")
        raise ModelError(f"none of the {rows} rows of {out} could be made: {reason}")
