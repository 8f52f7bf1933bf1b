"""`impact`: what an edit of a constitution changes in a judge's labels, and whether that is real."""

import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cai_core.cli.evaluate import rows_file_of
from cai_core.cli.judge import ref_of, refuse_if_all_failed, rows_in, setting_of
from cai_core.cli.output import write_result
from cai_core.cli.running import Running, stage_options
from cai_core.cli.wording import wording_options, wording_row
from cai_core.errors import DataError
from cai_core.feedback.examples import Worked, comparisons_in_use
from cai_core.impact.plan import REWORDED
from cai_core.schema import Constitution, ConstitutionRef, Pair, Row
from cai_core.settings import BUILTIN, JudgeSetting

if TYPE_CHECKING:
    from cai_core.impact.asking import Answered, Known
    from cai_core.impact.plan import Part, Plan
    from cai_core.impact.result import Cost, Impact

FILE = click.Path(path_type=Path, dir_okay=False)


@click.command()
@click.option("--from", "old", type=FILE, required=True, help="The version before (YAML).")
@click.option("--to", "new", type=FILE, required=True, help="The version after, or a draft.")
@click.option("--pairs", type=FILE, required=True, help="Pairs; `label` is a person's verdict.")
@click.option(
    "--labels", type=FILE, help="Labels by `each` under either version: their votes are used."
)
@click.option("--sample", type=click.IntRange(1), help="Of so many pairs, drawn by --seed.")
@click.option("--judge", default=BUILTIN, show_default=True, metavar="M", help="Who judges.")
@click.option("--method", type=click.Choice(["logprob", "cot", "repeat"]), default="logprob")
@click.option("--principles", type=click.Choice(["whole", "each", "draw"]))
@click.option(
    "--tie-band", type=click.FloatRange(0, 0.5, max_open=True), help="|p - 0.5| of a tie."
)
@wording_options
@click.option("--check/--no-check", default=True, help="Ask too whether the shift is real.")
@click.option(
    "--placebos",
    type=click.IntRange(0, 199),
    default=REWORDED,
    show_default=True,
    help=f"Meaningless rewordings that a real shift must exceed; with fewer than {REWORDED} none can.",
)
@click.option("--locked", is_flag=True, help="Show the locked half of the reviewed pairs too.")
@click.option("--out", type=FILE, required=True, help="Result (JSON); its report stands beside it.")
@stage_options
def impact(running: Running, *, out: Path, examples_file: Path | None, **options: Any) -> Row:
    """Judge pairs before and after an edit, asking only what the edit touches.

    Rows that are finished stand in OUT.rows.jsonl, so that the same command continues.
    """
    from cai_core.constitution.document import read
    from cai_core.impact.report import to_html
    from cai_core.impact.result import verdict_sentence

    names = ("old", "new", "pairs", "labels", "sample", "check", "placebos", "locked")
    given = {name: options.pop(name) for name in names}
    setting = setting_of(**options, panel=())
    old, new = read(given.pop("old")), read(given.pop("new"))
    asked = Asked(
        old, new, setting=setting, examples=comparisons_in_use(setting, examples_file), **given
    )
    found = _impact(running, asked, out)
    write_result(out, found.to_row())
    report = out.with_suffix(".html")
    report.write_text(to_html(found), encoding="utf-8")
    running.say(f"{out}: {verdict_sentence(found)}")
    running.say(f"{len(found.flips)} of {len(found.pairs)} verdicts flip; the report is {report}")
    return {
        "out": str(out),
        "report": str(report),
        "n": len(found.pairs),
        "failed": found.failed,
    } | {
        "flips": len(found.flips),
        "verdict": verdict_sentence(found),
    }


@dataclass(frozen=True)
class Asked:
    """What one comparison is made of, as it was asked for."""

    old: Constitution
    new: Constitution
    setting: JudgeSetting
    examples: tuple[Worked, ...]
    pairs: Path
    labels: Path | None
    sample: int | None
    check: bool
    placebos: int
    locked: bool

    def settings(self, seed: int) -> Row:
        """What changes rows; whether to check and to look only adds some."""
        row: Row = {"judge": self.setting.model_dump(mode="json"), "sample": self.sample}
        row |= {"seed": seed, "from": self.old.hash, "to": self.new.hash, "placebos": self.placebos}
        return row | wording_row(self.setting, self.examples)

    @property
    def inputs(self) -> dict[str, Path]:
        return {"pairs": self.pairs} | ({"labels": self.labels} if self.labels else {})


def _impact(running: Running, asked: Asked, out: Path) -> "Impact":
    from cai_core.impact.edit import Edit
    from cai_core.impact.plan import plan

    edit = Edit(asked.old, asked.new).check()
    planned = plan(edit, asked.setting, placebos=asked.placebos, seed=running.seed)
    pairs = _pairs(running, asked)
    known = _known(running, asked, planned)
    began = time.monotonic()
    answers, cost = _answers(running, asked, out, planned, pairs, known)
    cost = replace(cost, seconds=round(time.monotonic() - began, 1))
    return _result(running, asked, planned, answers, known, cost)


def _pairs(running: Running, asked: Asked) -> list[Pair]:
    """In random order, so that what comes first is a fair sample of all."""
    from cai_core.curate.formats import read_pairs

    read = read_pairs(asked.pairs, skip_bad=running.skip_bad)
    running.report_bad(read.bad)
    if not read.rows:
        raise DataError("there is no pair to judge", file=str(asked.pairs))
    pairs = list(read.rows)
    random.Random(running.seed).shuffle(pairs)
    some = pairs[: asked.sample]
    return some if asked.setting.principles != "draw" else [_drawn(asked.old, one) for one in some]


