"""Two revisions of one answer as a pair that does not say which version made which.

Sides are taken from the parity of the pair's hash. A judge reads them at equal length, because a
longer answer can win by its length alone; a person reads them whole.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Literal

from cai_core.errors import GaveUpError
from cai_core.evaluate.revisions import LEAST_WORDS, at_equal_length
from cai_core.evaluate.winrate import JudgePairs, WinRate, win_rate
from cai_core.impact.rewrite import Rewrite, Standard, for_new
from cai_core.schema import Label, Pair, content_hash
from cai_core.text import normalise

Side = Literal["a", "b"]
FAILED, EQUAL, SHORT = "failed", "equal", "too short"


def new_side(one: Rewrite) -> Side:
    """On which side the new revision is shown."""
    return "a" if int(content_hash(_id(one)), 16) % 2 else "b"


def whole_pair(one: Rewrite) -> Pair | None:
    """Both revisions, whole; None where one failed or they say the same."""
    if one.revisions is None or _same(*one.revisions):
        return None
    old, new = one.revisions
    a, b = (new, old) if new_side(one) == "a" else (old, new)
    return Pair(_id(one), one.prompt, a, b)


def fair_pair(one: Rewrite) -> Pair | str:
    """Both at equal length, as a judge reads them; else why they cannot be compared."""
    pair = whole_pair(one)
    if pair is None:
        return FAILED if one.revisions is None else EQUAL
    a, b = at_equal_length(pair.response_a, pair.response_b)
    if min(len(a.split()), len(b.split())) < LEAST_WORDS:
        return SHORT
    return EQUAL if _same(a, b) else replace(pair, response_a=a, response_b=b)


def _id(one: Rewrite) -> str:
    old, new = one.revisions or ("", "")
    return Pair.id_of(one.prompt, old, new)


def _same(one: str, other: str) -> bool:
    """Letters and digits alone count, where there are any."""
    bare, bare_other = normalise(one), normalise(other)
    return bare == bare_other if bare or bare_other else one.strip() == other.strip()


def judged(rewrites: Sequence[Rewrite], judges: Mapping[Standard, JudgePairs]) -> list[Rewrite]:
    """With a judgement by every standard, or why there is none."""
    fair = [fair_pair(one) for one in rewrites]
    pairs = [pair for pair in fair if isinstance(pair, Pair)]
    said = {name: iter(_labels(judge, pairs)) for name, judge in judges.items() if pairs}
    found = []
    for one, pair in zip(rewrites, fair, strict=True):
        if isinstance(pair, str):
            found.append(replace(one, left_out=pair))
            continue
        labels = {name: next(them) for name, them in said.items()}
        reasons = [label.error or "no verdict" for label in labels.values() if not label.verdict]
        found.append(replace(one, labels=labels, error=next(iter(reasons), "")))
    return found


def _labels(judge: JudgePairs, pairs: Sequence[Pair]) -> list[Label]:
    """One a pair; those that a judge was not asked for because it had given up say so."""
    made: list[Label] = []
    try:
        for label in judge(pairs):
            made.append(label)
    except GaveUpError as error:
        made += [Label(pair, None, None, error=str(error)) for pair in pairs[len(made) :]]
    return made


def win_rates(rewrites: Sequence[Rewrite]) -> dict[Standard, WinRate]:
    """How often the new revision is preferred, ties half, by standard."""
    names = dict.fromkeys(name for one in rewrites for name in one.labels)
    return {
        name: win_rate(
            won_by_new(one.labels[name], new_side(one)) for one in rewrites if name in one.labels
        )
        for name in names
    }


def won_by_new(label: Label, side: str) -> Label:
    """The label with the new revision, which stands on `side`, as A."""
    return replace(label, verdict=for_new(label.verdict, side))


def left_out(rewrites: Iterable[Rewrite]) -> dict[str, int]:
    """How many pairs were not judged, by the reason."""
    return dict(Counter(one.left_out for one in rewrites if one.left_out))
