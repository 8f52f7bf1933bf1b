"""The learned judge on the hh pairs: agreement after few verdicts, seconds of a fit, features a second.

All on the built-in model. Prompts are held out whole. The zero-shot judge is asked as by default
(sixteen principles, both orders); its verdicts are kept beside the weights, so a second run goes on.
"""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cai_core.feedback.features import answered
from cai_core.feedback.judge import judge
from cai_core.models.catalogue import load
from cai_core.models.local import LocalModel
from cai_core.models.rendering import ChatRenderer
from cai_core.review.head import Beside, C, Lessons, agreement_of, beside, fit
from cai_core.review.judged import judged_beside
from cai_core.review.logistic import Problem, kernel_of
from cai_core.review.taught import Taught
from cai_core.schema import Label
from cai_core.settings import BUILTIN, JudgeSetting
from cai_core.stats import Estimate, FloatArray, sigmoid, weighted_mean, weighted_share
from cai_core.store.cache import SqliteCache
from tests.bench import hh
from tests.bench.answer_features import Answers, hh_answers
from tests.bench.timing import timed

VERDICTS = (50, 100, 200, 400)
SPLITS = 30
JUDGED = 100  # pairs that the zero-shot judge is asked about
READ = 48  # pairs whose features are timed
ROUNDS = 9


@dataclass(frozen=True)
class Learned:
    """Whether verdicts agree by number of verdicts: (splits, pairs) of rightness, nan where not held out."""

    verdicts: int
    right: FloatArray

    def estimate(self, answers: Answers, some: NDArray[np.bool_] | None = None) -> Estimate:
        """Over held-out pairs, each by its mean over splits; a prompt is one draw."""
        means = np.nanmean(self.right, axis=0)
        there = ~np.isnan(means) if some is None else ~np.isnan(means) & some
        ones = np.ones(int(there.sum()))
        return weighted_share(means[there], ones, answers.prompts[there])

    @property
    def spread(self) -> float:
        """Standard deviation over splits."""
        return float(np.nanstd(np.nanmean(self.right, axis=1), ddof=1))


def learned(answers: Answers) -> list[Learned]:
    """Learn from so many random verdicts, and try on all pairs of other prompts."""
    found = {n: np.full((SPLITS, len(answers.pairs)), np.nan) for n in VERDICTS}
    for split in range(SPLITS):
        order = np.random.default_rng(split).permutation(len(answers.pairs))
        for n in VERDICTS:
            taught = order[:n]
            made = fit(answers.lessons(taught))
            out = ~np.isin(answers.prompts, answers.prompts[taught])
            p = sigmoid(answers.differences[out] @ made.direction)
            found[n][split, out] = np.where(p > 0.5, answers.p_a[out], 1 - answers.p_a[out])
    return [Learned(n, right) for n, right in found.items()]


def zero_shot(answers: Answers) -> list[Label]:
    """The built-in model's judgements of the first pairs."""
    model = load(BUILTIN, cache=SqliteCache())
    pairs = hh.unlabelled(answers.pairs[:JUDGED])
    return list(judge(pairs, hh.sixteen(), model, JudgeSetting()))


def taught_by(answers: Answers, count: int) -> tuple[Taught, Lessons]:
    """The verdicts on the first pairs."""
    verdicts = Taught(answers.pairs[:count], answers.p_a[:count], np.ones(count), {"people": count})
    return verdicts, Lessons.of(verdicts, answers.differences[:count])


def zero_beside(answers: Answers, labels: Sequence[Label]) -> Beside:
    """A head that learned from the zero-shot judge's pairs, cross-fitted, and one with its votes too."""
    verdicts, lessons = taught_by(answers, JUDGED)
    other = judged_beside(labels, verdicts)
    assert other is not None
    return beside(lessons, fit(lessons), other.p_a, votes=other.votes)


def paired(one: Learned, answers: Answers, labels: Sequence[Label]) -> tuple[Estimate, Estimate]:
    """The zero-shot judge's agreement, and learned minus zero-shot on the same pairs."""
    p = np.full(len(answers.pairs), np.nan)
    for place, label in enumerate(labels):
        p[place] = np.nan if label.p_a is None else label.p_a
    everything = answers.lessons(np.arange(len(p)))
    zero = np.where(np.isnan(p), np.nan, np.where(p > 0.5, answers.p_a, 1 - answers.p_a))
    gained = np.nanmean(one.right, axis=0) - zero
    there = ~np.isnan(gained)
    gain = weighted_mean(gained[there], np.ones(int(there.sum())), answers.prompts[there])
    return agreement_of(p, everything), gain


