"""A workspace with many stored judgements, whose votes are drawn from one known model."""

from pathlib import Path

import numpy as np
from sqlite_utils import Database

from cai_core.schema import (
    Constitution,
    ConstitutionRef,
    Label,
    Orders,
    Pair,
    Review,
    Verdict,
    user,
)
from cai_core.stats import sigmoid
from cai_core.store import constitutions, database, labels

JUDGE = "endpoint:lab/judge"
REFUSAL = "I'm sorry, but I can't help with that."


def fill(place: Path, rules: Constitution, *, pairs: int, verdicts: int, seed: int = 0) -> Database:
    """Judge `pairs` pairs by `each`, and let a person give `verdicts` first blind verdicts.

    Every fourth pair shares its prompt with the one before. The votes share half of their variance.
    """
    db = database.connect(place)
    version = constitutions.save(db, rules, author="bench")
    chance = np.random.default_rng(seed)
    made = [_pair(i, chance) for i in range(pairs)]
    votes = chance.normal(size=(pairs, 1)) + chance.normal(size=(pairs, len(rules.principles)))
    keys = [principle.key for principle in rules.principles]
    judged = [
        _judgement(pair, dict(zip(keys, row, strict=True)), version.ref)
        for pair, row in zip(made, votes.tolist(), strict=True)
    ]
    labels.add_many(db, judged, job="bench")
    read = chance.choice(pairs, size=verdicts, replace=False)
    likes = votes[read].mean(axis=1) + chance.logistic(size=verdicts)
    labels.add_many(db, map(_verdict, [made[i] for i in read], likes.tolist()), job="bench")
    return db


def _pair(i: int, chance: np.random.Generator) -> Pair:
    question = f"Question {i - (i % 4 == 3)}?"
    words = chance.integers(5, 120, size=2)
    refuses = chance.random(2) < 0.25
    return Pair.of(
        (user(question),), *(_answer(i, w, r) for w, r in zip(words, refuses, strict=True))
    )


def _answer(i: int, words: int, refuses: bool) -> str:
    return (f"{REFUSAL} " if refuses else "") + f"Answer {i}: " + "and so on " * int(words)


def _judgement(pair: Pair, votes: dict[str, float], ref: ConstitutionRef) -> Label:
    p = float(sigmoid(np.mean(list(votes.values()))))
    chances = dict(zip(votes, sigmoid(list(votes.values())).tolist(), strict=True))
    return Label(
        pair,
        "a" if p > 0.5 else "b",
        p,
        annotator=JUDGE,
        p_raw=p,
        orders=Orders(p, p),
        offset=0.0,
        flipped=False,
        inconsistent=False,
        mass=0.98,
        votes=chances,
        method="logprob",
        principles="each",
        template="compare-3",
        constitution=ref,
        seed=0,
    )


def _verdict(pair: Pair, likes: float) -> Label:
    verdict: Verdict = "tie" if abs(likes) < 0.1 else "a" if likes > 0 else "b"
    return labels.verdict_label(pair, verdict, review=Review(True, "even", 1.0, "Ada"))
