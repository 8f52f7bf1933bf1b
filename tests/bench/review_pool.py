"""Files of a large review: many judged pairs with sixteen votes, and many verdicts of people.

The texts are those of the human-labelled pairs with the sentences of several mixed, so that words are as
frequent, and texts as long, as in real ones.
"""

import json
import random
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from cai_core.schema import Constitution, ConstitutionRef, Label, Orders, Pair, Review, user
from cai_core.stats import sigmoid
from cai_core.store import labels
from tests.bench import hh

JUDGE = "endpoint:lab/judge"
PEOPLE = tuple(f"Reviewer {number}" for number in range(1, 21))
_SENTENCE = re.compile(r"(?<=[.!?])\s+")


def judgements(rules: Constitution, n: int, *, seed: int = 0) -> Iterator[Label]:
    """Judged pairs, each with a vote of every principle."""
    chance = np.random.default_rng(seed)
    ref = ConstitutionRef.of(rules, 1)
    keys = [principle.key for principle in rules.principles]
    for pair in _pairs(n, seed):
        logits = chance.normal() + chance.normal(size=len(keys))
        p, offset = float(sigmoid(logits.mean())), float(chance.normal())
        first, second = sigmoid([logits.mean() + offset, logits.mean() - offset]).tolist()
        yield Label(
            pair,
            "a" if p > 0.5 else "b",
            p,
            annotator=JUDGE,
            p_raw=p,
            orders=Orders(first, second),
            offset=offset,
            flipped=(first > 0.5) != (second > 0.5),
            inconsistent=bool(chance.random() < 0.1),
            mass=0.98,
            votes=dict(zip(keys, sigmoid(logits).tolist(), strict=True)),
            method="logprob",
            principles="each",
            template="compare-3",
            constitution=ref,
            seed=0,
        )


def verdicts(judged: list[Pair], n: int, *, seed: int = 1) -> Iterator[Label]:
    """Blind verdicts of twenty people; one pair in ten is read by two of them."""
    chance = random.Random(seed)
    for pair in chance.sample(judged, min(len(judged), round(n / 1.1))):
        for person in chance.sample(PEOPLE, 2 if chance.random() < 0.1 else 1):
            said = chance.choices(["a", "b", "tie", "bad", "skip"], [42, 42, 10, 3, 3])[0]
            review = Review(True, "even", 1 / len(judged), person, constitution_version=1)
            yield labels.verdict_label(pair, said, review=review)


def write(path: Path, rows: Iterator[Label]) -> list[Pair]:
    """A labels file; the pairs in it."""
    found = []
    with path.open("w", encoding="utf-8") as file:
        for label in rows:
            file.write(json.dumps(label.to_row(), ensure_ascii=False) + "\n")
            found.append(label.pair)
    return found


def _pairs(n: int, seed: int) -> Iterator[Pair]:
    real = hh.pairs()
    answers = [
        _SENTENCE.split(text) for pair in real for text in (pair.response_a, pair.response_b)
    ]
    chance = random.Random(seed)
    for number in range(n):
        prompt = (
            *real[number % len(real)].prompt[:-1],
            user(f"{real[chance.randrange(len(real))].prompt[-1].content} ({number})"),
        )
        yield Pair.of(prompt, _mixed(answers, chance), _mixed(answers, chance))


def _mixed(answers: list[list[str]], chance: random.Random) -> str:
    one, other = chance.choice(answers), chance.choice(answers)
    return " ".join([*one[: max(1, len(one) // 2)], *other[len(other) // 2 :]])
