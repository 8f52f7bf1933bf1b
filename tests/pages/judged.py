"""Pairs judged by every principle, whose votes say something known, and blind verdicts on them."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from sqlite_utils import Database

from cai_core.feedback.draw import voters
from cai_core.schema import ConstitutionRef, Label, Pair, Review, user
from cai_core.stats import FloatArray, sigmoid
from cai_core.store import constitutions, labels
from cai_core.text import in_locked_half

N = 140
JUDGE = "hf:lab/judge"
_QUESTIONS = [f"Question number {i}?" for i in range(4 * N)]
OPEN = [question for question in _QUESTIONS if not in_locked_half(question)]
LOCKED = [question for question in _QUESTIONS if in_locked_half(question)]


def pair_of(i: int, questions: Sequence[str] = OPEN) -> Pair:
    answers = (f"So it is, **surely** {i}. " * (1 + i % 4), f"I cannot help with that, number {i}.")
    return Pair.of((user(questions[i]),), *answers)


def judgement(i: int, votes: dict[str, float], ref: ConstitutionRef, **more: Any) -> Label:
    """A judgement of pair i by these votes in log-odds."""
    p = float(sigmoid(np.mean(list(votes.values()))))
    given: dict[str, Any] = {"annotator": JUDGE, "method": "logprob", "principles": "each"}
    given |= {"template": "compare-1", "constitution": ref, "mass": 0.9} | more
    chances = {key: float(sigmoid(v)) for key, v in votes.items()}
    pair = given.pop("pair", None) or pair_of(i)
    return Label(pair, "a" if p > 0.5 else "b", p, p_raw=p, votes=chances, **given)


def fill(db: Database, name: str = "short", *, verdicts: int = N, **more: Any) -> FloatArray:
    """Judge N pairs under the newest version; Grace reads the first ones blind.

    She follows the first principle. The third says mostly what the second does not.
    """
    newest = constitutions.newest(db, name)
    keys = [principle.key for principle in voters(newest.constitution)]
    chance = np.random.default_rng(0)
    logits = chance.normal(size=(N, len(keys)))
    logits[:, 2] = -0.9 * logits[:, 1] + 1.2 * chance.normal(size=N)
    made = [
        judgement(i, dict(zip(keys, row, strict=True)), newest.ref, **more)
        for i, row in enumerate(logits.tolist())
    ]
    labels.add_many(db, made, job="evidence")
    for i in range(verdicts):
        review = Review(True, "even" if i else "uncertain", None, "Grace")
        said = "a" if logits[i, 0] > 0 else "b"
        labels.add(db, labels.verdict_label(pair_of(i), said, review=review))
    return logits
