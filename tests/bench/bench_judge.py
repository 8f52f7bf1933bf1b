"""Judging on a local model: against its bound, plain batches, and one verdict at a time.

Sixteen principles on 24 pairs in both orders, in three rounds of eight pairs; in each round all ways
take their turn, and medians are over the rounds. The bound is the time in which the tokens that
differ at all could be read by themselves: unique tokens / prefill throughput of the same round, with
rows as long as the judge's prompts and only the last token's prediction made.
"""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cai_core.feedback.comparison import Wording, comparison_question
from cai_core.feedback.judge import judge
from cai_core.models.catalogue import load
from cai_core.models.local import LocalModel
from cai_core.schema import Chat, Label, Pair
from cai_core.settings import BUILTIN, JudgeSetting
from cai_core.stats import logit, sigmoid
from tests.bench import hh
from tests.bench.timing import piped, timed

ROUNDS = 3
PAIRS = 24
PLAIN_PAIRS = 4  # of the eight of a round: plain batches take six times as long
PIPED = 4  # verdicts of the pipeline a round, on one pair
VERDICT_TOKENS = 64  # of prose, in which a verdict is looked for
PREFILL_ROWS = 4
SETTING = JudgeSetting()


@dataclass(frozen=True)
class Round:
    """Seconds and counts of one round; rates are judgements a second."""

    judgements: int
    seconds: float
    unique: int
    prefill: float  # tokens/s, only the last token's prediction made
    called: float  # tokens/s, every token's prediction made
    plain: float  # from the tokens of some pairs to those of all
    read_plain: int  # tokens of all questions, without padding
    piped: float
    gap: float  # largest difference of p_a to the plain way

    @property
    def rate(self) -> float:
        return self.judgements / self.seconds

    @property
    def bound(self) -> float:
        """Judgements a second if only unique tokens were read, at prefill speed."""
        return self.judgements * self.prefill / self.unique

    @property
    def bound_ratio(self) -> float:
        """How many times plain batching the bound allows: tokens read plainly / unique ones."""
        return self.read_plain / self.unique


def questions(pairs: Sequence[Pair]) -> list[Chat]:
    """Every question in both orders, those of one order of a pair together."""
    wording = Wording.of(SETTING, ())
    return [
        wording.comparison_chat(shown, comparison_question(principle))
        for pair in pairs
        for shown in (pair, pair.swapped())
        for principle in hh.sixteen().principles
    ]


def unique_tokens(model: LocalModel, chats: Sequence[Chat]) -> int:
    """Nodes of the tree of all prompts' tokens."""
    seen = set()
    for chat in chats:
        ids = model.prompt_tokens(chat)
        seen |= {hash(ids[: end + 1]) for end in range(len(ids))}
    return len(seen)


def tokens_of(model: LocalModel, chats: Sequence[Chat]) -> int:
    return sum(len(model.prompt_tokens(chat)) for chat in chats)


def prefill(model: LocalModel, width: int, *, last: bool) -> float:
    """Tokens a second of plain reading: rows of so many tokens, no padding, no cache before them.

    Args:
        last: only the last token's prediction is made, as at the beginning of an answer; else every
            token's, as the model does when it is called.
    """
    import torch

    ids = [token for pair in hh.pairs(count=60) for token in model.prompt_tokens(pair.prompt)]
    some = torch.tensor(ids[: PREFILL_ROWS * width]).view(PREFILL_ROWS, width)

    def read() -> None:
        with torch.inference_mode():
            model._model(input_ids=some, use_cache=True, logits_to_keep=int(last))

    return PREFILL_ROWS * width / statistics.median(timed(read)[0] for _ in range(3))


def plain(model: LocalModel, pairs: Sequence[Pair]) -> tuple[float, list[float]]:
    """Seconds and p_a by full prompts, sixteen a batch, padded."""
    import torch

    tokenizer = model._tokenizer
    options = [tokenizer.convert_tokens_to_ids(t) for t in ("ĠA", "A", "ĠB", "B")]
    chats = questions(pairs)
    logs: list[list[float]] = []

    def read() -> None:
        for start in range(0, len(chats), hh.PRINCIPLES):
            prompts = [list(model.prompt_tokens(c)) for c in chats[start : start + hh.PRINCIPLES]]
            batch = tokenizer.pad({"input_ids": prompts}, padding_side="left", return_tensors="pt")
            places = (batch["attention_mask"].cumsum(-1) - 1).clamp(min=0)
            with torch.inference_mode():
                out = model._model(**batch, position_ids=places, logits_to_keep=1)
            logs.extend(out.logits[:, -1].log_softmax(-1)[:, options].tolist())

    seconds, _ = timed(read)
    chances = np.exp(np.array(logs)).reshape(len(pairs), 2, hh.PRINCIPLES, 4)
    first = chances[..., :2].sum(-1) / chances.sum(-1)  # (pairs, orders, principles)
    odds = (logit(first[:, 0]) - logit(first[:, 1])) / 2
    return seconds, list(sigmoid(odds.mean(-1)))


