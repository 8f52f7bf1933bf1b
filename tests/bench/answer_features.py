"""What the built-in model makes of the answers of the hh pairs, kept beside the weights once read."""

from dataclasses import dataclass

import numpy as np

from cai_core.feedback.features import read_pairs
from cai_core.models.catalogue import load
from cai_core.review.head import Features, Lessons
from cai_core.review.logistic import Places
from cai_core.review.taught import prompt_key
from cai_core.schema import HUMAN_P, Hooks, Pair, Progress
from cai_core.settings import BUILTIN
from cai_core.stats import FloatArray
from cai_core.store.cache import SqliteCache
from tests.bench import hh


@dataclass(frozen=True)
class Answers:
    """n hh pairs: differences (n, d) of their answers' features, people's p_a (n,), prompt numbers (n,)."""

    pairs: tuple[Pair, ...]
    differences: Features
    p_a: FloatArray
    prompts: Places

    def lessons(self, places: Places, p_a: FloatArray | None = None) -> Lessons:
        """These pairs as lessons, with people's verdicts unless others are given."""
        said = self.p_a[places] if p_a is None else p_a
        return Lessons(self.differences[places], said, np.ones(len(said)), self.prompts[places])


def hh_answers() -> Answers:
    """All pairs; reading them for the first time takes 6 minutes on two quiet cores for 700."""
    model = load(BUILTIN, cache=SqliteCache())
    found = list(read_pairs(hh.pairs(), model, hooks=Hooks(progress=_told)))
    kept = [(one.pair, one.difference) for one in found if one.difference is not None]
    pairs = tuple(pair for pair, _ in kept)
    rows = np.array([row for _, row in kept], dtype=np.float32)
    p_a = np.array([HUMAN_P[str(pair.label)] for pair in pairs])
    _, prompts = np.unique([prompt_key(pair) for pair in pairs], return_inverse=True)
    return Answers(pairs, rows, p_a, prompts.astype(np.int64))


def _told(now: Progress) -> None:
    if now.done % 100 == 0 and now.asked > now.cached:
        print(f"read {now.done} of {now.total} pairs", flush=True)
