"""A labels file as what a certificate needs: the judgements of one setting, and people's verdicts on them.

A verdict stands on the judgement's own row (`label`) or in a row of its own, in either orientation. One
with a `review` measures where it is blind and the first; one without is taken for that, and its row for
a random one.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

import numpy as np

from cai_core.errors import DataError
from cai_core.review.sample import Population, Reviewed
from cai_core.schema import HUMAN_P, Label, Pair, Review, Row, undone
from cai_core.stats import Estimate, wilson

# Queues that bring up a part of the pairs alone: what is found there says nothing of all.
NARROW = {"inconsistent", "disputed", "disagreements", "filter", "search", "guided", "again"}
NARROW |= {"adjudication", "by filter", "ask again", "opened", "corrected"}
_OTHER = {"a": "b", "b": "a"}
_SIDES = ("a", "b", "tie")
Setting = tuple[str, str, str, str, str]


@dataclass(frozen=True)
class Said:
    """One person's verdict on a pair, in the orientation of its judgement."""

    verdict: str
    person: str
    review: Review | None


@dataclass
class Sheet:
    """A pair of the file: its judgement where there is one, and what people said."""

    pair: Pair
    verdict: str = ""
    p_a: float = float("nan")
    inconsistent: bool | None = None
    said: list[Said] = field(default_factory=list)


@dataclass(frozen=True, eq=False)
class Measured:
    """What `certificate` takes, and how often two people agree."""

    population: Population
    reviewed: Reviewed
    human_human: Estimate


class LabelSheets:
    """The pairs of a labels file, gathered a row at a time; equal pairs are one, whatever their ids."""

    def __init__(self, judge: str = "") -> None:
        """`judge` is whose judgements count, where several are in the file."""
        self.judge = judge
        self.sheets: dict[str, Sheet] = {}
        self.settings: Counter[Setting] = Counter()

    def add(self, row: Row) -> None:
        """Raises DataError: what stands in it is malformed, or a chance of coming up is 0."""
        label = Label.from_row(row)
        if undone(row):
            return
        if label.review and label.review.pi == 0:
            raise DataError(
                "'review.pi' is 0; the chance of coming up must be above 0", column="pi"
            )
        key = label.pair.identity
        sheet = self.sheets.setdefault(key, Sheet(label.pair))
        turned = label.pair.response_a != sheet.pair.response_a
        on_row = label.pair.label
        kind = row.get("kind") or ("person" if label.review and on_row is None else "judge")
        if kind == "judge" and (not self.judge or label.annotator == self.judge):
            self._judged(sheet, label, turned=turned)
        said = on_row if on_row and kind != "rule" else label.verdict if kind == "person" else None
        if said:
            person = label.review.reviewer if label.review else ""
            person = person or label.pair.annotator or (label.annotator if kind == "person" else "")
            review = label.review
            sheet.said.append(Said(_turned(said, turned), person, review))

    def _judged(self, sheet: Sheet, label: Label, *, turned: bool) -> None:
        p_a, verdict = label.p_a, label.verdict
        if verdict is None and p_a is not None:
            verdict = "tie" if p_a == 0.5 else "a" if p_a > 0.5 else "b"
        if verdict not in _SIDES:
            return
        sheet.verdict = _turned(verdict, turned)
        sheet.p_a = float("nan") if p_a is None else 1 - p_a if turned else p_a
        sheet.inconsistent = label.inconsistent
        constitution = label.constitution.hash if label.constitution else ""
        setting = (label.annotator, label.method, label.principles, label.template, constitution)
        self.settings[setting] += 1

    def measured(self) -> Measured:
        """Raises DataError: no judged pair, judgements of several settings, or no verdict on any."""
        judged = [sheet for sheet in self.sheets.values() if sheet.verdict]
        if not judged:
            of = f" by {self.judge}" if self.judge else ""
            raise DataError(f"no row has a judgement{of}: neither 'p_a' nor a judge's 'verdict'")
        if len(self.settings) > 1:
            told = "; ".join(" ".join(filter(None, one)) or "–" for one in sorted(self.settings))
            raise DataError(
                f"the judgements are of {len(self.settings)} settings, which are not comparable"
                f" ({told}); keep those of one, or name its judge"
            )
        if not any(sheet.said for sheet in self.sheets.values()):
            raise DataError(
                "no row has a person's verdict: neither 'label' nor a row of kind person"
            )
        left = Counter(
            "not judged" for sheet in self.sheets.values() if not sheet.verdict and sheet.said
        )
        return Measured(population_of(judged), _reviewed(judged, left), human_human(judged))


