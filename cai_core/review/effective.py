"""The effective label of a pair: the adjudicated verdict, else what its people agree on, else `disputed`,
else the newest bulk rule's, else the judgement.

A judge or a rule never overrules a person. A skip says nothing; `bad` keeps the pair out of datasets.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from cai_core.review.edited import Edited
from cai_core.review.reliability import people_p
from cai_core.schema import HUMAN_P, AnnotatorKind, ConstitutionRef, Label, Pair

ADJUDICATION = "adjudication"  # the queue whose verdict ends a dispute
Verdicts = Literal["a", "b", "tie", "bad", "disputed", "failed", "none"]


@dataclass(frozen=True)
class Trust:
    """How far labels are trusted, as measured on reviews; None: as they were given.

    A judge's log-odds are divided by `temperature`; a person's verdict is right with the probability
    `reliability`, and what several people agree on adds up in log-odds.
    """

    temperature: float | None = None
    reliability: float | None = None


AS_GIVEN = Trust()


@dataclass(frozen=True)
class Effective:
    """What counts as the label of a pair; `p_a` is None where there is nothing to learn.

    `p_people` and `p_judge` are what people and the judge say of it, whoever counts; None where they do not.
    `source` is None where nobody said anything; `judge` is the model whose label counts. `stale`: what is compared was
    reworded since a person of these gave the verdict.
    """

    pair: Pair
    verdict: Verdicts
    p_a: float | None
    source: Literal["people", "rule", "judge"] | None
    people: tuple[str, ...] = ()
    inconsistent: bool = False
    stale: bool = False
    constitution: ConstitutionRef | None = None
    judge: str = ""
    p_people: float | None = None
    p_judge: float | None = None


def effective(
    pair: Pair,
    verdicts: Sequence[Label],
    judgement: Label | None = None,
    *,
    edited: Edited | None = None,
    trust: Trust = AS_GIVEN,
) -> Effective:
    """The effective label of one pair.

    Args:
        verdicts: people's and rules' standing ones, oldest first; the newest of each person counts,
            and the newest of all rules. All labels have the pair's orientation.
        edited: versions that ask something else by now; a verdict given under one of them is stale.
    """
    p_judge = _p_of_judge(judgement, trust)
    said = [one for one in _newest(verdicts, "person") if one.verdict not in (None, "skip")]
    ended = [one for one in said if one.review and one.review.queue == ADJUDICATION]
    ref = judgement.constitution if judgement else None
    if said:
        found = _of_people(pair, ended[-1:] or said, trust, edited)
        return replace(found, constitution=ref, p_judge=p_judge)
    if rules := [one for one in _newest(verdicts, "rule") if one.verdict not in (None, "skip")]:
        return replace(_of_rule(pair, rules[-1], ref), p_judge=p_judge)
    if judgement is None:
        return Effective(pair, "none", None, None)
    if judgement.verdict is None or judgement.verdict == "skip":
        return Effective(pair, "failed", None, "judge", constitution=ref)
    return Effective(
        pair,
        judgement.verdict,
        p_judge,
        "judge",
        inconsistent=bool(judgement.inconsistent),
        constitution=ref,
        judge=judgement.annotator,
        p_judge=p_judge,
    )


def _newest(verdicts: Sequence[Label], kind: AnnotatorKind) -> list[Label]:
    """The newest label of each annotator of this kind, oldest first."""
    found: dict[str, Label] = {}
    for label in verdicts:
        if label.kind == kind:
            found.pop(label.annotator, None)
            found[label.annotator] = label
    return list(found.values())


def _p_of_judge(judgement: Label | None, trust: Trust) -> float | None:
    if judgement is None or judgement.verdict in (None, "skip", "bad"):
        return None
    return 0.5 if judgement.verdict == "tie" else _tempered(judgement.p_a, trust.temperature)


def _tempered(p_a: float | None, temperature: float | None) -> float | None:
    """sigmoid(logit(p_a) / temperature), without leaving p_a's range."""
    if p_a is None or temperature is None:
        return p_a
    for_a, for_b = p_a ** (1 / temperature), (1 - p_a) ** (1 / temperature)
    return float(for_a / (for_a + for_b))


def _of_rule(pair: Pair, rule: Label, ref: ConstitutionRef | None) -> Effective:
    verdict = rule.verdict if rule.verdict and rule.verdict != "skip" else "none"
    return Effective(pair, verdict, HUMAN_P.get(verdict), "rule", constitution=ref)


def _of_people(pair: Pair, said: Sequence[Label], trust: Trust, edited: Edited | None) -> Effective:
    given = {label.verdict for label in said}
    verdict = said[0].verdict if len(given) == 1 else None
    people = tuple(label.annotator for label in said)
    p = HUMAN_P.get(verdict or "")
    p = None if p is None else people_p(p, len(people), trust.reliability)
    return Effective(
        pair=pair,
        verdict=verdict if verdict and verdict != "skip" else "disputed",
        p_a=p,
        source="people",
        people=people,
        stale=edited is not None and any(map(edited.holds, said)),
        p_people=p,
    )


def effective_labels(
    verdicts: Iterable[Label],
    judgements: Iterable[Label],
    *,
    edited: Edited | None = None,
    trust: Trust = AS_GIVEN,
) -> list[Effective]:
    """The effective label of every pair that anybody labelled, in the order of first sight.

    `verdicts` are people's and rules'; see `effective`.
    """
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
        effective(pair, by_people.get(key, ()), by_judge.get(key), edited=edited, trust=trust)
        for key, pair in pairs.items()
    ]
