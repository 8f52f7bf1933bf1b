"""How often one model's answers are preferred to another's, on the same prompts."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from cai_core.errors import DataError, ModelError
from cai_core.feedback.batch import Counted, Tally, batches, generate_each
from cai_core.models.protocol import Model
from cai_core.schema import (
    Completion,
    ConstitutionRef,
    Hooks,
    Label,
    Pair,
    Prompt,
    Row,
    Sampling,
    chat_row,
    content_hash,
)
from cai_core.settings import BUILTIN
from cai_core.stats import Estimate, wilson

BATCH = 16  # prompts answered and judged before a row is told
QUIET = Hooks()
JudgePairs = Callable[[Sequence[Pair]], Iterable[Label]]


@dataclass(frozen=True)
class WinRate:
    """The share of prompts on which A's answer is preferred, ties half, and what it is made of."""

    estimate: Estimate
    wins: int
    ties: int
    losses: int
    failed: int

    def to_row(self) -> Row:
        counts = {"wins": self.wins, "ties": self.ties, "losses": self.losses}
        return {"estimate": self.estimate.to_row(), **counts, "failed": self.failed}


def win_rate(labels: Iterable[Label]) -> WinRate:
    """Count A's wins, prompt by prompt; several pairs of one prompt are averaged first.

    Returns:
        The estimate's n counts prompts with a verdict; its interval is Wilson's, which is a little
        wide where there are ties. Bad, skipped and failed verdicts count as failed.
    """
    worth = {"a": 1.0, "tie": 0.5, "b": 0.0}
    scores: dict[str, list[float]] = defaultdict(list)
    counts = {"a": 0, "tie": 0, "b": 0, "failed": 0}
    for label in labels:
        known = label.verdict in worth
        counts[str(label.verdict) if known else "failed"] += 1
        if known:
            prompt = content_hash(chat_row(label.pair.prompt))
            scores[prompt].append(worth[str(label.verdict)])
    means = [sum(values) / len(values) for values in scores.values()]
    estimate = wilson(sum(means), len(means))
    return WinRate(estimate, counts["a"], counts["tie"], counts["b"], counts["failed"])


@dataclass(frozen=True)
class Independence:
    """Whether the judge has nothing to do with what it judges, and why (not)."""

    independent: bool
    reason: str


def independence(
    judge: str, kin: frozenset[str], lineage: Mapping[str, frozenset[str]]
) -> Independence:
    """Say whether `judge` stands outside the families of the models it compares.

    Args:
        judge: its model id. kin: every id that went into the judge, itself included.
        lineage: for each compared model every id that went into it, itself included: base models,
            reward models, judges of its labels. Equal weights must have equal ids.
    """
    for model, family in lineage.items():
        if judge == model:
            return Independence(False, f"The judge {judge} is one of the models that it compares.")
        if judge in family:
            return Independence(False, f"The judge {judge} went into {model} that it compares.")
        if shared := sorted(kin & family):
            said = f"The judge {judge} and {model} that it compares share {shared[0]}."
            return Independence(False, said)
    return Independence(True, f"The judge {judge} went into neither of the models.")


def panel_independence(
    judges: Mapping[str, frozenset[str]], lineage: Mapping[str, frozenset[str]]
) -> Independence:
    """Say whether every judge stands outside: a panel with one kindred judge is not independent.

    Args:
        judges: the kin of each judge; one judge is a panel of one. lineage: as for `independence`.
    """
    found = [independence(judge, kin, lineage) for judge, kin in judges.items()]
    kindred = [one for one in found if not one.independent]
    if len(found) == 1:
        return found[0]
    if kindred:
        many = f"{len(kindred)} of the panel's {len(found)} judges are not independent"
        return Independence(False, f"{many}. {' '.join(one.reason for one in kindred)}")
    return Independence(True, f"None of the panel's {len(found)} judges went into the models.")


@dataclass(frozen=True)
class Contest:
    """Two models, how they answer, and who judges; `judge` yields one label a pair, in order.

    `judges` counts what the judges were asked.
    """

    model_a: Model
    model_b: Model
    judge: JudgePairs
    sampling: Sampling
    judges: Counted | None = None


def compare(
    prompts: Sequence[Prompt], contest: Contest, *, hooks: Hooks = QUIET
) -> Iterator[Label]:
    """Let both models answer every prompt and have the pairs judged; A's answer is response_a.

    Yields:
        One label a prompt with the prompt's id, in order, batch by batch; where a model cannot
        answer, for example because the prompt is too long for it, a null verdict with the reason.
    Raises:
        Stopped: as asked, between batches. ModelError: many prompts in a row failed alike.
    """
    asked = (contest.model_a, contest.model_b, contest.judges)
    count = Tally(len(prompts), hooks, [one for one in asked if one])
    for batch in batches(prompts, BATCH, hooks):
        for label in contest.judge(_pairs(batch, contest, hooks)):
            yield label
            count.finished(label.error or ("no verdict" if label.verdict is None else ""))


def _pairs(batch: Sequence[Prompt], contest: Contest, hooks: Hooks) -> list[Pair]:
    chats = [prompt.messages for prompt in batch]
    models = (contest.model_a, contest.model_b)
    a, b = (generate_each(model, chats, contest.sampling, hooks) for model in models)
    return [_pair(prompt, one, other) for prompt, one, other in zip(batch, a, b, strict=True)]


def _pair(prompt: Prompt, one: Completion | ModelError, other: Completion | ModelError) -> Pair:
    """Both answers; where one is missing, the reason in `error`, which the judge passes on."""
    if isinstance(one, ModelError) or isinstance(other, ModelError):
        reason = str(one if isinstance(one, ModelError) else other)
        return Pair(prompt.id, prompt.messages, "", "", extra={"error": reason})
    return Pair(prompt.id, prompt.messages, one.text, other.text)


@dataclass(frozen=True)
class Comparison:
    """A finished comparison, as it is written and shown."""

    model_a: str
    model_b: str
    judge: str
    constitution: ConstitutionRef
    labels: tuple[Label, ...]
    independence: Independence
    judge_kin: frozenset[str] = frozenset()

    @property
    def win_rate(self) -> WinRate:
        return win_rate(self.labels)

    @property
    def headline(self) -> bool:
        """The built-in model is at chance as a judge: judging its own kin it says nothing."""
        return self.independence.independent or BUILTIN not in (self.judge, *self.judge_kin)

    def to_row(self) -> Row:
        row: Row = {"kind": "winrate", "model_a": self.model_a, "model_b": self.model_b}
        row |= {"judge": self.judge, "constitution": self.constitution.to_row()}
        row |= self.win_rate.to_row()
        row |= {"independent": self.independence.independent, "headline": self.headline}
        row["independence"] = self.independence.reason
        row["rows"] = [label.to_row() for label in self.labels]
        return row


def check_prompts(prompts: Sequence[Prompt], *, place: str) -> None:
    """Raises DataError: there is nothing to compare on."""
    if not prompts:
        raise DataError("there is no prompt to compare on", file=place)
