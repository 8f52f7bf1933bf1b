"""The effective label of a pair: what its people agree on, else `disputed`, else the judgement.

A judge never overrules a person. Skips and rules say nothing; `bad` keeps the pair out of datasets.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from cai_core.review.edited import Edited
from cai_core.schema import HUMAN_P, ConstitutionRef, Label, Pair

Verdicts = Literal["a", "b", "tie", "bad", "disputed", "failed", "none"]


@dataclass(frozen=True)
class Effective:
    """What counts as the label of a pair; `p_a` is None where there is nothing to learn.

    `source` is None where nobody said anything; `judge` is the model whose label counts. `stale`: what is compared was
    reworded since a person of these gave the verdict.
    """

    pair: Pair
    verdict: Verdicts
    p_a: float | None
    source: Literal["people", "judge"] | None
    people: tuple[str, ...] = ()
    inconsistent: bool = False
    stale: bool = False
    constitution: ConstitutionRef | None = None
    judge: str = ""


def effective(
    pair: Pair,
    verdicts: Sequence[Label],
    judgement: Label | None = None,
    *,
    edited: Edited | None = None,
) -> Effective:
    """The effective label of one pair.

    Args:
        verdicts: people's standing ones, oldest first; the newest of each person counts. All labels
            have the pair's orientation.
        edited: versions that ask something else by now; a verdict given under one of them is stale.
    """
    newest = {label.annotator: label for label in verdicts if label.kind == "person"}
    said = [label for label in newest.values() if label.verdict not in (None, "skip")]
    ref = judgement.constitution if judgement else None
    if said:
        return _of_people(pair, said, ref, edited)
    if judgement is None:
        return Effective(pair, "none", None, None)
    if judgement.verdict is None or judgement.verdict == "skip":
        return Effective(pair, "failed", None, "judge", constitution=ref)
    p_a = {"tie": 0.5, "bad": None}.get(judgement.verdict, judgement.p_a)
    shaky = bool(judgement.inconsistent)
    return Effective(
        pair,
        judgement.verdict,
        p_a,
        "judge",
        inconsistent=shaky,
        constitution=ref,
        judge=judgement.annotator,
    )


def _of_people(
    pair: Pair, said: Sequence[Label], ref: ConstitutionRef | None, edited: Edited | None
) -> Effective:
    given = {label.verdict for label in said}
    verdict = said[0].verdict if len(given) == 1 else None
    return Effective(
        pair=pair,
        verdict=verdict if verdict and verdict != "skip" else "disputed",
        p_a=HUMAN_P.get(verdict or ""),
        source="people",
        people=tuple(label.annotator for label in said),
        stale=edited is not None and any(map(edited.holds, said)),
        constitution=ref,
    )


def effective_labels(
    verdicts: Iterable[Label], judgements: Iterable[Label], *, edited: Edited | None = None
) -> list[Effective]:
    """The effective label of every pair that anybody labelled, in the order of first sight."""
    pairs: dict[str, Pair] = {}
    by_people: dict[str, list[Label]] = {}
    by_judge: dict[str, Label] = {}
    for label in judgements:
        pairs.setdefault(label.pair.id, label.pair)
        by_judge[label.pair.id] = label
    for label in verdicts:
        pairs.setdefault(label.pair.id, label.pair)
        by_people.setdefault(label.pair.id, []).append(label)
    return [
        effective(pair, by_people.get(key, ()), by_judge.get(key), edited=edited)
        for key, pair in pairs.items()
    ]