def peoples_p(sheet: Sheet) -> float:
    """The mean of what measures, as P(the first answer is better); a pair nobody measured is nan."""
    reasons = [_why_not(one) for one in sheet.said]
    counts = {None, "narrow queue"} if None in reasons else set()
    said = [
        HUMAN_P[one.verdict] for one, why in zip(sheet.said, reasons, strict=True) if why in counts
    ]
    return float(np.mean(said)) if said else float("nan")


def population_of(judged: Iterable[Sheet]) -> Population:
    """With whether the two orders disagree, where any row says it."""
    rows = list(judged)
    shaky = np.array(
        [np.nan if one.inconsistent is None else float(one.inconsistent) for one in rows]
    )
    others = None if np.isnan(shaky).all() else shaky[:, None]
    return Population(np.array([one.p_a for one in rows]), others)


@dataclass
class _Row:
    place: int
    right: float
    pi: float | None
    queue: str
    prompt: str


def _reviewed(judged: list[Sheet], left: Counter[str]) -> Reviewed:
    rows: list[_Row] = []
    ties = 0
    for place, sheet in enumerate(judged):
        reasons = [_why_not(one) for one in sheet.said]
        # Whoever else read a drawn pair blind says what people think of it: the draw chose the pair.
        counts = {None, "narrow queue"} if None in reasons else set()
        left.update(why for why in reasons if why and why not in counts)
        if not counts:
            continue
        said = list(zip(sheet.said, reasons, strict=True))
        measuring = [one for one, why in said if why in counts]
        ties += any(one.verdict == "tie" for one in measuring)
        right = float(np.mean([_score(one.verdict, sheet.verdict) for one in measuring]))
        review = next((one.review for one, why in said if why is None and one.review), None)
        prompt = str(sheet.pair.prompt)
        queue = review.queue if review else ""
        rows.append(_Row(place, right, review.pi if review else None, queue, prompt))
    return replace(_weighted(rows, len(judged)), ties=ties, left_out=dict(left))


def _why_not(said: Said) -> str | None:
    """Why a verdict does not measure; None where it does."""
    if said.verdict not in _SIDES:
        return said.verdict
    if said.review is None:
        return None
    if not said.review.blind:
        return "sighted"
    if not said.review.first:
        return "not the first"
    return "narrow queue" if said.review.queue in NARROW or said.review.scope else None


def _weighted(rows: list[_Row], size: int) -> Reviewed:
    """Relative weights: 1 / pi, with mean 1 within each queue, since the scale of pi is not told."""
    n = len(rows)
    weight, inclusion = np.ones(n), np.full(n, n / size)
    queues = np.array([row.queue for row in rows])
    recorded = np.array([row.pi is not None for row in rows], dtype=bool)
    included = False
    for queue in sorted(set(queues[recorded].tolist())):
        mine = (queues == queue) & recorded
        pi = np.array([row.pi for row in rows], dtype=np.float64)[mine]
        weight[mine] = (1 / pi) / (1 / pi).mean()
        if np.ptp(pi) > 1e-9 and 0.4 < (1 / pi).sum() / size < 2.5:
            inclusion[mine], included = pi, True
    prompts = {row.prompt: place for place, row in enumerate(rows)}
    clusters = np.array([prompts[row.prompt] for row in rows], dtype=np.int64)
    random = bool(n and not recorded.all())
    return Reviewed(
        np.array([row.place for row in rows], dtype=np.int64),
        np.array([row.right for row in rows], dtype=np.float64),
        weight,
        ordered=False,
        inclusion=inclusion if included else None,
        clusters=clusters if random and len(prompts) < n else None,
        assumes_random=random,
    )


def human_human(judged: Iterable[Sheet]) -> Estimate:
    """How often two people agree, over all pairs on which two gave a first blind verdict."""
    means = []
    for sheet in judged:
        said = {one.person: one.verdict for one in sheet.said if _first_blind(one)}
        verdicts = list(said.values())
        pairs = [
            _score(one, other)
            for place, one in enumerate(verdicts)
            for other in verdicts[place + 1 :]
        ]
        if pairs:
            means.append(sum(pairs) / len(pairs))
    return wilson(sum(means), len(means))


def _first_blind(said: Said) -> bool:
    return _why_not(said) in (None, "narrow queue")


def _score(one: str, other: str) -> float:
    return 1.0 if one == other else 0.5 if "tie" in (one, other) else 0.0


def _turned(verdict: str, turned: bool) -> str:
    return _OTHER.get(verdict, verdict) if turned else verdict