def fit_milliseconds(answers: Answers, count: int = 1000) -> tuple[float, float]:
    """(the head alone, the head with its cross-fitted labels and agreement), medians."""
    lessons = answers.lessons(np.arange(count))
    alone = [timed(lambda: _head_alone(lessons))[0] for _ in range(ROUNDS)]
    whole = [timed(lambda: fit(lessons))[0] for _ in range(ROUNDS)]
    return 1000 * statistics.median(alone), 1000 * statistics.median(whole)


def _head_alone(lessons: Lessons) -> FloatArray:
    rows = lessons.differences / np.sqrt(np.square(lessons.differences).mean(axis=0))
    made = Problem.of(kernel_of(rows), np.full(len(lessons), 2 * C)).solve(lessons.p_a)
    return np.asarray(rows.T @ made.alpha)


@dataclass(frozen=True)
class Reading:
    """Answers whose features were read, and the tokens of them that are different."""

    answers: int
    tokens: int
    seconds: float
    prefill: float  # tokens a second

    @property
    def rate(self) -> float:
        return self.answers / self.seconds

    @property
    def bound(self) -> float:
        """Answers a second, were there nothing but the prefill of different tokens."""
        return self.answers / (self.tokens / self.prefill)


def reading(answers: Answers) -> Reading:
    """Features without a cache, beside plain prefill of as many tokens in the same process."""
    model = load(BUILTIN)
    assert isinstance(model, LocalModel)
    pairs = answers.pairs[-READ:]
    chats = [chat for pair in pairs for chat in answered(pair)]
    model.features(chats[:2])  # loads
    seconds = statistics.median(timed(lambda: model.features(chats))[0] for _ in range(3))
    renderer: ChatRenderer = model._renderer
    read = renderer.answers(chats, model.context)
    prefixes = {one.ids[: one.begin] for one in read}
    tokens = sum(map(len, prefixes)) + sum(len(one.ids) - one.begin for one in read)
    return Reading(len(chats), tokens, seconds, _prefill(model, [one.ids for one in read]))


def _prefill(model: LocalModel, rows: Sequence[tuple[int, ...]]) -> float:
    """Tokens a second in passes of 32 equally long rows: nothing is padded."""
    reader = model._reader
    width = 128
    flat = [token for ids in rows for token in ids]
    full = [tuple(flat[k * width : (k + 1) * width]) for k in range(32)]
    seconds = [timed(lambda: reader.read(reader.nothing(32), full))[0] for _ in range(4)]
    return 32 * width / statistics.median(seconds[1:])


def run() -> str:
    answers = hh_answers()
    labels = zero_shot(answers)
    found = learned(answers)
    compared = [paired(one, answers, labels) for one in found]
    stood = zero_beside(answers, labels)
    alone, whole = fit_milliseconds(answers)
    read = reading(answers)
    rows = [
        f"| {one.verdicts} | {one.estimate(answers)} | {one.spread:.3f} | {gain} |"
        for one, (_, gain) in zip(found, compared, strict=True)
    ]
    prompts = len(set(answers.prompts.tolist()))
    return "\n".join(
        [
            "## The learned judge",
            "",
            f"A head on the built-in model's frozen features ({answers.differences.shape[1]} numbers a"
            f" pair), taught by so many random verdicts out of {len(answers.pairs)} human-labelled hh"
            f" pairs on {prompts} prompts and tried on all pairs of other prompts, {SPLITS} splits. A"
            " pair counts by its mean over the splits that held it out, a prompt is one draw; n counts"
            f" pairs. Zero-shot is the same model as a judge with {hh.PRINCIPLES} principles, both"
            f" orders, on the first {JUDGED} pairs; the difference is on those pairs.",
            "",
            "| verdicts | agreement on held-out prompts | sd over splits | minus zero-shot |",
            "|---|---|---|---|",
            *rows,
            f"| zero-shot | {compared[0][0]} | | |",
            "",
            f"Learned from those {JUDGED} pairs and cross-fitted: {stood.learned}; with the"
            f" {hh.PRINCIPLES} votes learned from as well {stood.combined}, a gain of"
            f" {stood.combined_gain}.",
            "",
            "| what | measured |",
            "|---|---|",
            f"| a fit of 1,000 verdicts, the head alone | {alone:.0f} ms |",
            f"| the same with cross-fitted labels and agreement | {whole:.0f} ms |",
            f"| features | {read.rate:.2f} answers/s ({read.answers} answers of {read.tokens}"
            " different tokens) |",
            f"| bound: different tokens / plain prefill of {read.prefill:.0f} tokens/s |"
            f" {read.bound:.2f} answers/s; reached {read.rate / read.bound:.0%} |",
            f"| kept in the cache | {_kilobytes(answers):.1f} kB an answer,"
            f" {_kilobytes(answers) * 400_000 / 1e6:.1f} GB for 200,000 pairs |",
        ]
    )


def _kilobytes(answers: Answers) -> float:
    from cai_core.models.features import packed

    return len(packed(answers.differences[0])) / 1000
