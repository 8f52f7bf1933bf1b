"""`evaluate evidence`: what the votes in a labels file say of each principle. No model is asked."""

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cai_core.cli.output import write_result
from cai_core.cli.running import Running, stage_options
from cai_core.errors import CaiError, DataError
from cai_core.schema import Constitution, Label, Row, Verdict, VoteTable
from cai_core.store.label_rows import turned_verdict

if TYPE_CHECKING:
    from cai_core.evaluate.evidence import Evidence

FILE = click.Path(path_type=Path, dir_okay=False)
KIND = "evidence"


@click.command()
@click.option("--labels", type=FILE, required=True, help="Labels, as `judge` writes them.")
@click.option("--constitution", type=FILE, help="What they were made under, for the weights.")
@click.option("--locked", is_flag=True, help="Count people's verdicts on the locked half too.")
@click.option("--out", type=FILE, required=True, help="Result (JSON).")
@stage_options
def evidence(
    running: Running, *, labels: Path, constitution: Path | None, locked: bool, out: Path
) -> Row:
    """Say of each principle how often it votes and decides, and whether people agree with it.

    People are the rows of persons, and the `label` of a judged row; where a `review` says how they
    came about, only first blind ones count. Those on the locked half of the prompts, by hash, are
    kept out. Without --constitution nothing is computed again: neither how often a principle
    decides nor which weights the reviews suggest.
    """
    from cai_core.constitution.document import read
    from cai_core.curate.formats import read_labels

    _refuse_other(out)
    found = read_labels(labels, skip_bad=running.skip_bad)
    running.report_bad(found.bad)
    rules = read(constitution) if constitution else None
    judged = judgements(found, rules, place=labels)
    table = table_of(judged, found, rules, locked=locked)
    row = _result(judged, table, rules, seed=running.seed)
    write_result(out, row)
    told = f"{out}: {row['pairs']} pairs, {row['reviewed']} of them reviewed"
    running.say(
        f"{told}; {row['kept_out']} of the locked half kept out" if row["kept_out"] else told
    )
    return {"out": str(out)} | {name: row[name] for name in ("pairs", "reviewed", "kept_out")}


def judgements(rows: Iterable[Label], rules: Constitution | None, *, place: Path) -> list[Label]:
    """The newest judgement of each pair, all under one setting.

    Raises:
        DataError: none, or of several settings, which are not comparable.
    """
    found = {
        one.id: one
        for one in rows
        if one.kind == "judge" and (rules is None or _hash(one) == rules.hash)
    }
    settings = {
        (one.annotator, one.method, one.principles, one.template, _hash(one))
        for one in found.values()
    }
    if not settings:
        under = f" under the constitution {rules.hash}" if rules else ""
        raise DataError(f"there is no judgement{under}", file=str(place))
    if len(settings) > 1:
        told = "; ".join(" ".join(filter(None, one)) for one in sorted(settings))
        raise DataError(
            f"the judgements are of {len(settings)} settings, which are not comparable ({told});"
            " keep those of one",
            file=str(place),
        )
    return list(found.values())


def _hash(label: Label) -> str:
    return label.constitution.hash if label.constitution else ""


def table_of(
    judged: Sequence[Label],
    rows: Iterable[Label],
    rules: Constitution | None,
    *,
    locked: bool = False,
) -> VoteTable:
    """The table of these judgements, with the verdicts of people that stand in the file.

    Args:
        locked: whether those on the locked half count too.
    """
    from cai_core.feedback.draw import voters
    from cai_core.review.agreement import measuring

    found = list(rows)
    first = {one.id: one.pair.response_a for one in judged}
    said: dict[str, list[Verdict]] = {}
    for label, verdict in [*_of_persons(measuring(found)), *_beside_judgements(found)]:
        turned = label.pair.response_a != first.get(label.id)  # an id ignores the order of answers
        said.setdefault(label.id, []).append(turned_verdict(verdict) if turned else verdict)
    keys = [principle.key for principle in voters(rules)] if rules else ()
    return VoteTable.of_labels(judged, said, keys=keys, locked=locked)


def _of_persons(rows: Iterable[Label]) -> Iterator[tuple[Label, Verdict]]:
    return ((label, label.verdict) for label in rows if label.verdict)


def _beside_judgements(rows: Iterable[Label]) -> Iterator[tuple[Label, Verdict]]:
    for label in rows:
        review = label.review
        counts = review is None or (review.blind and review.first)
        if label.kind == "judge" and label.pair.label and counts:
            yield label, label.pair.label


def _result(
    judged: Sequence[Label], table: VoteTable, rules: Constitution | None, *, seed: int
) -> Row:
    from cai_core.evaluate.evidence import evidence as evidence_of
    from cai_core.evaluate.reweigh import tie_band_of, weights_in, why_not
    from cai_core.evaluate.suggested import suggest
    from cai_core.settings import Settings

    one = judged[0]
    why = why_not(one.principles, one.annotator, known=rules is not None)
    weights = None if why or rules is None else weights_in(rules, table.keys)
    band = tie_band_of(table, Settings.load().judge.tie_band)
    made: Evidence = evidence_of(table, weights, tie_band=band)
    suggestion = None if weights is None else suggest(table, weights, tie_band=band, seed=seed)
    row: Row = {
        "kind": KIND,
        "judge": one.annotator,
        "method": one.method,
        "template": one.template,
    }
    row |= {"principles_mode": one.principles, "tie_band": band, "not_computed_again": why or None}
    row["constitution"] = one.constitution.to_row() if one.constitution else None
    return row | made.to_row() | {"suggested": suggestion.to_row() if suggestion else None}


def _refuse_other(out: Path) -> None:
    """Never write over something else; an older result of the same kind is made anew."""
    if not out.exists():
        return
    try:
        kind = json.loads(out.read_text(encoding="utf-8")).get("kind")
    except (ValueError, AttributeError):
        kind = None
    if kind != KIND:
        raise CaiError(f"{out} holds another result; delete it or choose another --out")
