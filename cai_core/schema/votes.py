"""The votes of many judgements as one table of numbers, with what people said of the same pairs."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from cai_core.schema.chats import chat_row, first_user_turn
from cai_core.schema.fields import content_hash
from cai_core.schema.labels import Label
from cai_core.schema.pairs import HUMAN_P, Verdict
from cai_core.stats import FloatArray, logit
from cai_core.text import answer_differences, in_locked_half, split_of

SAID: tuple[Verdict, ...] = ("a", "tie", "b")  # the columns of `people`
DIFFERENCES = ("length", "refusal")  # the columns of `differences`
_ROWS = (
    *("logits", "not_applicable", "p", "worth", "people"),
    *("differences", "prompts", "splits", "kept_out"),
)


@dataclass(frozen=True, eq=False)
class VoteTable:
    """Judgements under one judge setting, a row a pair; what is not there is nan.

    Args:
        pair_ids: (n,) in the order of the rows. keys: (k,) principles, in the order of the columns.
        logits: (n, k) log-odds of P(response_a is better), of principles that voted.
        not_applicable: (n, k) whether the judge said that the principle does not apply.
        p: (n,) the label's p_a before it was clamped. worth: (n,) its verdict as 1, 0.5 or 0.
        people: (n, 3) how many first blind verdicts said a, tie, b.
        differences: (n, 2) of the answers, see `text.answer_differences`; of pairs that people read.
        prompts: (n,) which prompt, numbered from 0. splits: (n,) the prompt's split.
        kept_out: (n,) whether people read it and their verdicts are not in `people`, since it is of
            the locked half, see `text.in_locked_half`.
        queues: how many of the verdicts in `people` were given in which review queue.
    """

    pair_ids: tuple[str, ...]
    keys: tuple[str, ...]
    logits: FloatArray
    not_applicable: NDArray[np.bool_]
    p: FloatArray
    worth: FloatArray
    people: FloatArray
    differences: FloatArray
    prompts: NDArray[np.int64]
    splits: NDArray[np.str_]
    kept_out: NDArray[np.bool_]
    queues: Mapping[str, int] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.pair_ids)

    @property
    def voted(self) -> NDArray[np.bool_]:
        return ~np.isnan(self.logits)

    @property
    def reviewed(self) -> NDArray[np.bool_]:
        """(n,) whether a first blind verdict with a side is there."""
        return np.asarray(self.people.sum(axis=1) > 0)

    @property
    def people_worth(self) -> FloatArray:
        """(n,) the mean of people's verdicts as 1, 0.5, 0."""
        return _mean_worth(self.people)

    def where(self, rows: NDArray[np.bool_]) -> Self:
        """The rows that are chosen; `queues` still counts all."""
        ids = tuple(one for one, kept in zip(self.pair_ids, rows, strict=True) if kept)
        return replace(self, pair_ids=ids, **{name: getattr(self, name)[rows] for name in _ROWS})

    @classmethod
    def of_labels(
        cls,
        judgements: Iterable[Label],
        said: Mapping[str, Sequence[Verdict]],
        *,
        keys: Sequence[str] = (),
        locked: bool = False,
    ) -> Self:
        """From labels as a file has them.

        Args:
            judgements: one a pair. said: people's first blind verdicts by id of the pair, on its
                answers in the order in which the judgement has them.
            keys: principles that come first, in this order.
            locked: whether verdicts on the locked half count too.
        """
        found = list(judgements)
        read = [[v for v in said.get(one.id, ()) if v in SAID] for one in found]
        kept_out = [
            bool(verdicts) and not locked and in_locked_half(first_user_turn(one.pair.prompt))
            for one, verdicts in zip(found, read, strict=True)
        ]
        names = list(
            dict.fromkeys([*keys, *(k for one in found for k in (*one.votes, *one.not_applicable))])
        )
        numbers: dict[str, int] = {}
        prompts = [content_hash(chat_row(one.pair.prompt)) for one in found]
        votes = [[one.votes.get(key, math.nan) for key in names] for one in found]
        apart = [[key in one.not_applicable for key in names] for one in found]
        counts = [
            [0 if out else verdicts.count(v) for v in SAID]
            for verdicts, out in zip(read, kept_out, strict=True)
        ]
        answers = [answer_differences(one.pair.response_a, one.pair.response_b) for one in found]
        shape = (len(found), len(names))
        return cls(
            pair_ids=tuple(one.id for one in found),
            keys=tuple(names),
            logits=logit(np.array(votes, dtype=np.float64).reshape(shape)),
            not_applicable=np.array(apart, dtype=bool).reshape(shape),
            p=np.array([math.nan if one.p_raw is None else one.p_raw for one in found], float),
            worth=np.array([HUMAN_P.get(one.verdict or "", math.nan) for one in found], float),
            people=np.array(counts, dtype=np.float64).reshape(-1, len(SAID)),
            differences=np.array(answers, dtype=np.float64).reshape(-1, len(DIFFERENCES)),
            prompts=np.array([numbers.setdefault(p, len(numbers)) for p in prompts], np.int64),
            splits=np.array([_split(one) for one in found], dtype=np.str_),
            kept_out=np.array(kept_out, dtype=bool),
        )


def _split(label: Label) -> str:
    given = label.pair.extra.get("split")
    return str(given) if given else split_of(first_user_turn(label.pair.prompt))


def _mean_worth(people: FloatArray) -> FloatArray:
    n = people.sum(axis=1)
    with np.errstate(invalid="ignore"):
        worth: FloatArray = people @ np.array([1.0, 0.5, 0.0]) / n
    return worth