def one_round(model: LocalModel, pairs: Sequence[Pair]) -> Round:
    chats = questions(pairs)
    width = tokens_of(model, chats) // len(chats)
    before = prefill(model, width, last=True)
    seconds, labels = timed(lambda: list(judge(pairs, hh.sixteen(), model, SETTING)))
    some = pairs[:PLAIN_PAIRS]
    plain_seconds, p_a = plain(model, some)
    after, called = (prefill(model, width, last=last) for last in (True, False))
    asked = chats[: len(chats) // len(pairs) : len(chats) // len(pairs) // PIPED]
    piped_seconds, _ = timed(lambda: [piped(chat[:-1], VERDICT_TOKENS) for chat in asked])
    few, all_of = tokens_of(model, questions(some)), tokens_of(model, chats)
    return Round(
        judgements=len(chats),
        seconds=seconds,
        unique=unique_tokens(model, chats),
        prefill=statistics.mean([before, after]),
        called=called,
        plain=few / plain_seconds * len(chats) / all_of,
        read_plain=all_of,
        piped=len(asked) / piped_seconds,
        gap=_gap(labels, p_a),
    )


def _gap(labels: Sequence[Label], p_a: Sequence[float]) -> float:
    return max(abs((a.p_a or 0) - b) for a, b in zip(labels, p_a, strict=False))


def run() -> str:
    model = load(BUILTIN)
    assert isinstance(model, LocalModel)
    pairs = hh.unlabelled(hh.pairs(count=PAIRS))
    list(judge(pairs[:1], hh.sixteen(), model, SETTING))  # loads and warms
    piped(pairs[0].prompt, 4)
    each = PAIRS // ROUNDS
    rounds = []
    for start in range(0, PAIRS, each):
        rounds.append(one_round(model, pairs[start : start + each]))
        print(rounds[-1], flush=True)
    return report(rounds)


def report(rounds: Sequence[Round]) -> str:
    def middle(*values: float) -> float:
        return statistics.median(values)

    share = middle(*(r.rate / r.bound for r in rounds))
    called = middle(*(r.rate * r.unique / r.judgements / r.called for r in rounds))
    ratio = middle(*(r.rate / r.plain for r in rounds))
    allowed = middle(*(r.bound_ratio for r in rounds))
    of_allowed = middle(*(r.rate / r.plain / r.bound_ratio for r in rounds))
    times = middle(*(r.rate / r.piped for r in rounds))
    rate, bound = middle(*(r.rate for r in rounds)), middle(*(r.bound for r in rounds))
    return "\n".join(
        [
            "## Judging",
            "",
            f"{hh.PRINCIPLES} principles on {PAIRS} pairs in both orders, the built-in model, medians of"
            f" {len(rounds)} rounds in which all ways took turns. Unique tokens:"
            f" {sum(r.unique for r in rounds)}; prefill"
            f" {middle(*(r.prefill for r in rounds)):.0f} tokens/s.",
            "",
            "| what | measured | asked for |",
            "|---|---|---|",
            f"| judgements a second | {rate:.2f}; the bound allows {bound:.2f} | |",
            f"| share of the bound | {share:.2f} | at least 0.85 |",
            f"| share of the bound by the model as it is called, with every token's prediction"
            f" ({middle(*(r.called for r in rounds)):.0f} tokens/s) | {called:.2f} | |",
            f"| times plain batches of sixteen ({middle(*(r.plain for r in rounds)):.2f}/s) | {ratio:.2f} |"
            " at least 2.5 |",
            f"| of the ratio that the bound allows ({allowed:.2f}) | {of_allowed:.2f} | at least 0.85 |",
            f"| times one verdict at a time by `pipeline` ({middle(*(r.piped for r in rounds)):.2f}/s,"
            f" {VERDICT_TOKENS} tokens, {len(rounds)} pairs) | {times:.0f} | at least 20 |",
            f"| largest difference of p_a to plain batches, {PLAIN_PAIRS * len(rounds)} pairs |"
            f" {max(r.gap for r in rounds):.1g} | 1e-4 |",
        ]
    )
