"""What a reward model taught by these verdicts would like: the learned judge's scores, before any training."""

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
import streamlit as st
from sqlite_utils import Database

from cai_core.models.cached import CachedModel
from cai_core.schema import Pair
from cai_core.stats import Estimate, FloatArray, t95
from cai_core.store import pairs
from cai_core.text import answer_differences
from ui import cards, live, quality_lessons
from ui.plain import shorten
from ui.quality_data import Quality
from ui.quality_lessons import Learning
from ui.quality_words import signed_text

ENDS = 10  # best and worst answers shown
MOST = 500  # pairs that are looked at: the first of the pool whose answers were read


@dataclass(frozen=True)
class Scored:
    """One answer and its score, in log-odds against the mean answer."""

    pair: Pair
    side: str
    score: float

    @property
    def text(self) -> str:
        return self.pair.response_a if self.side == "a" else self.pair.response_b


def show(db: Database, quality: Quality, found: Learning) -> None:
    assert found.head is not None
    st.subheader("What it would reward", anchor=False)
    st.caption(
        "Every answer's score, up to a constant: the difference of two answers to one prompt is the"
        " log-odds that the first is better. Look here before you train on these labels."
    )
    if not st.toggle("Show the best and the worst answers", key="quality_reward"):
        return
    model = live.model(found.model)
    assert isinstance(model, CachedModel)
    pool = tuple(item.pair for item in pairs.find(db, limit=MOST))
    read = quality_lessons.features_of(pool, model)
    there = [pair for pair in pool if pair.id in read]
    if len(there) < 2:
        st.caption("No answer of the first pairs was read yet; start the job above.")
        return
    scores = np.column_stack(
        [found.head.scores(np.array([read[p.id][side] for p in there])) for side in (0, 1)]
    )
    st.caption(
        f"Over {len(there):,} of the first {len(pool):,} pairs, those whose answers were read; each"
        " coefficient alone."
    )
    _coefficients(there, scores)
    _ends(there, scores)


def _coefficients(some: list[Pair], scores: FloatArray) -> None:
    """How its preference moves with length and refusal: slopes of the scores' difference."""
    rows = []
    differences = np.array([answer_differences(p.response_a, p.response_b) for p in some])
    liked = scores[:, 0] - scores[:, 1]
    for name, column in (("Twice as long", 0), ("A refusal", 1)):
        rows.append(
            {"Of an answer": name, "Log-odds": signed_text(slope(liked, differences[:, column]))}
        )
    st.dataframe(
        pd.DataFrame(rows), hide_index=True, alt="How the score moves with length and refusal"
    )


def slope(liked: FloatArray, differs: FloatArray) -> Estimate:
    """The slope through the origin of one difference on another, its interval by pairs (sandwich).

    n counts pairs that differ at all; undefined where none does.
    """
    there = differs != 0
    n = int(there.sum())
    squares = float(np.square(differs).sum())
    if n < 2:
        return Estimate(math.nan, math.nan, math.nan, n)
    value = float(liked @ differs) / squares
    pulls = differs * (liked - value * differs)
    half = t95(n - 1) * math.sqrt(n / (n - 1) * float(np.square(pulls).sum())) / squares
    return Estimate(value, value - half, value + half, n)


def _ends(some: list[Pair], scores: FloatArray) -> None:
    mean = float(scores.mean())
    answers = [
        Scored(pair, side, float(score) - mean)
        for pair, row in zip(some, scores, strict=True)
        for side, score in zip("ab", row, strict=True)
    ]
    answers.sort(key=lambda one: -one.score)
    best, worst = st.columns(2, gap="medium")
    for column, title, shown in (
        (best, "Best", answers[:ENDS]),
        (worst, "Worst", answers[::-1][:ENDS]),
    ):
        with column:
            st.markdown(f"**{title} {len(shown)}**")
            for one in shown:
                asked = shorten(one.pair.prompt[-1].content, 90)
                cards.answer("", shorten(one.text, 400), caption=f"{one.score:+.2f}")
                st.text(f"to: {asked}")
