"""`labels learn`: a judge learned from the verdicts of people that stand in a labels file."""

import time
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click
import numpy as np

from cai_core.cli.running import Running, stage_options
from cai_core.errors import DataError
from cai_core.schema import Row
from cai_core.stats import Estimate

if TYPE_CHECKING:
    from cai_core.models.protocol import Features, Model
    from cai_core.review.head import Beside, Head
    from cai_core.review.judged import Judged
    from cai_core.review.taught import Taught

FILE = click.Path(path_type=Path, dir_okay=False)
FOLDER = click.Path(path_type=Path, file_okay=False)


@click.command()
@click.option("--labels", type=FILE, required=True, help="Labels with people's verdicts (JSONL).")
@click.option("--model", required=True, metavar="M", help="Whose features: one of this machine.")
@click.option("--out", type=FOLDER, required=True, help="Folder of the learned judge.")
@stage_options
def learn(running: Running, *, labels: Path, model: str, out: Path) -> Row:
    """Learn a judge from people's first blind verdicts on 50 pairs or more.

    Rows of persons teach, and the `label` of judged rows; a `label` without a `review` is taken for a
    first blind verdict. Its agreement with people is cross-fitted by prompt, and stands beside that of
    the file's judge on the same pairs.
    """
    from cai_core.curate.formats import read_labels
    from cai_core.models.features import FEATURES
    from cai_core.review.head import Head, Lessons, Maker, beside, fit
    from cai_core.review.head_folder import refuse_other, save
    from cai_core.review.judged import judged_beside
    from cai_core.review.taught import taught

    found = read_labels(labels, skip_bad=running.skip_bad)
    running.report_bad(found.bad)
    verdicts = taught(found)
    _refuse_too_few(verdicts, labels)
    refuse_other(out)
    reader = running.model(model)
    verdicts, rows = _read(running, verdicts, reader)
    lessons = Lessons.of(verdicts, rows)
    began = time.perf_counter()
    learned = fit(lessons)
    seconds = time.perf_counter() - began
    maker = Maker(model, reader.fingerprint, FEATURES)
    created = datetime.now(UTC).isoformat(timespec="seconds")
    head = Head.of(learned, verdicts, model=maker, created=created)
    save(head, out)
    other = judged_beside(found, verdicts)
    votes = other.votes if other else None
    compared = beside(lessons, learned, other.p_a, votes=votes) if other else None
    row: Row = {"out": str(out)} | _row(head, verdicts)
    row |= {"fit_seconds": round(seconds, 4), "beside": _beside_row(other, compared)}
    _say(running, head, other, compared)
    return row


def _refuse_too_few(verdicts: "Taught", path: Path) -> None:
    from cai_core.review.head import NEEDED

    if len(verdicts) < NEEDED:
        others = ", ".join(f"{n} {reason}" for reason, n in verdicts.left_out.items())
        left_out = f" (left out: {others})" if others else ""
        raise DataError(
            f"a learned judge needs first blind verdicts on {NEEDED} pairs and there are"
            f" {len(verdicts)}{left_out}; review {NEEDED - len(verdicts)} more",
            file=str(path),
        )


def _read(running: Running, verdicts: "Taught", model: "Model") -> tuple["Taught", "Features"]:
    """The pairs that could be read, and the differences (n, d) of their answers' features."""
    from cai_core.feedback.features import read_pairs

    found = list(read_pairs(verdicts.pairs, model, hooks=running.hooks))
    good = {n: one.difference for n, one in enumerate(found) if one.difference is not None}
    for one in found:
        if one.error:
            running.say(f"left out: {one.pair.id}: {one.error}")
    rows = np.array(list(good.values()), dtype=np.float32).reshape(len(good), -1)
    return verdicts.only(list(good)), rows


def _row(head: "Head", verdicts: "Taught") -> Row:
    return {
        "head": head.annotator,
        "model": head.model,
        "pairs": len(verdicts),
        "taught": head.taught,
        "taught_by": dict(head.taught_by),
        "assumed_blind": verdicts.assumed_blind,
        "left_out": dict(verdicts.left_out),
        "agreement": _estimate(head.fit.agreement),
    }


def _beside_row(other: "Judged | None", compared: "Beside | None") -> Row | None:
    if other is None or compared is None:
        return None
    numbers = {name: _estimate(value) for name, value in vars(compared).items()}
    return {"judge": other.annotator, "principles": other.votes.shape[1]} | numbers


def _estimate(estimate: Estimate) -> Row | None:
    """None where it is undefined."""
    return asdict(estimate) if estimate.n else None


def _say(running: Running, head: "Head", other: "Judged | None", compared: "Beside | None") -> None:
    running.say(f"{head.annotator} was {head.taught}; it is not independent of them")
    running.say(f"agrees with people on {head.fit.agreement}, cross-fitted by prompt")
    if other is None or compared is None:
        return
    running.say(
        f"on the {other.pairs} of these pairs that {other.annotator} judged: {compared.learned},"
        f" {other.annotator} {compared.other}; learned minus judge {compared.gain}"
    )
    if compared.combined.n:
        running.say(
            f"with the judge's votes learned from as well: {compared.combined}, a gain of"
            f" {compared.combined_gain}"
        )