def _drawn(old: Constitution, pair: Pair) -> Pair:
    """With the principle that the version before draws for it, where it does not say so itself."""
    from cai_core.feedback.draw import draw, voters

    principle = pair.extra.get("principle") or draw(voters(old), pair.id).key
    return replace(pair, extra={**pair.extra, "principle": principle})


def _known(running: Running, asked: Asked, planned: "Plan") -> "Known":
    from cai_core.curate.formats import read_labels
    from cai_core.feedback.comparison import label_template
    from cai_core.impact.edit import Edit
    from cai_core.impact.stored import stored_votes

    asked_so = (asked.setting.method, asked.setting.principles) == ("logprob", "each")
    if asked.labels is None or not asked_so:
        return {}
    read = read_labels(asked.labels, skip_bad=running.skip_bad)
    template = label_template(asked.setting, asked.examples)
    return stored_votes(
        read.rows, Edit(asked.old, asked.new), planned, judge=asked.setting.model, template=template
    )


def _answers(
    running: Running,
    asked: Asked,
    out: Path,
    planned: "Plan",
    pairs: Sequence[Pair],
    known: "Known",
) -> "tuple[list[Answered], Cost]":
    """Ask what no row has yet; all rows, and what asking them took."""
    from cai_core.feedback.draw import voters
    from cai_core.impact.asking import Answered, Bench, answers, row_id
    from cai_core.impact.order import soonest_first
    from cai_core.impact.plan import MAIN
    from cai_core.impact.result import Cost

    pairs, sought = soonest_first(pairs, planned, known)
    checks = planned.checks() if asked.check else ()
    parts = (planned.main(), *checks)
    rows_file = rows_file_of(out)
    full = 2 * len(pairs) * _full(asked, len(voters(asked.new)))
    compared = _questions(parts[:1], pairs, known)
    used = Cost(compared, _questions(checks, pairs, {}), full)
    settings = asked.settings(running.seed)
    with running.output(rows_file, settings=settings, inputs=asked.inputs) as output:
        todo = [
            (part, [pair for pair in pairs if not output.has(row_id(pair.id, part.name))])
            for part in parts
        ]
        if any(some for _, some in todo):
            model = running.model(asked.setting.model)
            bench = Bench(model, asked.setting, asked.examples, running.seed)
            with output.mending():
                for answered in answers(todo, bench, known=known, hooks=running.hooks):
                    output.write(_row(asked, planned, answered, known) | _flag(answered, sought))
            used = replace(used, cached=model.usage.cached)
        output.finish([row_id(pair.id, part.name) for part in parts for pair in pairs])
    found = list(map(Answered.from_row, rows_in(rows_file)))
    main = [answered for answered in found if answered.part == MAIN]
    refuse_if_all_failed(rows_file, len(main), sum(1 for one in main if one.error))
    return found, used


def _row(asked: Asked, planned: "Plan", answered: "Answered", known: "Known") -> Row:
    """With what it comes to at once, for whoever watches."""
    from cai_core.impact.outcome import judged

    row = answered.to_row()
    for one in judged(planned, [answered], known=known, tie_band=asked.setting.tie_band):
        row["judged"] = one.to_row()
    return row


def _flag(answered: "Answered", sought: frozenset[str]) -> Row:
    return {"sought": True} if answered.pair.id in sought else {}


def _questions(parts: "Sequence[Part]", pairs: Sequence[Pair], known: "Known") -> int:
    """Questions in both orders without those whose votes are stored; a version's draw is one."""
    return sum(
        2 * (len(part.missing(known.get(pair.id, {}))) + len(part.drawn))
        for part in parts
        for pair in pairs
    )


def _full(asked: Asked, voting: int) -> int:
    """Questions on a pair in one order when the new version is judged from nothing."""
    return voting if asked.setting.principles == "each" else 1


def _result(
    running: Running,
    asked: Asked,
    planned: "Plan",
    answers: "list[Answered]",
    known: "Known",
    cost: "Cost",
) -> "Impact":
    from cai_core.impact.directions import signs
    from cai_core.impact.edit import Edit
    from cai_core.impact.effect import effect
    from cai_core.impact.outcome import judged, measured
    from cai_core.impact.people import against, by_part, without_locked
    from cai_core.impact.result import Impact, touches
    from cai_core.impact.shifts import shift_table

    everything = judged(planned, answers, known=known, tie_band=asked.setting.tie_band)
    found = everything if asked.locked else list(map(without_locked, everything))
    told = [one for one in found if not one.error]
    touched = touches(Edit(asked.old, asked.new).touched)
    checked = None
    if asked.check and told:
        checked = effect(
            measured(planned, answers, told, known=known), signs([one.pair for one in told])
        )
    return Impact(
        ConstitutionRef.of(asked.old),
        ref_of(running, ConstitutionRef.of(asked.new)),
        asked.setting.model_dump(mode="json"),
        planned.template,
        touched,
        tuple(found),
        tuple(shift_table(told, {one.key: one.tags for one in touched})),
        cost,
        checked,
        against(by_part(found, "locked")) if asked.locked else None,
        running.seed,
    )
